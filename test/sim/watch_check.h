// SPDX-License-Identifier: Apache-2.0
//
// What a watcher may rely on: every change of what it watches, in the order of revisions, once, the
// previous pair with it when it asked for that, over broken connections and from member to member;
// or word that the history has been compacted. Pure functions, any thread.
#pragma once

#include "sim/history.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quorate::sim {

// What came over a watch, in the order it came.
struct WatchItem {
    enum class Kind : uint8_t {
        kEvent,
        kProgress,   // everything up to `revision` has been delivered
        kCompacted,  // canceled: what was up to `revision` may be gone
    };
    Kind kind = Kind::kEvent;
    int64_t revision = 0;
    Change change;                     // kEvent
    std::optional<KeyValue> previous;  // kEvent
};

// One watcher, however often it had to connect.
struct WatchRecord {
    std::string name;
    std::string key;
    std::string range_end;
    int64_t start_revision = 0;  // the first that it is owed
    bool prev_kv = false;
    std::vector<WatchItem> items;
    // Everything up to here must have come by now; 0 when that is not known.
    int64_t complete_to = 0;
    // The newest compaction there was: what it removed can't be shown as a previous pair.
    int64_t compact_revision = 0;
};

// `changes` is everything that happened. Empty when all is well.
std::vector<std::string> check_watch(const WatchRecord& record, const std::vector<Change>& changes);

}  // namespace quorate::sim
