// SPDX-License-Identifier: Apache-2.0
#include "ctl/each_endpoint.h"

#include "ctl/methods.h"
#include "rpc.pb.h"

#include <utility>

namespace quorate::ctl {
namespace {

constexpr FlagSpec kSpecs[] = {
    {"cluster", FlagKind::kSwitch, "false", "use all endpoints from the cluster member list"},
};

}  // namespace

const std::span<const FlagSpec> kClusterFlags = kSpecs;

Result<std::vector<std::string>> chosen_endpoints(Job& job) {
    // Not every command that goes to each endpoint has the flag.
    const bool of_members =
        find_flag(job.flags().groups(), "cluster") != nullptr && job.flags().on("cluster");
    if (!of_members) {
        auto options = job.options();
        return options ? Result<std::vector<std::string>>(std::move(options->endpoints))
                       : options.error();
    }
    etcdserverpb::MemberListRequest request;
    request.set_linearizable(true);
    const auto members = job.call<etcdserverpb::MemberListResponse>(methods::kMemberList, request);
    if (!members) {
        return Status(errors::kUnavailable,
                      "failed to fetch endpoints from etcd cluster member list: " +
                          members.error().message());
    }
    std::vector<std::string> endpoints;
    for (const auto& member : members->members()) {
        endpoints.insert(endpoints.end(), member.clienturls().begin(), member.clienturls().end());
    }
    return endpoints;
}

Result<std::unique_ptr<Client>> client_for(Job& job, const std::string& endpoint) {
    auto options = job.options();
    if (!options) {
        return options.error();
    }
    options->endpoints = {endpoint};
    return job.connect(std::move(*options));
}

}  // namespace quorate::ctl
