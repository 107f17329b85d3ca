// SPDX-License-Identifier: Apache-2.0
//
// Every member compares its state hash (state_hash.h) with the others', now and then. One that
// differs from a majority at an entry that they all have applied is damaged: it fences itself, for
// whatever it would answer or acknowledge may be wrong. Where no majority agrees, somebody is wrong
// and nobody knows who: then the alarm CORRUPT stops writes until a person has looked.
// Thread: raft loop; answers come from any.
#pragma once

#include "node/state_hash.h"
#include "raft/types.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace quorate::node {

using HashCheckpoints = std::vector<StateHash::Checkpoint>;

Bytes encode_checkpoints(const HashCheckpoints& checkpoints);
// Nothing when the bytes are no such list.
std::optional<HashCheckpoints> decode_checkpoints(ByteView encoded);

enum class Verdict : uint8_t {
    kNothing,   // too few answers, or nothing in common
    kSame,      // a majority agrees with this member
    kDamaged,   // a majority agrees, and this member does not
    kDisputed,  // hashes differ and none has a majority
};

struct Judgement {
    Verdict verdict = Verdict::kNothing;
    uint64_t index = 0;  // where
    uint32_t own = 0;
    uint32_t others = 0;  // kDamaged: the majority's
};

// `members`: how many there are, this one included. Looks at the newest entry that at least a
// majority has a hash of, this member among them.
Judgement judge(const HashCheckpoints& own, const std::map<raft::MemberId, HashCheckpoints>& others,
                size_t members);

}  // namespace quorate::node
