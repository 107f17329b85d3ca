// SPDX-License-Identifier: Apache-2.0
//
// Users, roles and permissions, and who a request comes from. Values, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::auth {

// The user that must be there for authentication to be enabled, and the role that may do all.
inline constexpr ByteView kRootUser = "root";
inline constexpr ByteView kRootRole = "root";

// Keys as requests name them: an empty end means exactly `key`, an end of one zero byte every key
// from `key` on, otherwise key <= k < end. Borrows its bytes.
struct KeySpan {
    ByteView key;
    ByteView end;

    bool is_single() const { return end.empty(); }
    bool is_open_ended() const { return end.size() == 1 && end[0] == '\0'; }
    bool is_empty() const { return !is_single() && !is_open_ended() && key >= end; }
};

// What a permission gives; numbers as in authpb.Permission.Type.
enum class Grant : uint8_t { kRead = 0, kWrite = 1, kReadWrite = 2 };

struct Permission {
    Grant grant = Grant::kRead;
    Bytes key;
    Bytes range_end;

    KeySpan span() const { return {key, range_end}; }
    friend bool operator==(const Permission&, const Permission&) = default;
};

struct Role {
    std::string name;
    std::vector<Permission> permissions;  // by key, then range end
    friend bool operator==(const Role&, const Role&) = default;
};

struct User {
    std::string name;
    Bytes password_hash;             // empty: there is no password that lets in
    std::vector<std::string> roles;  // sorted
    // Only a certificate's name logs in.
    bool no_password = false;
    friend bool operator==(const User&, const User&) = default;
};

// Who asks, as found out when the request was accepted. Nobody: no name.
struct Caller {
    std::string user;
    uint64_t auth_revision = 0;

    bool is_nobody() const { return user.empty(); }
};

}  // namespace quorate::auth
