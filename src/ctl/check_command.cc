// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/each_endpoint.h"
#include "ctl/go_text.h"
#include "ctl/http_page.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "ctl/progress_bar.h"
#include "ctl/put_load.h"
#include "rpc.pb.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace quorate::ctl {
namespace {

constexpr int64_t kPerf_s = 60;
constexpr int64_t kCleanUp_ns = 30 * kSecond_ns;
constexpr int kPage_ms = 5000;

constexpr FlagSpec kPerfFlags[] = {
    {"load", FlagKind::kText, "s",
     "The performance check's workload model. Accepted workloads: s(small), m(medium), l(large), "
     "xl(xLarge). They differ in the number of clients and in the expected throughput.",
     0, "small medium large xLarge"},
    {"prefix", FlagKind::kText, "/etcdctl-check-perf/",
     "The prefix for writing the performance check's keys."},
    {"auto-compact", FlagKind::kSwitch, "false",
     "Compact storage with last revision after test is finished."},
    {"auto-defrag", FlagKind::kSwitch, "false", "Defragment storage after test is finished."},
};
constexpr FlagSpec kScaleFlags[] = {
    {"load", FlagKind::kText, "s",
     "The datascale check's workload model. Accepted workloads: s(small), m(medium), l(large), "
     "xl(xLarge)",
     0, "small medium large xLarge"},
    {"prefix", FlagKind::kText, "/etcdctl-check-datascale/",
     "The prefix for writing the datascale check's keys."},
    {"auto-compact", FlagKind::kSwitch, "false",
     "Compact storage with last revision after test is finished."},
    {"auto-defrag", FlagKind::kSwitch, "false", "Defragment storage after test is finished."},
};

struct Model {
    std::string_view name;
    std::string_view long_name;
    int64_t rate;  // of perf
    size_t perf_clients;
    int64_t keys;  // of datascale
    size_t scale_clients;
};
constexpr Model kModels[] = {
    {"s", "small", 150, 50, 10'000, 50},
    {"m", "medium", 1000, 200, 100'000, 200},
    {"l", "large", 8000, 500, 1'000'000, 500},
    {"xl", "xLarge", 15000, 1000, 3'000'000, 1000},
};

const Model* find_model(const std::string& name) {
    for (const Model& model : kModels) {
        if (name == model.name || name == model.long_name) {
            return &model;
        }
    }
    return nullptr;
}

Exit unknown_load(const Job& job) {
    return {ExitCode::kBadFeature,
            "unknown load option " + job.flags().text("load") + ": must be s, m, l or xl"};
}

// Keys that are there already are somebody's: they would be deleted at the end.
Exit check_empty(Job& job, const std::string& prefix) {
    etcdserverpb::RangeRequest request;
    request.set_key(prefix);
    request.set_range_end(prefix_end(prefix));
    request.set_limit(1);
    const auto response = job.call<etcdserverpb::RangeResponse>(methods::kRange, request);
    if (!response) {
        return response.error();
    }
    if (response->kvs_size() > 0) {
        return {ExitCode::kInvalidInput, "prefix " + go_quote(prefix) +
                                             " has keys. Delete with 'quoratectl del --prefix " +
                                             prefix + "' first"};
    }
    return {};
}

// Deletes the keys, and makes room if that is asked for.
Status clean_up(Job& job, Client& client, const std::string& prefix) {
    etcdserverpb::DeleteRangeRequest request;
    request.set_key(prefix);
    request.set_range_end(prefix_end(prefix));
    const auto deleted = client.call<etcdserverpb::DeleteRangeResponse>(
        methods::kDeleteRange, request, now_ns() + kCleanUp_ns);
    if (!deleted) {
        return deleted.error();
    }
    if (!job.flags().on("auto-compact")) {
        return {};
    }
    const std::string revision = std::to_string(deleted->header().revision());
    Printer::say("Compacting with revision " + revision + "\n");
    etcdserverpb::CompactionRequest compaction;
    compaction.set_revision(deleted->header().revision());
    compaction.set_physical(true);
    const auto compacted = client.call<etcdserverpb::CompactionResponse>(
        methods::kCompact, compaction, now_ns() + kCleanUp_ns);
    if (compacted) {
        Printer::say("Compacted with revision " + revision + "\n");
    }
    return compacted.error();
}

Status defragment_all(Job& job) {
    const auto endpoints = chosen_endpoints(job);
    if (!endpoints) {
        return endpoints.error();
    }
    for (const std::string& endpoint : *endpoints) {
        Printer::say("Defragmenting " + go_quote(endpoint) + "\n");
        const auto client = client_for(job, endpoint);
        if (!client) {
            return client.error();
        }
        const auto response = (*client)->call<etcdserverpb::DefragmentResponse>(
            methods::kDefragment, etcdserverpb::DefragmentRequest(), now_ns() + kCleanUp_ns);
        if (!response) {
            return response.error();
        }
        Printer::say("Defragmented " + go_quote(endpoint) + "\n");
    }
    return {};
}

Status finish_load(Job& job, Client& client, const std::string& prefix) {
    Status s = clean_up(job, client, prefix);
    if (s.ok() && job.flags().on("auto-defrag")) {
        s = defragment_all(job);
    }
    return s;
}

std::string seconds(double value) {
    char text[48];
    std::snprintf(text, sizeof text, "%fs", value);
    return text;
}

bool say_errors(const LoadResult& result) {
    if (result.errors.empty()) {
        return true;
    }
    Printer::say("FAIL: too many errors\n");
    for (const auto& [error, count] : result.errors) {
        Printer::say("FAIL: ERROR(" + error + ") -> " + std::to_string(count) + "\n");
    }
    return false;
}

// The verdict, line by line, in etcdctl's words.
Exit judge(const LoadResult& result, int64_t rate) {
    bool good = say_errors(result);
    const auto judged = [&good](bool passed, const std::string& pass, const std::string& fail) {
        Printer::say((passed ? pass : fail) + "\n");
        good = good && passed;
    };
    const std::string writes =
        std::to_string(static_cast<int64_t>(result.per_second) + 1) + " writes/s";
    judged(result.per_second / static_cast<double>(rate) > 0.9, "PASS: Throughput is " + writes,
           "FAIL: Throughput too low: " + writes);
    const std::string slowest = seconds(result.slowest_s);
    judged(result.slowest_s <= 0.5, "PASS: Slowest request took " + slowest,
           "Slowest request took too long: " + slowest);
    const std::string deviation = seconds(result.deviation_s);
    judged(result.deviation_s <= 0.1, "PASS: Stddev is " + deviation,
           "Stddev too high: " + deviation);
    Printer::say(good ? "PASS\n" : "FAIL\n");
    return good ? Exit() : Exit::silent(ExitCode::kError);
}

Exit run_perf(Job& job) {
    const Model* model = find_model(job.flags().text("load"));
    if (model == nullptr) {
        return unknown_load(job);
    }
    const std::string& prefix = job.flags().text("prefix");
    const auto options = job.options();  // may ask on the terminal, where Ctrl-C still ends us
    if (!options) {
        return options.error();
    }
    Interrupts interrupts;
    if (Exit exit = check_empty(job, prefix); !exit.ok()) {
        return exit;
    }
    const auto clients = load_clients(job, model->perf_clients);
    if (!clients) {
        return clients.error();
    }
    LoadResult result;
    {
        ProgressBar bar("seconds", kPerf_s, ProgressBar::Unit::kCount);
        const int64_t start_ns = now_ns();
        result = run_load(*clients,
                          {.rate = model->rate,
                           .duration_ns = kPerf_s * kSecond_ns,
                           .prefix = prefix,
                           .key_bytes = 256,
                           .value_bytes = 1024},
                          interrupts, [&bar, start_ns](int64_t) {
                              bar.set(static_cast<uint64_t>((now_ns() - start_ns) / kSecond_ns),
                                      kPerf_s);
                          });
    }
    if (Status s = finish_load(job, *(*clients)[0], prefix); !s.ok()) {
        Printer::say("FAIL: Cleanup failed during key deletion: ERROR(" + s.message() + ")\n");
    }
    if (result.interrupted) {
        return {ExitCode::kInterrupted, "interrupted; the keys of the check are deleted"};
    }
    return judge(result, model->rate);
}

// process_resident_memory_bytes of a member. `tls` is for endpoints that do not say.
Result<double> resident_bytes(const Endpoint& endpoint, bool tls) {
    constexpr std::string_view kName = "\nprocess_resident_memory_bytes ";
    if (endpoint.url.is_unix() || endpoint.tls == EndpointTls::kAlways ||
        (endpoint.tls == EndpointTls::kIfConfigured && tls)) {
        return Status(errors::kUsage, endpoint.text +
                                          ": the memory is read from /metrics over plain HTTP, "
                                          "which this endpoint does not serve");
    }
    const auto page = fetch_page(endpoint.url, "/metrics", kPage_ms);
    if (!page) {
        return page.error();
    }
    const size_t found = page->find(kName);
    if (found == std::string::npos) {
        return Status(errors::kUnavailable,
                      endpoint.text + "/metrics has no line " + std::string(kName.substr(1)));
    }
    return std::strtod(page->c_str() + found + kName.size(), nullptr);
}

Exit no_memory(const char* when, const Status& status) {
    Printer::say("FAIL: Could not read process_resident_memory_bytes " + std::string(when) +
                 " the put operations.\n");
    return {ExitCode::kError, status.message()};
}

Exit run_datascale(Job& job) {
    const Model* model = find_model(job.flags().text("load"));
    if (model == nullptr) {
        return unknown_load(job);
    }
    const std::string& prefix = job.flags().text("prefix");
    const auto options = job.options();
    if (!options) {
        return options.error();
    }
    Interrupts interrupts;
    if (Exit exit = check_empty(job, prefix); !exit.ok()) {
        return exit;
    }
    const auto clients = load_clients(job, model->scale_clients);
    if (!clients) {
        return clients.error();
    }
    Client& first = *(*clients)[0];
    const auto before = resident_bytes(first.endpoints()[0], options->tls);
    if (!before) {
        return no_memory("before", before.error());
    }
    Printer::say("Start data scale check for work load [" + std::to_string(model->keys) +
                 " key-value pairs, 1024 bytes per key-value, " +
                 std::to_string(model->scale_clients) + " concurrent clients].\n");
    LoadResult result;
    {
        const auto total = static_cast<uint64_t>(model->keys);
        ProgressBar bar("keys", total, ProgressBar::Unit::kCount);
        result = run_load(
            *clients,
            {.requests_max = model->keys, .prefix = prefix, .key_bytes = 512, .value_bytes = 512},
            interrupts,
            [&bar, total](int64_t done) { bar.set(static_cast<uint64_t>(done), total); });
    }
    const auto after = resident_bytes(first.endpoints()[0], options->tls);
    const Status cleaned = finish_load(job, first, prefix);
    if (!after) {
        return no_memory("after", after.error());
    }
    if (!cleaned.ok()) {
        return cleaned;
    }
    if (result.interrupted) {
        return {ExitCode::kInterrupted, "interrupted; the keys of the check are deleted"};
    }
    if (!say_errors(result)) {
        return Exit::silent(ExitCode::kError);
    }
    char used[64];
    std::snprintf(used, sizeof used, "%.2f", (*after - *before) / (1024 * 1024));
    Printer::say("PASS: Approximate system memory used : " + std::string(used) + " MB.\n");
    return {};
}

const Command kCommands[] = {
    {"check perf", "", "Check the performance of the cluster", Section::kUtility, run_perf,
     kPerfFlags, "Puts for 60 seconds at a steady rate, and deletes the keys again."},
    {"check datascale", "",
     "Check the memory usage of holding data for different workloads on a given server endpoint.",
     Section::kUtility, run_datascale, kScaleFlags,
     "The first endpoint's memory is looked at, before and after the puts; it must serve\n"
     "/metrics without TLS."},
};

}  // namespace

const std::span<const Command> kCheckCommands = kCommands;

}  // namespace quorate::ctl
