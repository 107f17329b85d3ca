// SPDX-License-Identifier: Apache-2.0
//
// Log entries' payload: quorate.wire.Command around the bytes a client sent. Any thread.
#pragma once

#include "auth/types.h"
#include "base/bytes.h"

#include <cstdint>
#include <optional>

namespace quorate::wire {

// Field numbers of Command.request in proto/command.proto; part of the data format.
enum class CommandKind : uint32_t {
    kPut = 16,
    kDeleteRange = 17,
    kTxn = 18,
    kCompaction = 19,
    kLeaseGrant = 20,
    kLeaseRevoke = 21,
    kLeaseCheckpoint = 22,
    kAlarm = 23,
    kExpiredLeases = 24,
    kMemberAttributes = 25,
    kClusterVersion = 26,
    kMemberChange = 40,
    kDowngrade = 41,
    kAuthEnable = 50,
    kAuthDisable = 51,
    kAuthToken = 52,
    kAuthUserAdd = 53,
    kAuthUserDelete = 54,
    kAuthPassword = 55,
    kAuthUserGrantRole = 56,
    kAuthUserRevokeRole = 57,
    kAuthRoleAdd = 58,
    kAuthRoleDelete = 59,
    kAuthRoleGrantPermission = 60,
    kAuthRoleRevokePermission = 61,
};

// Whose rights count when a command is applied.
struct Origin {
    ByteView user;  // empty: nobody has logged in
    uint64_t auth_revision = 0;
    bool by_member = false;  // nobody's: a member's own

    static Origin of(const auth::Caller& caller) { return {caller.user, caller.auth_revision}; }
    static Origin of_member() { return {{}, 0, true}; }
};

// `request` is the encoded message of that kind. The id comes first, at a fixed place.
Bytes encode_command(uint64_t id, const Origin& origin, CommandKind kind, ByteView request);

// The id of an encoded command, without decoding the rest; nothing for a payload of another form.
std::optional<uint64_t> command_id(ByteView payload);

}  // namespace quorate::wire
