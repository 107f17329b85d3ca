// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/endpoint.h"
#include "ctl/go_json.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/key_requests.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

using etcdserverpb::Member;

constexpr FlagSpec kAddFlags[] = {
    {"peer-urls", FlagKind::kText, "", "comma separated peer URLs for the new member."},
    {"learner", FlagKind::kSwitch, "false", "indicates if the new member is raft learner"},
};
constexpr FlagSpec kUpdateFlags[] = {
    {"peer-urls", FlagKind::kText, "", "comma separated peer URLs for the updated member."},
};
constexpr FlagSpec kListFlags[] = {
    {"consistency", FlagKind::kText, "l", "Linearizable(l) or Serializable(s)", 0, "l s"},
};

// Padded with blanks at the left, as Go's %16x.
std::string padded_id(uint64_t id) {
    const std::string digits = hex(id);
    return std::string(16 - digits.size(), ' ') + digits;
}

Result<uint64_t> member_operand(const Job& job) {
    if (job.operands().size() != 1) {
        return Status(errors::kUsage, "member ID is not provided");
    }
    const auto id = parse_hex(job.operands()[0]);
    if (!id) {
        return Status(errors::kUsage,
                      "bad member ID arg " + go_quote(job.operands()[0]) + ", expecting ID in Hex");
    }
    return *id;
}

// With --hex ids are texts in hexadecimal, and those of the header are always there.
std::string hex_header(const etcdserverpb::ResponseHeader& header) {
    JsonObject object;
    object.text("cluster_id", hex(header.cluster_id())).text("member_id", hex(header.member_id()));
    if (header.revision() != 0) {
        object.number("revision", header.revision());
    }
    if (header.raft_term() != 0) {
        object.raw("raft_term", std::to_string(header.raft_term()));
    }
    return object.done();
}

template <typename Texts>
std::string json_texts(const Texts& texts) {
    std::vector<std::string> items;
    for (const std::string& text : texts) {
        items.push_back(go_json_string(text));
    }
    return json_array(items);
}

std::string hex_member(const Member& member) {
    JsonObject object;
    object.text("ID", hex(member.id()));
    if (!member.name().empty()) {
        object.text("name", member.name());
    }
    if (member.peerurls_size() > 0) {
        object.raw("peerURLs", json_texts(member.peerurls()));
    }
    if (member.clienturls_size() > 0) {
        object.raw("clientURLs", json_texts(member.clienturls()));
    }
    if (member.islearner()) {
        object.boolean("isLearner", true);
    }
    return object.done();
}

template <typename Response>
std::string member_json(const Response& response, bool hex_ids, const Member* added) {
    if (!hex_ids) {
        return go_json(response);
    }
    std::vector<std::string> members;
    for (const Member& member : response.members()) {
        members.push_back(hex_member(member));
    }
    JsonObject object;
    object.raw("header", hex_header(response.header()));
    if (added != nullptr) {
        object.raw("member", hex_member(*added));
    }
    return object.raw("members", json_array(members)).done();
}

// What the new member has to be started with.
std::string start_settings(const etcdserverpb::MemberAddResponse& response, const std::string& name,
                           const std::string& peer_urls) {
    std::string cluster;
    for (const Member& member : response.members()) {
        for (const std::string& url : member.peerurls()) {
            cluster += (cluster.empty() ? "" : ",") +
                       (member.id() == response.member().id() ? name : member.name()) + "=" + url;
        }
    }
    return "\nETCD_NAME=" + go_quote(name) + "\nETCD_INITIAL_CLUSTER=" + go_quote(cluster) +
           "\nETCD_INITIAL_ADVERTISE_PEER_URLS=" + go_quote(peer_urls) +
           "\nETCD_INITIAL_CLUSTER_STATE=\"existing\"\n";
}

Status check_add(const Job& job) {
    if (job.operands().empty()) {
        return {errors::kUsage, "member name not provided"};
    }
    if (job.operands().size() > 1) {
        std::string text = "too many arguments";
        for (const std::string& operand : job.operands()) {
            std::string lower = operand.substr(0, 4);
            std::transform(lower.begin(), lower.end(), lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            if (lower == "http") {
                text += ", did you mean --peer-urls=" + operand;
            }
        }
        return {errors::kUsage, text};
    }
    if (job.flags().text("peer-urls").empty()) {
        return {errors::kUsage, "member peer urls not provided"};
    }
    return {};
}

Exit run_add(Job& job) {
    if (Status s = check_add(job); !s.ok()) {
        return s;
    }
    const std::string& peer_urls = job.flags().text("peer-urls");
    etcdserverpb::MemberAddRequest request;
    for (const std::string& url : split_list(peer_urls)) {
        request.add_peerurls(url);
    }
    request.set_islearner(job.flags().on("learner"));
    const auto response = job.call<etcdserverpb::MemberAddResponse>(methods::kMemberAdd, request);
    if (!response) {
        return response.error();
    }
    const Member& added = response->member();
    return job.printer().show(
        *response, {.simple =
                        [&] {
                            return "Member " + padded_id(added.id()) + " added" +
                                   (added.islearner() ? " as learner " : " ") + "to cluster " +
                                   padded_id(response->header().cluster_id()) + "\n" +
                                   start_settings(*response, job.operands()[0], peer_urls);
                        },
                    .json = [&] { return member_json(*response, job.printer().hex(), &added); }});
}

template <typename Response>
Exit print_change(Job& job, const Response& response, uint64_t id, std::string_view what) {
    return job.printer().show(
        response, {.simple =
                       [&] {
                           return "Member " + padded_id(id) + " " + std::string(what) +
                                  " cluster " + padded_id(response.header().cluster_id()) + "\n";
                       },
                   .json = [&] { return member_json(response, job.printer().hex(), nullptr); }});
}

Exit run_remove(Job& job) {
    const auto id = member_operand(job);
    if (!id) {
        return id.error();
    }
    etcdserverpb::MemberRemoveRequest request;
    request.set_id(*id);
    const auto response =
        job.call<etcdserverpb::MemberRemoveResponse>(methods::kMemberRemove, request);
    return response ? print_change(job, *response, *id, "removed from") : Exit(response.error());
}

Exit run_update(Job& job) {
    const auto id = member_operand(job);
    if (!id) {
        return id.error();
    }
    if (job.flags().text("peer-urls").empty()) {
        return bad_arguments("member peer urls not provided");
    }
    etcdserverpb::MemberUpdateRequest request;
    request.set_id(*id);
    for (const std::string& url : split_list(job.flags().text("peer-urls"))) {
        request.add_peerurls(url);
    }
    const auto response =
        job.call<etcdserverpb::MemberUpdateResponse>(methods::kMemberUpdate, request);
    return response ? print_change(job, *response, *id, "updated in") : Exit(response.error());
}

Exit run_promote(Job& job) {
    const auto id = member_operand(job);
    if (!id) {
        return id.error();
    }
    etcdserverpb::MemberPromoteRequest request;
    request.set_id(*id);
    const auto response =
        job.call<etcdserverpb::MemberPromoteResponse>(methods::kMemberPromote, request);
    return response ? print_change(job, *response, *id, "promoted in") : Exit(response.error());
}

template <typename Texts>
std::string joined(const Texts& texts) {
    std::string all;
    for (const std::string& text : texts) {
        all += (all.empty() ? "" : ",") + text;
    }
    return all;
}

Table member_table(const etcdserverpb::MemberListResponse& response) {
    Table table{{"ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"}, {}};
    for (const Member& member : response.members()) {
        table.rows.push_back({hex(member.id()), member.name().empty() ? "unstarted" : "started",
                              member.name(), joined(member.peerurls()), joined(member.clienturls()),
                              member.islearner() ? "true" : "false"});
    }
    return table;
}

void member_fields(Fields& fields, const etcdserverpb::MemberListResponse& response) {
    fields.header(response.header());
    for (const Member& member : response.members()) {
        fields.member_id("ID", member.id()).quoted("Name", member.name());
        for (const std::string& url : member.peerurls()) {
            fields.quoted("PeerURL", url);
        }
        for (const std::string& url : member.clienturls()) {
            fields.quoted("ClientURL", url);
        }
        fields.boolean("IsLearner", member.islearner()).line();
    }
}

Exit run_list(Job& job) {
    const auto serializable = is_serializable(job.flags());
    if (!serializable) {
        return serializable.error();
    }
    etcdserverpb::MemberListRequest request;
    request.set_linearizable(!*serializable);
    const auto response = job.call<etcdserverpb::MemberListResponse>(methods::kMemberList, request);
    if (!response) {
        return response.error();
    }
    return job.printer().show(
        *response, {.simple = [&] { return member_table(*response).lines(); },
                    .fields = [&](Fields& fields) { member_fields(fields, *response); },
                    .table = [&] { return member_table(*response); },
                    .json = [&] { return member_json(*response, job.printer().hex(), nullptr); }});
}

constexpr std::string_view kListDetails =
    "In simple form a line each: ID, Status, Name, Peer Addrs, Client Addrs, Is Learner.";

const Command kCommands[] = {
    {"member add", "<memberName>", "Adds a member into the cluster", Section::kCluster, run_add,
     kAddFlags},
    {"member remove", "<memberID>", "Removes a member from the cluster", Section::kCluster,
     run_remove},
    {"member update", "<memberID>", "Updates a member in the cluster", Section::kCluster,
     run_update, kUpdateFlags},
    {"member list", "", "Lists all members in the cluster", Section::kCluster, run_list, kListFlags,
     kListDetails},
    {"member promote", "<memberID>", "Promotes a non-voting member in the cluster",
     Section::kCluster, run_promote},
};

}  // namespace

const std::span<const Command> kMemberCommands = kCommands;

}  // namespace quorate::ctl
