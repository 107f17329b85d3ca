// SPDX-License-Identifier: Apache-2.0
//
// BehindWatchers: the watchers that must read older changes, and whose turn it is. Streams take
// turns, and the watchers of a stream take turns within it, so neither one stream with many
// watchers nor one watcher with a long way to go holds up the others. Whoever stands close behind
// the one whose turn it is reads along. Watch loop only; borrows the watchers and streams.
#pragma once

#include "base/intrusive_list.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace quorate::mvcc {

class BehindWatchers {
  public:
    size_t size() const { return by_next_.size(); }

    void add(Watcher& watcher);     // at watcher.next
    void remove(Watcher& watcher);  // before it or its stream goes
    void advance(Watcher& watcher, int64_t next);

    // The stream's outbox is open again: it takes turns if it has watchers here.
    void wake(WatchStream& stream);

    // Whether a stream that can be written to has watchers here.
    bool ready();

    struct Round {
        int64_t revisions_max;
        size_t watchers_max;
    };
    // The watcher whose turn it is, followed by others that need revisions from its own `next` to
    // `revisions_max` further on and can be written to. Empty unless ready().
    std::vector<Watcher*> take_turn(const Round& round);

    void check_invariants() const;

  private:
    using Place = std::tuple<int64_t, StreamId, int64_t>;  // next, stream, watcher's id
    static Place place(const Watcher& watcher) {
        return {watcher.next, watcher.stream->id, watcher.id};
    }

    std::map<Place, Watcher*> by_next_;
    IntrusiveList<WatchStream, &WatchStream::turn_link> turns_;
};

}  // namespace quorate::mvcc
