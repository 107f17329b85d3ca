// SPDX-License-Identifier: Apache-2.0
//
// The values that Raft is made of, shared with the write-ahead log. Any thread; all are values.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace quorate::raft {

using MemberId = uint64_t;  // 0 is nobody
inline constexpr MemberId kNobody = 0;

// Which entry: two entries with the same index and term are the same entry (Raft §5.3).
struct EntryId {
    uint64_t term = 0;
    uint64_t index = 0;

    friend bool operator==(const EntryId&, const EntryId&) = default;
};

enum class EntryType : uint8_t {
    kNormal = 0,      // bytes for the state machine; empty = a new leader's first entry
    kConfChange = 1,  // bytes of an encoded ConfChange; empty = leave the joint configuration
};

// Shared because one payload is in the log, on its way to the disk, to several followers and to the
// state machine at the same time; it is never changed after it was proposed. Null: no bytes.
using Payload = std::shared_ptr<const Bytes>;

struct Entry {
    EntryId id;
    EntryType type = EntryType::kNormal;
    Payload payload;

    ByteView data() const { return payload == nullptr ? ByteView() : ByteView(*payload); }
};

// What a member must not forget (Raft §5, figure 2), plus the commit index, which is only a hint
// that saves work after a restart.
struct HardState {
    uint64_t term = 0;
    MemberId vote = kNobody;
    uint64_t commit = 0;

    friend bool operator==(const HardState&, const HardState&) = default;
};

// The members and their roles; joint while a change is under way (Raft thesis §4.3).
struct Configuration {
    std::vector<MemberId> voters;           // sorted
    std::vector<MemberId> voters_outgoing;  // sorted, not empty only while joint
    std::vector<MemberId> learners;         // sorted
    std::vector<MemberId> learners_next;    // voters that become learners when the joint phase ends
    bool auto_leave = false;                // while joint: the leader ends the phase by itself

    bool joint() const { return !voters_outgoing.empty(); }

    friend bool operator==(const Configuration&, const Configuration&) = default;
};

// What a snapshot is to Raft: the last entry it covers and the members at that point. The data
// travel and are kept outside of Raft.
struct Snapshot {
    EntryId id;
    Configuration configuration;

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

}  // namespace quorate::raft
