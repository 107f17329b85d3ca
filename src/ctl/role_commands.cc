// SPDX-License-Identifier: Apache-2.0
#include "auth.pb.h"
#include "ctl/commands.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "ctl/role_print.h"
#include "rpc.pb.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

using authpb::Permission;

constexpr FlagSpec kGrantFlags[] = {
    {"prefix", FlagKind::kSwitch, "false", "grant a prefix permission"},
    {"from-key", FlagKind::kSwitch, "false",
     "grant a permission of keys that are greater than or equal to the given key using byte "
     "compare"},
};
constexpr FlagSpec kRevokeFlags[] = {
    {"prefix", FlagKind::kSwitch, "false", "revoke a prefix permission"},
    {"from-key", FlagKind::kSwitch, "false",
     "revoke a permission of keys that are greater than or equal to the given key using byte "
     "compare"},
};

struct Range {
    Bytes key;
    Bytes end;
};

// KEY [ENDKEY] from operand `at` on, --prefix and --from-key. The empty prefix is every key, which
// the server knows as from "\0" to an open end.
Result<Range> range_of(const Job& job, size_t at) {
    const bool prefix = job.flags().on("prefix");
    const bool from_key = job.flags().on("from-key");
    const Bytes open_end(1, '\0');
    Range range{job.operands()[at], {}};
    const bool has_end = job.operands().size() > at + 1;
    if (prefix && from_key) {
        return Status(errors::kUsage, "--from-key and --prefix flags are mutually exclusive");
    }
    if (range.key.empty()) {
        range.key = open_end;
        range.end = prefix || from_key ? open_end : Bytes();
    } else if (has_end) {
        if (prefix || from_key) {
            return Status(errors::kUsage, std::string("unexpected endkey argument with --") +
                                              (prefix ? "prefix" : "from-key") + " flag");
        }
        range.end = job.operands()[at + 1];
    } else if (prefix) {
        range.end = prefix_end(range.key);
    } else if (from_key) {
        range.end = open_end;
    }
    return range;
}

std::optional<Permission::Type> permission_type(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    Permission::Type type = Permission::READ;
    return Permission::Type_Parse(text, &type) ? std::optional(type) : std::nullopt;
}

Exit run_add(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("role add command requires role name as its argument");
    }
    etcdserverpb::AuthRoleAddRequest request;
    request.set_name(job.operands()[0]);
    const auto response = job.call<etcdserverpb::AuthRoleAddResponse>(methods::kRoleAdd, request);
    return response ? print_done(job.printer(), *response, "Role " + request.name() + " created")
                    : Exit(response.error());
}

Exit run_delete(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("role delete command requires role name as its argument");
    }
    etcdserverpb::AuthRoleDeleteRequest request;
    request.set_role(job.operands()[0]);
    const auto response =
        job.call<etcdserverpb::AuthRoleDeleteResponse>(methods::kRoleDelete, request);
    return response ? print_done(job.printer(), *response, "Role " + request.role() + " deleted")
                    : Exit(response.error());
}

Exit run_get(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("role get command requires role name as its argument");
    }
    etcdserverpb::AuthRoleGetRequest request;
    request.set_role(job.operands()[0]);
    const auto response = job.call<etcdserverpb::AuthRoleGetResponse>(methods::kRoleGet, request);
    return response ? print_role(job.printer(), request.role(), *response) : Exit(response.error());
}

Exit run_list(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("role list command requires no arguments");
    }
    const auto response = job.call<etcdserverpb::AuthRoleListResponse>(
        methods::kRoleList, etcdserverpb::AuthRoleListRequest());
    if (!response) {
        return response.error();
    }
    return job.printer().show(*response,
                              {.simple =
                                   [&] {
                                       std::string text;
                                       for (const std::string& role : response->roles()) {
                                           text += role + "\n";
                                       }
                                       return text;
                                   },
                               .fields =
                                   [&](Fields& fields) {
                                       std::string line = "\"Roles\" :";
                                       for (const std::string& role : response->roles()) {
                                           line += " " + go_quote(role);
                                       }
                                       fields.header(response->header()).line(line);
                                   }});
}

Exit run_grant(Job& job) {
    if (job.operands().size() < 3 || job.operands().size() > 4) {
        return bad_arguments(
            "role grant command requires role name, permission type, and key [endkey] as its "
            "argument");
    }
    const auto type = permission_type(job.operands()[1]);
    if (!type) {
        return bad_arguments("invalid permission type: " + job.operands()[1] +
                             "; must be read, write or readwrite");
    }
    auto range = range_of(job, 2);
    if (!range) {
        return range.error();
    }
    etcdserverpb::AuthRoleGrantPermissionRequest request;
    request.set_name(job.operands()[0]);
    request.mutable_perm()->set_permtype(*type);
    request.mutable_perm()->set_key(std::move(range->key));
    request.mutable_perm()->set_range_end(std::move(range->end));
    const auto response = job.call<etcdserverpb::AuthRoleGrantPermissionResponse>(
        methods::kRoleGrantPermission, request);
    return response ? print_done(job.printer(), *response, "Role " + request.name() + " updated")
                    : Exit(response.error());
}

std::string revoked_text(const std::string& role, const std::string& key, const Bytes& end) {
    if (end.empty()) {
        return "Permission of key " + key + " is revoked from role " + role;
    }
    const std::string range =
        end == Bytes(1, '\0') ? "[" + key + ", <open ended>" : "[" + key + ", " + end + ")";
    return "Permission of range " + range + " is revoked from role " + role;
}

Exit run_revoke(Job& job) {
    if (job.operands().size() < 2 || job.operands().size() > 3) {
        return bad_arguments(
            "role revoke-permission command requires role name and key [endkey] as its argument");
    }
    auto range = range_of(job, 1);
    if (!range) {
        return range.error();
    }
    etcdserverpb::AuthRoleRevokePermissionRequest request;
    request.set_role(job.operands()[0]);
    request.set_key(range->key);
    request.set_range_end(range->end);
    const auto response = job.call<etcdserverpb::AuthRoleRevokePermissionResponse>(
        methods::kRoleRevokePermission, request);
    return response ? print_done(job.printer(), *response,
                                 revoked_text(request.role(), job.operands()[1], range->end))
                    : Exit(response.error());
}

const Command kCommands[] = {
    {"role add", "<role name>", "Adds a new role", Section::kAuthentication, run_add},
    {"role delete", "<role name>", "Deletes a role", Section::kAuthentication, run_delete},
    {"role get", "<role name>", "Gets detailed information of a role", Section::kAuthentication,
     run_get},
    {"role list", "", "Lists all roles", Section::kAuthentication, run_list},
    {"role grant-permission", "<role name> <permission type> <key> [endkey]",
     "Grants a key to a role", Section::kAuthentication, run_grant, kGrantFlags,
     "The permission type is read, write or readwrite."},
    {"role revoke-permission", "<role name> <key> [endkey]", "Revokes a key from a role",
     Section::kAuthentication, run_revoke, kRevokeFlags},
};

}  // namespace

const std::span<const Command> kRoleCommands = kCommands;

}  // namespace quorate::ctl
