// SPDX-License-Identifier: Apache-2.0
#include "node/corruption_check.h"

#include "storage/schema.h"

#include <algorithm>

namespace quorate::node {
namespace {

constexpr size_t kRowBytes = 12;

std::optional<uint32_t> hash_at(const HashCheckpoints& checkpoints, uint64_t index) {
    const auto it = std::find_if(checkpoints.begin(), checkpoints.end(),
                                 [index](const auto& one) { return one.index == index; });
    return it == checkpoints.end() ? std::nullopt : std::optional(it->hash);
}

}  // namespace

Bytes encode_checkpoints(const HashCheckpoints& checkpoints) {
    Bytes out;
    for (const StateHash::Checkpoint& one : checkpoints) {
        append_be64(out, one.index);
        storage::append_be32(out, one.hash);
    }
    return out;
}

std::optional<HashCheckpoints> decode_checkpoints(ByteView encoded) {
    if (encoded.size() % kRowBytes != 0 || encoded.size() / kRowBytes > StateHash::kKept) {
        return std::nullopt;
    }
    HashCheckpoints out;
    for (; !encoded.empty(); encoded.remove_prefix(kRowBytes)) {
        const uint64_t both = load_be64(encoded.data() + 4);  // the index's end and the hash
        out.push_back({load_be64(encoded.data()), static_cast<uint32_t>(both)});
    }
    return out;
}

Judgement judge(const HashCheckpoints& own, const std::map<raft::MemberId, HashCheckpoints>& others,
                size_t members) {
    const size_t majority = members / 2 + 1;
    for (auto mine = own.rbegin(); mine != own.rend(); ++mine) {
        std::map<uint32_t, size_t> votes{{mine->hash, 1}};
        size_t voters = 1;
        for (const auto& [member, theirs] : others) {
            if (const auto hash = hash_at(theirs, mine->index)) {
                ++votes[*hash];
                ++voters;
            }
        }
        if (voters < majority) {
            continue;
        }
        const auto most =
            std::max_element(votes.begin(), votes.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        Judgement judgement{Verdict::kSame, mine->index, mine->hash, most->first};
        if (votes[mine->hash] < majority && most->second >= majority) {
            judgement.verdict = Verdict::kDamaged;
        } else if (votes.size() > 1 && most->second < majority) {
            judgement.verdict = Verdict::kDisputed;
        }
        return judgement;
    }
    return {};
}

}  // namespace quorate::node
