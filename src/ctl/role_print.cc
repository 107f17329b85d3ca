// SPDX-License-Identifier: Apache-2.0
#include "ctl/role_print.h"

#include "auth.pb.h"
#include "ctl/go_text.h"

namespace quorate::ctl {
namespace {

using authpb::Permission;

constexpr std::string_view kOpenEnd("\0", 1);

std::string permission_line(const Permission& permission) {
    const std::string& key = permission.key();
    const std::string& end = permission.range_end();
    if (end.empty()) {
        return "\t" + key + "\n";
    }
    std::string text =
        end == kOpenEnd ? "\t[" + key + ", <open ended>" : "\t[" + key + ", " + end + ")";
    if (!key.empty() && prefix_end(key) == end) {
        text += " (prefix " + key + ")";
    }
    return text + "\n";
}

std::string role_text(const std::string& role, const etcdserverpb::AuthRoleGetResponse& response) {
    std::string reads = "KV Read:\n";
    std::string writes = "KV Write:\n";
    if (role == "root" && response.perm_size() == 0) {
        reads += "\t[, <open ended>\n";
        writes += "\t[, <open ended>\n";
    }
    for (const Permission& permission : response.perm()) {
        if (permission.permtype() != Permission::WRITE) {
            reads += permission_line(permission);
        }
        if (permission.permtype() != Permission::READ) {
            writes += permission_line(permission);
        }
    }
    return "Role " + role + "\n" + reads + writes;
}

void role_fields(Fields& fields, const etcdserverpb::AuthRoleGetResponse& response) {
    fields.header(response.header());
    for (const Permission& permission : response.perm()) {
        // Two blanks, as etcdctl writes it.
        fields.raw("PermType", " " + Permission::Type_Name(permission.permtype()))
            .quoted("Key", permission.key())
            .quoted("RangeEnd", permission.range_end());
    }
}

}  // namespace

Exit print_role(const Printer& printer, const std::string& role,
                const etcdserverpb::AuthRoleGetResponse& response) {
    return printer.show(response,
                        {.simple = [&] { return role_text(role, response); },
                         .fields = [&](Fields& fields) { role_fields(fields, response); }});
}

}  // namespace quorate::ctl
