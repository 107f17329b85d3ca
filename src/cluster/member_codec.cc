// SPDX-License-Identifier: Apache-2.0
#include "cluster/member_codec.h"

#include "storage/row_fields.h"

#include <utility>

namespace quorate::cluster {
namespace {

constexpr char kLearner = 1;

}  // namespace

Bytes encode_member(const Member& member) {
    Bytes out;
    append_be64(out, member.id);
    out.push_back(member.is_learner ? kLearner : '\0');
    storage::append_text(out, member.name);
    storage::append_texts(out, member.peer_urls);
    storage::append_texts(out, member.client_urls);
    if (!member.server_version.empty()) {
        storage::append_text(out, member.server_version);
    }
    return out;
}

std::optional<Member> decode_member(ByteView encoded) {
    storage::FieldReader fields(encoded);
    Member member;
    member.id = fields.long_number();
    const uint8_t flags = fields.byte();
    if (flags != 0 && flags != kLearner) {
        return std::nullopt;
    }
    member.is_learner = flags == kLearner;
    member.name = fields.text();
    member.peer_urls = fields.texts();
    member.client_urls = fields.texts();
    if (!fields.at_end()) {
        member.server_version = fields.text();
    }
    return fields.at_end() ? std::optional(std::move(member)) : std::nullopt;
}

}  // namespace quorate::cluster
