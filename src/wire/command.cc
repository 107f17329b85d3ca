// SPDX-License-Identifier: Apache-2.0
#include "wire/command.h"

#include "wire/proto_writer.h"

namespace quorate::wire {
namespace {

constexpr uint32_t kIdField = 1;
constexpr char kIdTag = static_cast<char>((kIdField << 3) | kFixed64);
constexpr uint32_t kUserField = 2;
constexpr uint32_t kRevisionField = 3;
constexpr uint32_t kByMemberField = 4;
constexpr size_t kOriginBytes = 16;  // about, besides the user's name

}  // namespace

Bytes encode_command(uint64_t id, const Origin& origin, CommandKind kind, ByteView request) {
    const auto field = static_cast<uint32_t>(kind);
    Bytes out;
    out.reserve(1 + sizeof id + kOriginBytes + origin.user.size() +
                message_field_size(field, request.size()));
    out.push_back(kIdTag);
    char raw[sizeof id];
    store_le64(raw, id);
    out.append(raw, sizeof raw);
    append_bytes(out, kUserField, origin.user);
    append_uint(out, kRevisionField, origin.auth_revision);
    append_bool(out, kByMemberField, origin.by_member);
    append_message(out, field, request);
    return out;
}

std::optional<uint64_t> command_id(ByteView payload) {
    if (payload.size() < 1 + sizeof(uint64_t) || payload.front() != kIdTag) {
        return std::nullopt;
    }
    return load_le64(payload.data() + 1);
}

}  // namespace quorate::wire
