// SPDX-License-Identifier: Apache-2.0
//
// The naive twin of a log: everything in plain vectors, each batch applied by the rules in
// wal/types.h without a thought for speed. Tests compare what the real one recovers with it.
#pragma once

#include "wal/types.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorate::wal {

inline raft::Entry make_entry(uint64_t term, uint64_t index, Bytes data,
                              raft::EntryType type = raft::EntryType::kNormal) {
    return {.id = {.term = term, .index = index},
            .type = type,
            .payload = std::make_shared<const Bytes>(std::move(data))};
}

struct LogTwin {
    struct Stored {
        uint64_t term;
        raft::EntryType type;
        Bytes data;
        friend bool operator==(const Stored&, const Stored&) = default;
    };

    raft::HardState hard_state;
    Mark mark;
    std::map<uint64_t, Stored> entries;  // by index; consecutive, history included

    raft::EntryId last() const {
        if (entries.empty() || entries.rbegin()->first < mark.id.index) {
            return mark.id;
        }
        return {.term = entries.rbegin()->second.term, .index = entries.rbegin()->first};
    }

    void apply(const Batch& batch) {
        if (batch.hard_state) {
            hard_state = *batch.hard_state;
        }
        if (batch.mark) {
            const raft::EntryId& id = batch.mark->id;
            const auto at = entries.find(id.index);
            const bool known = id == mark.id || (at != entries.end() && at->second.term == id.term);
            if (!known) {
                entries.clear();
            }
            mark = *batch.mark;
        }
        for (const raft::Entry& entry : batch.entries) {
            entries.erase(entries.lower_bound(entry.id.index), entries.end());
            entries[entry.id.index] = {entry.id.term, entry.type, Bytes(entry.data())};
        }
    }

    // Empty when `recovered` is this log; otherwise what differs.
    std::string difference(const Recovered& recovered) const {
        if (recovered.hard_state != hard_state) {
            return "hard state";
        }
        if (!(recovered.mark == mark)) {
            return "mark";
        }
        if (recovered.last() != last()) {
            return "last index " + std::to_string(recovered.last().index) + " instead of " +
                   std::to_string(last().index);
        }
        if (recovered.start.index > mark.id.index) {
            return "start behind the mark";
        }
        const auto start = entries.find(recovered.start.index);
        if (start != entries.end() && start->second.term != recovered.start.term) {
            return "term of the start";
        }
        uint64_t index = recovered.start.index;
        for (const raft::Entry& entry : recovered.entries) {
            ++index;
            if (entry.id.index != index) {
                return "a gap before index " + std::to_string(entry.id.index);
            }
            const auto mine = entries.find(index);
            if (mine == entries.end() ||
                mine->second != Stored{entry.id.term, entry.type, Bytes(entry.data())}) {
                return "entry " + std::to_string(index);
            }
        }
        return {};
    }
};

}  // namespace quorate::wal
