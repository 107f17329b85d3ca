// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <string>

namespace quorate::ctl {
namespace {

constexpr const char* kRoot = "root";

Status grant_root(Job& job) {
    etcdserverpb::AuthRoleAddRequest role;
    role.set_name(kRoot);
    if (const auto added = job.call<etcdserverpb::AuthRoleAddResponse>(methods::kRoleAdd, role);
        !added) {
        return added.error();
    }
    etcdserverpb::AuthUserGrantRoleRequest grant;
    grant.set_user(kRoot);
    grant.set_role(kRoot);
    return job.call<etcdserverpb::AuthUserGrantRoleResponse>(methods::kUserGrantRole, grant)
        .error();
}

Exit run_enable(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("auth enable command does not accept any arguments");
    }
    const etcdserverpb::AuthEnableRequest request;
    auto response = job.call<etcdserverpb::AuthEnableResponse>(methods::kAuthEnable, request);
    if (!response && response.error().message() == errors::kRootRoleNotExist.text) {
        if (Status s = grant_root(job); !s.ok()) {
            return s;
        }
        response = job.call<etcdserverpb::AuthEnableResponse>(methods::kAuthEnable, request);
    }
    if (!response) {
        return response.error();
    }
    Printer::say("Authentication Enabled\n");
    return {};
}

Exit run_disable(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("auth disable command does not accept any arguments");
    }
    const auto response = job.call<etcdserverpb::AuthDisableResponse>(
        methods::kAuthDisable, etcdserverpb::AuthDisableRequest());
    if (!response) {
        return response.error();
    }
    Printer::say("Authentication Disabled\n");
    return {};
}

Exit run_status(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("auth status command does not accept any arguments");
    }
    const auto response = job.call<etcdserverpb::AuthStatusResponse>(
        methods::kAuthStatus, etcdserverpb::AuthStatusRequest());
    if (!response) {
        return response.error();
    }
    return job.printer().show(*response, {.simple = [&] {
        return std::string("Authentication Status: ") + (response->enabled() ? "true" : "false") +
               "\nAuthRevision: " + std::to_string(response->authrevision()) + "\n";
    }});
}

const Command kCommands[] = {
    {"auth enable",
     "",
     "Enables authentication",
     Section::kAuthentication,
     run_enable,
     {},
     "The user root must be there; the role root is made and granted to it when it is not."},
    {"auth disable", "", "Disables authentication", Section::kAuthentication, run_disable},
    {"auth status", "", "Returns authentication status", Section::kAuthentication, run_status},
};

}  // namespace

const std::span<const Command> kAuthCommands = kCommands;

}  // namespace quorate::ctl
