// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/go_json.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/lease_keeper.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

constexpr FlagSpec kTimeToLiveFlags[] = {
    {"keys", FlagKind::kSwitch, "false", "Get keys attached to this lease"},
};
constexpr FlagSpec kKeepAliveFlags[] = {
    {"once", FlagKind::kSwitch, "false",
     "Resets the keep-alive time to its original value and exits immediately"},
};

std::string lease_text(int64_t id) {
    return "lease " + hex16(static_cast<uint64_t>(id));
}

// Go's client has structs of its own for leases, which embed the header.
JsonObject json_with(const etcdserverpb::ResponseHeader& header) {
    JsonObject object;
    object.members(go_json(header));
    return object;
}

Exit bad_connection(const Status& status) {
    return status.is(errors::kUsage) ? Exit(status) : Exit(ExitCode::kBadConnection, status);
}

Result<int64_t> lease_operand(const Job& job, const char* needs) {
    if (job.operands().size() != 1) {
        return Status(errors::kUsage, needs);
    }
    const auto id = parse_hex(job.operands()[0]);
    if (!id || *id > INT64_MAX) {
        return Status(errors::kUsage,
                      "bad lease ID arg " + go_quote(job.operands()[0]) + ", expecting ID in Hex");
    }
    return static_cast<int64_t>(*id);
}

Exit run_grant(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("lease grant command needs TTL argument");
    }
    const auto ttl = parse_decimal(job.operands()[0]);
    if (!ttl) {
        return bad_arguments("bad TTL " + go_quote(job.operands()[0]) +
                             ": must be a number of seconds");
    }
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(*ttl);
    const auto response = job.call<etcdserverpb::LeaseGrantResponse>(methods::kLeaseGrant, request);
    if (!response) {
        return {ExitCode::kError, "failed to grant lease (" + response.error().message() + ")"};
    }
    return job.printer().show(*response, {.simple =
                                              [&] {
                                                  return lease_text(response->id()) +
                                                         " granted with TTL(" +
                                                         std::to_string(response->ttl()) + "s)\n";
                                              },
                                          .fields =
                                              [&](Fields& fields) {
                                                  fields.header(response->header())
                                                      .lease_id("ID", response->id())
                                                      .number("TTL", response->ttl());
                                              },
                                          .json =
                                              [&] {
                                                  return json_with(response->header())
                                                      .number("ID", response->id())
                                                      .number("TTL", response->ttl())
                                                      .text("Error", response->error())
                                                      .done();
                                              }});
}

Exit run_revoke(Job& job) {
    const auto id = lease_operand(job, "lease revoke command needs 1 argument");
    if (!id) {
        return id.error();
    }
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(*id);
    const auto response =
        job.call<etcdserverpb::LeaseRevokeResponse>(methods::kLeaseRevoke, request);
    if (!response) {
        return {ExitCode::kError, "failed to revoke lease (" + response.error().message() + ")"};
    }
    return job.printer().show(
        *response, {.simple = [&] { return lease_text(*id) + " revoked\n"; },
                    .fields = [&](Fields& fields) { fields.header(response->header()); }});
}

std::string time_to_live_text(const etcdserverpb::LeaseTimeToLiveResponse& response, bool keys) {
    const std::string lease = lease_text(response.id());
    if (response.grantedttl() == 0 && response.ttl() == -1) {
        return lease + " already expired\n";
    }
    std::string text = lease + " granted with TTL(" + std::to_string(response.grantedttl()) +
                       "s), remaining(" + std::to_string(response.ttl()) + "s)";
    if (keys) {
        std::string list;
        for (const std::string& key : response.keys()) {
            list += (list.empty() ? "" : " ") + key;
        }
        text += ", attached keys([" + list + "])";
    }
    return text + "\n";
}

std::string time_to_live_json(const etcdserverpb::LeaseTimeToLiveResponse& response) {
    std::vector<std::string> keys;
    for (const std::string& key : response.keys()) {
        keys.push_back(go_json_bytes(key));
    }
    return json_with(response.header())
        .number("id", response.id())
        .number("ttl", response.ttl())
        .number("granted-ttl", response.grantedttl())
        .raw("keys", keys.empty() ? "null" : json_array(keys))
        .done();
}

Exit run_time_to_live(Job& job) {
    const auto id = lease_operand(job, "lease timetolive command needs lease ID as argument");
    if (!id) {
        return id.error();
    }
    const bool keys = job.flags().on("keys");
    etcdserverpb::LeaseTimeToLiveRequest request;
    request.set_id(*id);
    request.set_keys(keys);
    const auto response =
        job.call<etcdserverpb::LeaseTimeToLiveResponse>(methods::kLeaseTimeToLive, request);
    if (!response) {
        return bad_connection(response.error());
    }
    return job.printer().show(*response,
                              {.simple = [&] { return time_to_live_text(*response, keys); },
                               .fields =
                                   [&](Fields& fields) {
                                       fields.header(response->header())
                                           .lease_id("ID", response->id())
                                           .number("TTL", response->ttl())
                                           .number("GrantedTTL", response->grantedttl());
                                       for (const std::string& key : response->keys()) {
                                           fields.quoted("Key", key);
                                       }
                                   },
                               .json = [&] { return time_to_live_json(*response); }});
}

std::string leases_json(const etcdserverpb::LeaseLeasesResponse& response) {
    std::vector<std::string> leases;
    for (const auto& lease : response.leases()) {
        leases.push_back(JsonObject().number("id", lease.id()).done());
    }
    return json_with(response.header()).raw("leases", json_array(leases)).done();
}

Exit run_list(Job& job) {
    const auto response = job.call<etcdserverpb::LeaseLeasesResponse>(
        methods::kLeaseLeases, etcdserverpb::LeaseLeasesRequest());
    if (!response) {
        return bad_connection(response.error());
    }
    return job.printer().show(
        *response, {.simple =
                        [&] {
                            std::string text =
                                "found " + std::to_string(response->leases_size()) + " leases\n";
                            for (const auto& lease : response->leases()) {
                                text += hex16(static_cast<uint64_t>(lease.id())) + "\n";
                            }
                            return text;
                        },
                    .fields =
                        [&](Fields& fields) {
                            fields.header(response->header());
                            for (const auto& lease : response->leases()) {
                                fields.lease_id("ID", lease.id());
                            }
                        },
                    .json = [&] { return leases_json(*response); }});
}

Exit print_keep_alive(const Printer& printer,
                      const etcdserverpb::LeaseKeepAliveResponse& response) {
    return printer.show(response, {.simple =
                                       [&] {
                                           return lease_text(response.id()) +
                                                  " keepalived with TTL(" +
                                                  std::to_string(response.ttl()) + ")\n";
                                       },
                                   .fields =
                                       [&](Fields& fields) {
                                           fields.header(response.header())
                                               .lease_id("ID", response.id())
                                               .number("TTL", response.ttl());
                                       },
                                   .json =
                                       [&] {
                                           return json_with(response.header())
                                               .number("ID", response.id())
                                               .number("TTL", response.ttl())
                                               .done();
                                       }});
}

// The first answer with --once, else all of them until the lease is gone.
Exit keep(Job& job, Client& client, int64_t lease) {
    const bool once = job.flags().on("once");
    LeaseKeeper keeper(client, lease, 0);
    const int64_t give_up_ns = once ? job.deadline_ns() : kNever_ns;
    while (true) {
        while (const auto response = keeper.pump()) {
            if (once && response->ttl() <= 0) {
                return {ExitCode::kBadConnection, std::string(errors::kLeaseNotFound.text)};
            }
            if (response->ttl() > 0) {
                Exit exit = print_keep_alive(job.printer(), *response);
                if (once || !exit.ok()) {
                    return exit;
                }
            }
        }
        if (!keeper.failure().ok()) {
            return bad_connection(keeper.failure());
        }
        if (keeper.expired()) {
            break;
        }
        if (now_ns() >= give_up_ns) {
            return {ExitCode::kBadConnection, std::string(errors::kContextDeadline.text)};
        }
        client.waiter().wait(std::min(give_up_ns, keeper.next_ns()));
    }
    if (once) {
        return {ExitCode::kBadConnection, std::string(errors::kContextDeadline.text)};
    }
    if (job.printer().format() == Format::kSimple) {
        Printer::say(lease_text(lease) + " expired or revoked.\n");
    }
    return {};
}

Exit run_keep_alive(Job& job) {
    const auto id = lease_operand(job, "lease keep-alive command needs lease ID as argument");
    if (!id) {
        return id.error();
    }
    const auto client = job.client();
    return client ? keep(job, **client, *id) : Exit(client.error());
}

const Command kCommands[] = {
    {"lease grant", "<ttl>", "Creates leases", Section::kKeys, run_grant},
    {"lease revoke", "<leaseID>", "Revokes leases", Section::kKeys, run_revoke},
    {"lease timetolive", "<leaseID>", "Get lease information", Section::kKeys, run_time_to_live,
     kTimeToLiveFlags},
    {"lease list", "", "List all active leases", Section::kKeys, run_list},
    {"lease keep-alive", "<leaseID>", "Keeps leases alive (renew)", Section::kKeys, run_keep_alive,
     kKeepAliveFlags},
};

}  // namespace

const std::span<const Command> kLeaseCommands = kCommands;

}  // namespace quorate::ctl
