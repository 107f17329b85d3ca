// SPDX-License-Identifier: Apache-2.0
#include "auth/auth_rows.h"

#include "base/crc32c.h"
#include "storage/row_fields.h"

#include <utility>

namespace quorate::auth {
namespace {

constexpr uint8_t kNoPassword = 1;
constexpr uint8_t kEnabled = 1;

}  // namespace

Bytes encode_user(const User& user) {
    Bytes out;
    out.push_back(static_cast<char>(user.no_password ? kNoPassword : 0));
    storage::append_text(out, user.name);
    storage::append_text(out, user.password_hash);
    storage::append_texts(out, user.roles);
    return out;
}

std::optional<User> decode_user(ByteView row) {
    storage::FieldReader fields(row);
    User user;
    const uint8_t flags = fields.byte();
    if (flags > kNoPassword) {
        return std::nullopt;
    }
    user.no_password = flags == kNoPassword;
    user.name = fields.text();
    user.password_hash = fields.text();
    user.roles = fields.texts();
    return fields.at_end() ? std::optional(std::move(user)) : std::nullopt;
}

Bytes encode_role(const Role& role) {
    Bytes out;
    storage::append_text(out, role.name);
    storage::append_be32(out, static_cast<uint32_t>(role.permissions.size()));
    for (const Permission& permission : role.permissions) {
        out.push_back(static_cast<char>(permission.grant));
        storage::append_text(out, permission.key);
        storage::append_text(out, permission.range_end);
    }
    return out;
}

std::optional<Role> decode_role(ByteView row) {
    storage::FieldReader fields(row);
    Role role;
    role.name = fields.text();
    for (uint32_t left = fields.number(); left > 0 && fields.ok(); --left) {
        const uint8_t grant = fields.byte();
        if (grant > static_cast<uint8_t>(Grant::kReadWrite)) {
            return std::nullopt;
        }
        Bytes key = fields.text();
        Bytes range_end = fields.text();
        role.permissions.push_back(
            {static_cast<Grant>(grant), std::move(key), std::move(range_end)});
    }
    return fields.at_end() ? std::optional(std::move(role)) : std::nullopt;
}

Bytes encode_settings(const Settings& settings) {
    Bytes out;
    out.push_back(static_cast<char>(settings.enabled ? kEnabled : 0));
    append_be64(out, settings.revision);
    if (settings.digest) {
        append_be64(out, *settings.digest);
    }
    return out;
}

std::optional<Settings> decode_settings(ByteView row) {
    storage::FieldReader fields(row);
    Settings settings;
    const uint8_t flags = fields.byte();
    if (flags > kEnabled) {
        return std::nullopt;
    }
    settings.enabled = flags == kEnabled;
    settings.revision = fields.long_number();
    if (fields.ok() && !fields.at_end()) {
        settings.digest = fields.long_number();
    }
    return fields.at_end() ? std::optional(settings) : std::nullopt;
}

uint64_t row_digest(char table, ByteView row) {
    return crc32c_extend(crc32c(ByteView(&table, 1)), row);
}

}  // namespace quorate::auth
