// SPDX-License-Identifier: Apache-2.0
//
// Users and roles as rows of their tables, and the row that says whether authentication is on.
// Decoders give nothing for bytes that are not exactly one such row. Pure functions, any thread.
#pragma once

#include "auth/types.h"
#include "base/bytes.h"

#include <cstdint>
#include <optional>

namespace quorate::auth {

// Format: flags (1 byte; 1: no password), then name, password hash, roles.
Bytes encode_user(const User& user);
std::optional<User> decode_user(ByteView row);

// Format: name, number of permissions (4 bytes), then of each the grant (1 byte), key, range end.
Bytes encode_role(const Role& role);
std::optional<Role> decode_role(ByteView row);

struct Settings {
    bool enabled = false;
    uint64_t revision = 1;
    // Over all users and roles, in no order; nothing in a row that a snapshot's restore has made.
    std::optional<uint64_t> digest = std::nullopt;
};

// Under storage::kAuthKey. Format: flags (1 byte; 1: enabled), revision (8 bytes), digest (8
// bytes).
Bytes encode_settings(const Settings& settings);
std::optional<Settings> decode_settings(ByteView row);

// What a row of the tables of users and roles adds to the digest.
uint64_t row_digest(char table, ByteView row);

}  // namespace quorate::auth
