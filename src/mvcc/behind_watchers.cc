// SPDX-License-Identifier: Apache-2.0
#include "mvcc/behind_watchers.h"

#include "base/assert.h"

namespace quorate::mvcc {

void BehindWatchers::add(Watcher& watcher) {
    QUORATE_ASSERT(!watcher.behind);
    watcher.behind = true;
    watcher.stream->behind.push_back(watcher);
    const bool added = by_next_.emplace(place(watcher), &watcher).second;
    QUORATE_ASSERT(added);
    wake(*watcher.stream);
}

void BehindWatchers::remove(Watcher& watcher) {
    QUORATE_ASSERT(watcher.behind);
    watcher.behind = false;
    WatchStream& stream = *watcher.stream;
    stream.behind.erase(watcher);
    const size_t erased = by_next_.erase(place(watcher));
    QUORATE_ASSERT(erased == 1);
    if (stream.behind.empty() && turns_.linked(stream)) {
        turns_.erase(stream);
    }
}

void BehindWatchers::advance(Watcher& watcher, int64_t next) {
    QUORATE_ASSERT(watcher.behind);
    auto node = by_next_.extract(place(watcher));
    QUORATE_ASSERT(!node.empty());
    watcher.next = next;
    node.key() = place(watcher);
    by_next_.insert(std::move(node));
}

void BehindWatchers::wake(WatchStream& stream) {
    if (stream.outbox.open() && !stream.behind.empty() && !turns_.linked(stream)) {
        turns_.push_back(stream);
    }
}

bool BehindWatchers::ready() {
    // A stream that became busy since leaves its place; wake() gives it a new one.
    while (!turns_.empty() && !turns_.front()->outbox.open()) {
        turns_.erase(*turns_.front());
    }
    return !turns_.empty();
}

std::vector<Watcher*> BehindWatchers::take_turn(const Round& round) {
    std::vector<Watcher*> readers;
    if (!ready()) {
        return readers;
    }
    WatchStream& stream = *turns_.front();
    Watcher& first = *stream.behind.front();
    stream.behind.move_to_back(first);
    turns_.move_to_back(stream);
    readers.push_back(&first);

    // Looks at a bounded number of neighbours rather than for a number of suitable ones: a busy
    // stream may have any number of watchers at one place.
    size_t looked_at = 0;
    for (auto it = by_next_.lower_bound({first.next, 0, INT64_MIN});
         it != by_next_.end() && looked_at < round.watchers_max; ++it, ++looked_at) {
        Watcher& other = *it->second;
        if (other.next >= first.next + round.revisions_max) {
            break;
        }
        if (&other != &first && other.stream->outbox.open()) {
            readers.push_back(&other);
        }
    }
    return readers;
}

void BehindWatchers::check_invariants() const {
    size_t queued = 0;
    for (const auto& [key, watcher] : by_next_) {
        QUORATE_ASSERT(key == place(*watcher));
        QUORATE_ASSERT(watcher->behind);
        const WatchStream& stream = *watcher->stream;
        // Whoever can be written to is waiting for its turn.
        QUORATE_ASSERT(!stream.outbox.open() || turns_.linked(stream));
    }
    for (const WatchStream* stream = turns_.front(); stream != nullptr;
         stream = turns_.next(*stream)) {
        QUORATE_ASSERT(!stream->behind.empty());
        ++queued;
    }
    QUORATE_ASSERT(queued == turns_.size());
}

}  // namespace quorate::mvcc
