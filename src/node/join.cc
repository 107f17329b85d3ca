// SPDX-License-Identifier: Apache-2.0
#include "node/join.h"

#include "base/errors.h"
#include "config/local_address.h"
#include "peer.pb.h"
#include "transport/unary.h"
#include "wire/member_change.h"

#include <utility>

namespace quorate::node {
namespace {

constexpr ByteView kMembersPath = "/quorate.peer.Peer/Members";
constexpr uint64_t kTimeout_ms = 5000;

Result<Bytes> ask(transport::Transport& transport, const Url& url, const std::string& local_address,
                  const MakeTls& tls) {
    transport::DialOptions options;
    options.host = transport::host_of(url);
    options.port = url.port;
    options.tls = url.is_tls() ? tls() : nullptr;
    options.local_address = local_address;
    auto connection = transport.client()->dial(options);
    if (!connection) {
        return connection.error();
    }
    return transport::call_and_wait(transport, **connection,
                                    {.path = kMembersPath, .timeout_ms = kTimeout_ms}, {});
}

Result<RunningCluster> read_members(ByteView encoded, const std::string& url) {
    peer::MembersResponse response;
    if (!response.ParseFromArray(encoded.data(), static_cast<int>(encoded.size())) ||
        response.cluster_id() == 0) {
        return Status(errors::kUnavailable, url + " is no peer URL of a Quorate member");
    }
    RunningCluster cluster;
    cluster.cluster_id = response.cluster_id();
    for (const auto& member : response.members()) {
        cluster.members.push_back(wire::from_proto(member));
    }
    return cluster;
}

}  // namespace

Result<RunningCluster> ask_running_cluster(transport::Transport& transport,
                                           const config::Config& config, const MakeTls& tls) {
    const std::string local_address = config::local_address(config);
    std::string reasons;
    for (const config::InitialMember& member : config.cluster.initial_cluster) {
        if (member.name == config.member.name) {
            continue;
        }
        for (const Url& url : member.peer_urls) {
            auto answer = ask(transport, url, local_address, tls);
            auto cluster = answer ? read_members(*answer, url.to_string())
                                  : Result<RunningCluster>(answer.error());
            // A member that has only just joined may know nobody yet.
            if (cluster && !cluster->members.empty()) {
                return cluster;
            }
            reasons += (reasons.empty() ? "" : "; ") + member.name + " at " + url.to_string() +
                       ": " + (cluster ? "has no members yet" : cluster.error().message());
        }
    }
    return Status(errors::kUnavailable,
                  "initial-cluster-state=existing: no member of the cluster answers (" +
                      (reasons.empty() ? "--initial-cluster names no other member" : reasons) +
                      "); start the others first, or use --initial-cluster-state=new for a new "
                      "cluster");
}

}  // namespace quorate::node
