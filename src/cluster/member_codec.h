// SPDX-License-Identifier: Apache-2.0
//
// A member as a row of the member table and on the way between members. Pure functions, any thread.
#pragma once

#include "base/bytes.h"
#include "cluster/member.h"

#include <optional>

namespace quorate::cluster {

// id: 8 bytes; flags: 1 byte (1: learner); then name, peer URLs, client URLs. A text is its length
// (4 bytes) and its bytes, a list of texts their number (4 bytes) and the texts. Big endian.
Bytes encode_member(const Member& member);

// Nothing when the bytes are not exactly one member.
std::optional<Member> decode_member(ByteView encoded);

}  // namespace quorate::cluster
