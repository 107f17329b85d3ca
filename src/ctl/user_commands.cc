// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "ctl/password.h"
#include "ctl/role_print.h"
#include "rpc.pb.h"

#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr FlagSpec kAddFlags[] = {
    {"interactive", FlagKind::kSwitch, "true",
     "Read password from the terminal; if false, from standard input"},
    {"new-user-password", FlagKind::kText, "", "Supply password from the command line flag"},
    {"no-password", FlagKind::kSwitch, "false",
     "Create a user without password (CN based auth only)"},
};
constexpr FlagSpec kGetFlags[] = {
    {"detail", FlagKind::kSwitch, "false", "Show permissions of roles granted to the user"},
};
constexpr FlagSpec kPasswordFlags[] = {
    {"interactive", FlagKind::kSwitch, "true",
     "Read password from the terminal; if false, from standard input"},
};

Result<std::string> new_password(const Job& job, const std::string& user) {
    return job.flags().on("interactive") ? ask_new_password(user)
                                         : Result<std::string>(read_password_word());
}

Result<etcdserverpb::AuthUserAddRequest> add_request(const Job& job) {
    if (job.operands().size() != 1) {
        return Status(errors::kUsage, "user add command requires user name as its argument");
    }
    const std::string& operand = job.operands()[0];
    etcdserverpb::AuthUserAddRequest request;
    request.mutable_options()->set_no_password(job.flags().on("no-password"));
    const std::string& from_flag = job.flags().text("new-user-password");
    const size_t colon = operand.find(':');
    if (request.options().no_password() || !from_flag.empty()) {
        request.set_name(operand);
        request.set_password(request.options().no_password() ? "" : from_flag);
    } else if (colon != std::string::npos) {
        if (colon == 0) {
            return Status(errors::kUsage, "empty user name is not allowed");
        }
        request.set_name(operand.substr(0, colon));
        request.set_password(operand.substr(colon + 1));
    } else {
        auto password = new_password(job, operand);
        if (!password) {
            return password.error();
        }
        request.set_name(operand);
        request.set_password(std::move(*password));
    }
    return request;
}

Exit run_add(Job& job) {
    const auto request = add_request(job);
    if (!request) {
        return request.error();
    }
    const auto response = job.call<etcdserverpb::AuthUserAddResponse>(methods::kUserAdd, *request);
    return response ? print_done(job.printer(), *response, "User " + request->name() + " created")
                    : Exit(response.error());
}

Exit run_delete(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("user delete command requires user name as its argument");
    }
    etcdserverpb::AuthUserDeleteRequest request;
    request.set_name(job.operands()[0]);
    const auto response =
        job.call<etcdserverpb::AuthUserDeleteResponse>(methods::kUserDelete, request);
    return response ? print_done(job.printer(), *response, "User " + request.name() + " deleted")
                    : Exit(response.error());
}

Exit show_roles(Job& job, const etcdserverpb::AuthUserGetResponse& user) {
    Printer::say("User: " + job.operands()[0] + "\n");
    for (const std::string& role : user.roles()) {
        Printer::say("\n");
        etcdserverpb::AuthRoleGetRequest request;
        request.set_role(role);
        const auto response =
            job.call<etcdserverpb::AuthRoleGetResponse>(methods::kRoleGet, request);
        if (!response) {
            return response.error();
        }
        if (Exit exit = print_role(job.printer(), role, *response); !exit.ok()) {
            return exit;
        }
    }
    return {};
}

Exit run_get(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("user get command requires user name as its argument");
    }
    etcdserverpb::AuthUserGetRequest request;
    request.set_name(job.operands()[0]);
    const auto response = job.call<etcdserverpb::AuthUserGetResponse>(methods::kUserGet, request);
    if (!response) {
        return response.error();
    }
    if (job.flags().on("detail")) {
        return show_roles(job, *response);
    }
    return job.printer().show(*response, {.simple = [&] {
        std::string text = "User: " + request.name() + "\nRoles:";
        for (const std::string& role : response->roles()) {
            text += " " + role;
        }
        return text + "\n";
    }});
}

Exit run_list(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("user list command requires no arguments");
    }
    const auto response = job.call<etcdserverpb::AuthUserListResponse>(
        methods::kUserList, etcdserverpb::AuthUserListRequest());
    if (!response) {
        return response.error();
    }
    return job.printer().show(*response, {.simple = [&] {
        std::string text;
        for (const std::string& user : response->users()) {
            text += user + "\n";
        }
        return text;
    }});
}

Exit run_passwd(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("user passwd command requires user name as its argument");
    }
    auto password = new_password(job, job.operands()[0]);
    if (!password) {
        return password.error();
    }
    etcdserverpb::AuthUserChangePasswordRequest request;
    request.set_name(job.operands()[0]);
    request.set_password(std::move(*password));
    const auto response = job.call<etcdserverpb::AuthUserChangePasswordResponse>(
        methods::kUserChangePassword, request);
    return response ? print_done(job.printer(), *response, "Password updated")
                    : Exit(response.error());
}

Exit run_grant_role(Job& job) {
    if (job.operands().size() != 2) {
        return bad_arguments("user grant command requires user name and role name as its argument");
    }
    etcdserverpb::AuthUserGrantRoleRequest request;
    request.set_user(job.operands()[0]);
    request.set_role(job.operands()[1]);
    const auto response =
        job.call<etcdserverpb::AuthUserGrantRoleResponse>(methods::kUserGrantRole, request);
    return response ? print_done(job.printer(), *response,
                                 "Role " + request.role() + " is granted to user " + request.user())
                    : Exit(response.error());
}

Exit run_revoke_role(Job& job) {
    if (job.operands().size() != 2) {
        return bad_arguments("user revoke-role requires user name and role name as its argument");
    }
    etcdserverpb::AuthUserRevokeRoleRequest request;
    request.set_name(job.operands()[0]);
    request.set_role(job.operands()[1]);
    const auto response =
        job.call<etcdserverpb::AuthUserRevokeRoleResponse>(methods::kUserRevokeRole, request);
    return response
               ? print_done(job.printer(), *response,
                            "Role " + request.role() + " is revoked from user " + request.name())
               : Exit(response.error());
}

const Command kCommands[] = {
    {"user add", "<user name or user:password>", "Adds a new user", Section::kAuthentication,
     run_add, kAddFlags},
    {"user delete", "<user name>", "Deletes a user", Section::kAuthentication, run_delete},
    {"user get", "<user name>", "Gets detailed information of a user", Section::kAuthentication,
     run_get, kGetFlags},
    {"user list", "", "Lists all users", Section::kAuthentication, run_list},
    {"user passwd", "<user name>", "Changes password of user", Section::kAuthentication, run_passwd,
     kPasswordFlags},
    {"user grant-role", "<user name> <role name>", "Grants a role to a user",
     Section::kAuthentication, run_grant_role},
    {"user revoke-role", "<user name> <role name>", "Revokes a role from a user",
     Section::kAuthentication, run_revoke_role},
};

}  // namespace

const std::span<const Command> kUserCommands = kCommands;

}  // namespace quorate::ctl
