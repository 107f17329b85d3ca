// SPDX-License-Identifier: Apache-2.0
//
// get, put, del and compaction.
#include "ctl/commands.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/key_print.h"
#include "ctl/key_requests.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <cstdio>
#include <iterator>

namespace quorate::ctl {
namespace {

constexpr int64_t kDeleteDelay_ns = 2 * kSecond_ns;

constexpr FlagSpec kCompactFlags[] = {
    {"physical", FlagKind::kSwitch, "false",
     "wait for compaction to physically remove all old revisions"},
};

Result<etcdserverpb::RangeResponse> stream_range(Job& job,
                                                 const etcdserverpb::RangeRequest& request) {
    const auto client = job.client();
    if (!client) {
        return client.error();
    }
    auto call = (*client)->open(methods::kRangeStream,
                                {.requires_leader = false, .deadline_ns = job.deadline_ns()});
    if (!call) {
        return call.error();
    }
    (*call)->send(request.SerializeAsString());
    (*call)->half_close();
    etcdserverpb::RangeResponse whole;
    while (true) {
        if (const auto message = (*call)->take()) {
            etcdserverpb::RangeStreamResponse part;
            if (!part.ParseFromString(*message)) {
                return Status(errors::kInternal, "the answer is no RangeStreamResponse");
            }
            whole.MergeFrom(part.range_response());
        } else if (const Call::End* end = (*call)->end()) {
            return end->code == Code::kOk ? Result<etcdserverpb::RangeResponse>(std::move(whole))
                                          : server_error(end->code, end->text);
        } else {
            (*client)->waiter().wait(kNever_ns);
        }
    }
}

Exit run_get(Job& job) {
    const auto request = range_request(job.line());
    if (!request) {
        return request.error();
    }
    if (request->count_only() && job.printer().format() != Format::kFields) {
        return bad_arguments("--count-only is only for `--write-out=fields`");
    }
    if (job.flags().on("print-value-only")) {
        if (job.printer().format() != Format::kSimple) {
            return bad_arguments("print-value-only is only for `--write-out=simple`");
        }
        job.printer().set_value_only();
    }
    const auto response = job.flags().on("stream")
                              ? stream_range(job, *request)
                              : job.call<etcdserverpb::RangeResponse>(methods::kRange, *request);
    return response ? print_range(job.printer(), *response) : Exit(response.error());
}

std::string whole_input() {
    std::string text;
    char buffer[65536];
    size_t bytes = 0;
    while ((bytes = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) {
        text.append(buffer, bytes);
    }
    return text;
}

Exit run_put(Job& job) {
    const auto request = put_request(job.line(), whole_input);
    if (!request) {
        return request.error();
    }
    const auto response = job.call<etcdserverpb::PutResponse>(methods::kPut, *request);
    return response ? print_put(job.printer(), *response) : Exit(response.error());
}

Exit run_del(Job& job) {
    const auto request = delete_request(job.line());
    if (!request) {
        return request.error();
    }
    if (job.operands().size() > 1 && !job.flags().on("range")) {
        std::fprintf(stderr,
                     "Warning: Keys between %s and %s will be deleted. Please interrupt the "
                     "command within next 2 seconds to cancel. You can provide `--range` flag to "
                     "avoid the delay.\n",
                     go_quote(job.operands()[0]).c_str(), go_quote(job.operands()[1]).c_str());
        Waiter pause;
        pause.wait(now_ns() + kDeleteDelay_ns);
    }
    const auto response =
        job.call<etcdserverpb::DeleteRangeResponse>(methods::kDeleteRange, *request);
    return response ? print_delete(job.printer(), *response) : Exit(response.error());
}

Exit run_compaction(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("compaction command needs 1 argument");
    }
    const auto revision = parse_decimal(job.operands()[0]);
    if (!revision) {
        return {ExitCode::kError,
                "bad revision " + go_quote(job.operands()[0]) + ": must be a decimal number"};
    }
    etcdserverpb::CompactionRequest request;
    request.set_revision(*revision);
    request.set_physical(job.flags().on("physical"));
    const auto response = job.call<etcdserverpb::CompactionResponse>(methods::kCompact, request);
    if (!response) {
        return response.error();
    }
    Printer::say("compacted revision " + std::to_string(*revision) + "\n");
    return {};
}

constexpr std::string_view kPutDetails =
    "A value that begins with '-' would be taken for a flag; write -- in front of it:\n"
    "  put <key> -- <value>\n"
    "Without a value, and without --ignore-value, it is read from standard input:\n"
    "  put <key> < file";

const Command kCommands[] = {
    {"get", "<key> [range_end]", "Gets the key or a range of keys", Section::kKeys, run_get,
     kGetFlags},
    {"put", "<key> <value> (<value> can also be given from stdin)",
     "Puts the given key into the store", Section::kKeys, run_put, kPutFlags, kPutDetails},
    {"del", "<key> [range_end]", "Removes the specified key or range of keys [key, range_end)",
     Section::kKeys, run_del, kDelFlags},
    {"compaction", "<revision>", "Compacts the event history", Section::kKeys, run_compaction,
     kCompactFlags},
};

}  // namespace

const std::span<const Command> kKeyCommands = kCommands;

}  // namespace quorate::ctl
