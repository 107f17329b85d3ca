// SPDX-License-Identifier: Apache-2.0
//
// alarm, defrag, move-leader and downgrade.
#include "base/duration.h"
#include "ctl/commands.h"
#include "ctl/each_endpoint.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <cstdio>
#include <memory>
#include <string>

namespace quorate::ctl {
namespace {

using etcdserverpb::AlarmMember;
using etcdserverpb::AlarmResponse;
using etcdserverpb::DowngradeRequest;

// As Go prints the message: "memberID:123 alarm:NOSPACE".
std::string alarm_line(const AlarmMember& alarm) {
    std::string text;
    if (alarm.memberid() != 0) {
        text += "memberID:" + std::to_string(alarm.memberid());
    }
    if (alarm.alarm() != etcdserverpb::NONE) {
        text += (text.empty() ? "alarm:" : " alarm:") + etcdserverpb::AlarmType_Name(alarm.alarm());
    }
    return text;
}

Exit print_alarms(const Printer& printer, const AlarmResponse& response) {
    return printer.show(response, {.simple =
                                       [&] {
                                           std::string text;
                                           for (const AlarmMember& alarm : response.alarms()) {
                                               text += alarm_line(alarm) + "\n";
                                           }
                                           return text;
                                       },
                                   .fields =
                                       [&](Fields& fields) {
                                           fields.header(response.header());
                                           for (const AlarmMember& alarm : response.alarms()) {
                                               fields.member_id("MemberID", alarm.memberid())
                                                   .raw("AlarmType",
                                                        etcdserverpb::AlarmType_Name(alarm.alarm()))
                                                   .line();
                                           }
                                       }});
}

Exit run_alarm_list(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("alarm list command accepts no arguments");
    }
    const auto response = job.call<AlarmResponse>(methods::kAlarm, etcdserverpb::AlarmRequest());
    return response ? print_alarms(job.printer(), *response) : Exit(response.error());
}

Exit run_alarm_disarm(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("alarm disarm command accepts no arguments");
    }
    const auto active = job.call<AlarmResponse>(methods::kAlarm, etcdserverpb::AlarmRequest());
    if (!active) {
        return active.error();
    }
    AlarmResponse disarmed;  // without a header, since it is several answers in one
    for (const AlarmMember& alarm : active->alarms()) {
        etcdserverpb::AlarmRequest request;
        request.set_action(etcdserverpb::AlarmRequest::DEACTIVATE);
        request.set_memberid(alarm.memberid());
        request.set_alarm(alarm.alarm());
        const auto response = job.call<AlarmResponse>(methods::kAlarm, request);
        if (!response) {
            return response.error();
        }
        disarmed.mutable_alarms()->MergeFrom(response->alarms());
    }
    return print_alarms(job.printer(), disarmed);
}

Exit run_defrag(Job& job) {
    const auto endpoints = chosen_endpoints(job);
    if (!endpoints) {
        return endpoints.error();
    }
    bool failed = false;
    for (const std::string& endpoint : *endpoints) {
        const int64_t start_ns = now_ns();
        const auto client = client_for(job, endpoint);
        const auto response =
            client ? (*client)->call<etcdserverpb::DefragmentResponse>(
                         methods::kDefragment, etcdserverpb::DefragmentRequest(), job.deadline_ns())
                   : Result<etcdserverpb::DefragmentResponse>(client.error());
        const std::string took = format_duration(now_ns() - start_ns);
        if (response) {
            Printer::say("Finished defragmenting etcd member[" + endpoint + "]. took " + took +
                         "\n");
        } else {
            std::fprintf(stderr, "Failed to defragment etcd member[%s]. took %s. (%s)\n",
                         endpoint.c_str(), took.c_str(), response.error().message().c_str());
            failed = true;
        }
    }
    return failed ? Exit::silent(ExitCode::kError) : Exit();
}

struct Leader {
    std::unique_ptr<Client> client;
    uint64_t id = 0;
};

// Whichever of the endpoints is the leader's.
Result<Leader> find_leader(Job& job) {
    const auto endpoints = chosen_endpoints(job);
    if (!endpoints) {
        return endpoints.error();
    }
    std::string all;
    for (const std::string& endpoint : *endpoints) {
        auto client = client_for(job, endpoint);
        if (!client) {
            return client.error();
        }
        const auto status = (*client)->call<etcdserverpb::StatusResponse>(
            methods::kStatus, etcdserverpb::StatusRequest(), job.deadline_ns());
        if (!status) {
            return status.error();
        }
        if (status->leader() == status->header().member_id()) {
            return Leader{std::move(client).value(), status->leader()};
        }
        all += (all.empty() ? "" : " ") + endpoint;
    }
    return Status(errors::kUsage, "no leader endpoint given at [" + all + "]");
}

Exit run_move_leader(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("move-leader command needs 1 argument");
    }
    const auto target = parse_hex(job.operands()[0]);
    if (!target) {
        return bad_arguments("bad member ID arg " + go_quote(job.operands()[0]) +
                             ", expecting ID in Hex");
    }
    auto leader = find_leader(job);
    if (!leader) {
        return leader.error();
    }
    etcdserverpb::MoveLeaderRequest request;
    request.set_targetid(*target);
    const auto response = leader->client->call<etcdserverpb::MoveLeaderResponse>(
        methods::kMoveLeader, request, job.deadline_ns());
    if (!response) {
        return response.error();
    }
    return job.printer().show(*response, {.simple = [&] {
        return "Leadership transferred from " + hex(leader->id) + " to " + hex(*target) + "\n";
    }});
}

Exit downgrade(Job& job, DowngradeRequest::DowngradeAction action, const char* what) {
    DowngradeRequest request;
    request.set_action(action);
    if (action != DowngradeRequest::CANCEL) {
        if (job.operands().empty()) {
            return bad_arguments("TARGET_VERSION not provided");
        }
        if (job.operands().size() > 1) {
            return bad_arguments("too many arguments");
        }
        if (job.operands()[0].empty()) {
            return bad_arguments("target version not provided");
        }
        request.set_version(job.operands()[0]);
    }
    const auto response = job.call<etcdserverpb::DowngradeResponse>(methods::kDowngrade, request);
    if (!response) {
        return response.error();
    }
    return job.printer().show(*response, {.simple = [&] {
        return "Downgrade " + std::string(what) + " success, cluster version " +
               response->version() + "\n";
    }});
}

Exit run_downgrade_validate(Job& job) {
    return downgrade(job, DowngradeRequest::VALIDATE, "validate");
}

Exit run_downgrade_enable(Job& job) {
    return downgrade(job, DowngradeRequest::ENABLE, "enable");
}

Exit run_downgrade_cancel(Job& job) {
    return downgrade(job, DowngradeRequest::CANCEL, "cancel");
}

const Command kCommands[] = {
    {"alarm list", "", "Lists all alarms", Section::kCluster, run_alarm_list},
    {"alarm disarm", "", "Disarms all alarms", Section::kCluster, run_alarm_disarm},
    {"defrag", "", "Defragments the storage of the members with given endpoints", Section::kCluster,
     run_defrag, kClusterFlags,
     "For a data directory that no server uses there is \"quorate util defrag --data-dir\"."},
    {"move-leader", "<transferee-member-id>", "Transfers leadership to another cluster member.",
     Section::kCluster, run_move_leader},
    {"downgrade validate", "<TARGET_VERSION>",
     "Validate downgrade capability before starting downgrade", Section::kCluster,
     run_downgrade_validate},
    {"downgrade enable", "<TARGET_VERSION>", "Start a downgrade action to cluster",
     Section::kCluster, run_downgrade_enable},
    {"downgrade cancel", "", "Cancel the ongoing downgrade action to cluster", Section::kCluster,
     run_downgrade_cancel},
};

}  // namespace

const std::span<const Command> kMaintenanceCommands = kCommands;

}  // namespace quorate::ctl
