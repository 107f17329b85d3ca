// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"
#include "base/human_bytes.h"
#include "ctl/commands.h"
#include "ctl/each_endpoint.h"
#include "ctl/go_json.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

using etcdserverpb::StatusResponse;

constexpr FlagSpec kHashFlags[] = {
    {"cluster", FlagKind::kSwitch, "false", "use all endpoints from the cluster member list"},
    {"rev", FlagKind::kInt, "0", "maximum revision to hash (default: latest revision)"},
};

struct Health {
    std::string endpoint;
    std::string took;
    std::string error;  // empty: healthy

    bool healthy() const { return error.empty(); }
};

std::string alarm_text(const etcdserverpb::AlarmResponse& alarms) {
    std::string text = "Active Alarm(s): ";
    for (const auto& alarm : alarms.alarms()) {
        text += alarm.alarm() == etcdserverpb::NOSPACE   ? "NOSPACE "
                : alarm.alarm() == etcdserverpb::CORRUPT ? "CORRUPT "
                                                         : "UNKNOWN ";
    }
    return text;
}

// Any key will do, since it takes a quorum to answer; and no permission for it is an answer, too.
Health check_health(Job& job, const std::string& endpoint) {
    Health health{endpoint, {}, {}};
    const auto client = client_for(job, endpoint);
    if (!client) {
        health.error = client.error().message();
        return health;
    }
    const int64_t start_ns = now_ns();
    etcdserverpb::RangeRequest request;
    request.set_key("health");
    const auto range =
        (*client)->call<etcdserverpb::RangeResponse>(methods::kRange, request, job.deadline_ns());
    health.took = format_duration(now_ns() - start_ns);
    if (!range && range.error().message() != errors::kPermissionDenied.text) {
        health.error = range.error().message();
        return health;
    }
    const auto alarms = (*client)->call<etcdserverpb::AlarmResponse>(
        methods::kAlarm, etcdserverpb::AlarmRequest(), job.deadline_ns());
    if (!alarms) {
        health.error = "Unable to fetch the alarm list";
    } else if (alarms->alarms_size() > 0) {
        health.error = alarm_text(*alarms);
    }
    return health;
}

std::string health_json(const std::vector<Health>& all) {
    std::vector<std::string> items;
    for (const Health& health : all) {
        JsonObject object;
        object.text("endpoint", health.endpoint)
            .boolean("health", health.healthy())
            .text("took", health.took);
        if (!health.healthy()) {
            object.text("error", health.error);
        }
        items.push_back(object.done());
    }
    return json_array(items);
}

Table health_table(const std::vector<Health>& all) {
    Table table{{"endpoint", "health", "took", "error"}, {}};
    for (const Health& health : all) {
        table.rows.push_back(
            {health.endpoint, health.healthy() ? "true" : "false", health.took, health.error});
    }
    return table;
}

// The healthy ones; what is wrong with the others goes to standard error.
std::string health_lines(const std::vector<Health>& all) {
    std::string text;
    for (const Health& health : all) {
        if (health.healthy()) {
            text += health.endpoint +
                    " is healthy: successfully committed proposal: took = " + health.took + "\n";
        } else {
            std::fprintf(stderr, "%s is unhealthy: failed to commit proposal: %s\n",
                         health.endpoint.c_str(), health.error.c_str());
        }
    }
    return text;
}

Exit print_health(const Printer& printer, const std::vector<Health>& all) {
    return printer.show({.simple = [&] { return health_lines(all); },
                         .fields =
                             [&](Fields& fields) {
                                 for (const Health& health : all) {
                                     fields.quoted("Endpoint", health.endpoint)
                                         .boolean("Health", health.healthy())
                                         .raw("Took", health.took)
                                         .raw("Error", health.error)
                                         .line();
                                 }
                             },
                         .table = [&] { return health_table(all); },
                         .json = [&] { return health_json(all); }});
}

Exit run_health(Job& job) {
    const auto endpoints = chosen_endpoints(job);
    if (!endpoints) {
        return endpoints.error();
    }
    std::vector<Health> all;
    bool healthy = true;
    for (const std::string& endpoint : *endpoints) {
        all.push_back(check_health(job, endpoint));
        healthy = healthy && all.back().healthy();
    }
    if (Exit exit = print_health(job.printer(), all); !exit.ok()) {
        return exit;
    }
    return healthy ? Exit() : Exit(ExitCode::kError, "unhealthy cluster");
}

template <typename Response>
struct Answer {
    std::string endpoint;
    Response response;
};

template <typename Response>
std::string answers_json(const std::vector<Answer<Response>>& answers, std::string_view name) {
    std::vector<std::string> items;
    for (const auto& answer : answers) {
        items.push_back(JsonObject()
                            .text("Endpoint", answer.endpoint)
                            .raw(name, go_json(answer.response))
                            .done());
    }
    return items.empty() ? "null" : json_array(items);
}

// How much of the file is not in use, in whole per cent.
std::string unused_percentage(const StatusResponse& status) {
    if (status.dbsize() <= 0) {
        return "0%";
    }
    return std::to_string(100 - status.dbsizeinuse() * 100 / status.dbsize()) + "%";
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& texts,
                   std::string_view between) {
    std::string all;
    for (const std::string& text : texts) {
        all += (all.empty() ? "" : std::string(between)) + text;
    }
    return all;
}

const char* yes_or_no(bool value) {
    return value ? "true" : "false";
}

std::string size_text(int64_t bytes) {
    return human_bytes(static_cast<uint64_t>(std::max<int64_t>(bytes, 0)));
}

Table status_table(const std::vector<Answer<StatusResponse>>& answers) {
    Table table{
        {"endpoint", "ID", "version", "storage version", "db size", "in use",
         "percentage not in use", "quota", "is leader", "is learner", "raft term", "raft index",
         "raft applied index", "errors", "downgrade target version", "downgrade enabled"},
        {}};
    for (const auto& [endpoint, status] : answers) {
        table.rows.push_back(
            {endpoint, hex(status.header().member_id()), status.version(), status.storageversion(),
             size_text(status.dbsize()), size_text(status.dbsizeinuse()), unused_percentage(status),
             size_text(status.dbsizequota()),
             yes_or_no(status.leader() == status.header().member_id()),
             yes_or_no(status.islearner()), std::to_string(status.raftterm()),
             std::to_string(status.raftindex()), std::to_string(status.raftappliedindex()),
             joined(status.errors(), ", "), status.downgradeinfo().targetversion(),
             yes_or_no(status.downgradeinfo().enabled())});
    }
    return table;
}

void status_fields(Fields& fields, const Answer<StatusResponse>& answer) {
    const StatusResponse& status = answer.response;
    fields.header(status.header())
        .quoted("Version", status.version())
        .quoted("StorageVersion", status.storageversion())
        .number("DBSize", status.dbsize())
        .number("DBSizeInUse", status.dbsizeinuse())
        .number("DBSizeQuota", status.dbsizequota())
        .raw("Leader", std::to_string(status.leader()))
        .boolean("IsLearner", status.islearner())
        .raw("RaftIndex", std::to_string(status.raftindex()))
        .raw("RaftTerm", std::to_string(status.raftterm()))
        .raw("RaftAppliedIndex", std::to_string(status.raftappliedindex()))
        .raw("Errors", "[" + joined(status.errors(), " ") + "]")
        .quoted("Endpoint", answer.endpoint)
        .quoted("DowngradeTargetVersion", status.downgradeinfo().targetversion())
        .boolean("DowngradeEnabled", status.downgradeinfo().enabled())
        .line();
}

template <typename Response>
struct Answers {
    std::vector<Answer<Response>> list;
    Status failure;  // of the last endpoint that failed
};

// Asks each endpoint; those that fail are named on standard error.
template <typename Response>
Result<Answers<Response>> ask_each(Job& job, const Method& method,
                                   const google::protobuf::MessageLite& request, const char* what) {
    const auto endpoints = chosen_endpoints(job);
    if (!endpoints) {
        return endpoints.error();
    }
    Answers<Response> answers;
    for (const std::string& endpoint : *endpoints) {
        const auto client = client_for(job, endpoint);
        const auto response =
            client ? (*client)->template call<Response>(method, request, job.deadline_ns())
                   : Result<Response>(client.error());
        if (response) {
            answers.list.push_back({endpoint, *response});
        } else {
            answers.failure = response.error();
            std::fprintf(stderr, "Failed to get the %s of endpoint %s (%s)\n", what,
                         endpoint.c_str(), answers.failure.message().c_str());
        }
    }
    return answers;
}

Exit run_status(Job& job) {
    const auto asked =
        ask_each<StatusResponse>(job, methods::kStatus, etcdserverpb::StatusRequest(), "status");
    if (!asked) {
        return asked.error();
    }
    const auto& answers = asked->list;
    Exit exit = job.printer().show({.simple = [&] { return status_table(answers).lines(); },
                                    .fields =
                                        [&](Fields& fields) {
                                            for (const auto& answer : answers) {
                                                status_fields(fields, answer);
                                            }
                                        },
                                    .table = [&] { return status_table(answers); },
                                    .json = [&] { return answers_json(answers, "Status"); }});
    return exit.ok() && !asked->failure.ok() ? Exit::silent(ExitCode::kError) : exit;
}

Table hash_table(const std::vector<Answer<etcdserverpb::HashKVResponse>>& answers) {
    Table table{{"endpoint", "hash", "hash_revision"}, {}};
    for (const auto& [endpoint, response] : answers) {
        table.rows.push_back(
            {endpoint, std::to_string(response.hash()), std::to_string(response.hash_revision())});
    }
    return table;
}

Exit run_hash(Job& job) {
    etcdserverpb::HashKVRequest request;
    request.set_revision(job.flags().number("rev"));
    const auto asked =
        ask_each<etcdserverpb::HashKVResponse>(job, methods::kHashKv, request, "hash");
    if (!asked) {
        return asked.error();
    }
    const auto& answers = asked->list;
    Exit exit =
        job.printer().show({.simple = [&] { return hash_table(answers).lines(); },
                            .fields =
                                [&](Fields& fields) {
                                    for (const auto& [endpoint, response] : answers) {
                                        fields.header(response.header())
                                            .quoted("Endpoint", endpoint)
                                            .number("Hash", response.hash())
                                            .number("HashRevision", response.hash_revision())
                                            .line();
                                    }
                                },
                            .table = [&] { return hash_table(answers); },
                            .json = [&] { return answers_json(answers, "HashKV"); }});
    return exit.ok() ? Exit(asked->failure) : exit;
}

constexpr std::string_view kStatusDetails =
    "In simple form a line each: endpoint, ID, version, storage version, db size, in use,\n"
    "percentage not in use, quota, is leader, is learner, raft term, raft index, raft applied\n"
    "index, errors, downgrade target version, downgrade enabled.";

const Command kCommands[] = {
    {"endpoint health", "", "Checks the healthiness of endpoints specified in `--endpoints` flag",
     Section::kCluster, run_health, kClusterFlags},
    {"endpoint status", "", "Prints out the status of endpoints specified in `--endpoints` flag",
     Section::kCluster, run_status, kClusterFlags, kStatusDetails},
    {"endpoint hashkv", "", "Prints the KV history hash for each endpoint in --endpoints",
     Section::kCluster, run_hash, kHashFlags},
};

}  // namespace

const std::span<const Command> kEndpointCommands = kCommands;

}  // namespace quorate::ctl
