// SPDX-License-Identifier: Apache-2.0
//
// RecentChanges: the records of the newest changes, in revision order, in chunks of memory that a
// reader keeps alive by holding on to one record. It is the write buffer in front of the engine,
// the cache of what was written last, and the feed of the watchers.
//
//   main -> (chunk, slot)   every main revision from first_main() on has at least one change and no
//                           gap in its subs, so both lookups are array accesses, not searches
//
// Bounded in bytes: trim() lets the oldest chunks go, but only those that the engine has.
// Thread: the apply loop changes it under the index lock, readers read under the lock shared.
// reserve() alone needs no lock: the space it gives is not visible to readers yet.
#pragma once

#include "base/bytes.h"
#include "mvcc/change_source.h"
#include "mvcc/key_entry.h"
#include "mvcc/revision.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace quorate::mvcc {

class RecentChanges {
  public:
    struct Item {
        Revision revision;
        Revision previous;  // the key's revision before; main 0: the change created the key
        RecordRef record;
    };
    class Chunk;

    explicit RecentChanges(size_t bytes_max);
    ~RecentChanges();
    RecentChanges(const RecentChanges&) = delete;
    RecentChanges& operator=(const RecentChanges&) = delete;

    // Nothing has been appended yet: the first change to come is that of main revision `main` + 1.
    void start_behind(int64_t main);

    // Space for the next record, to be filled before append() makes it visible. Writer.
    char* reserve(size_t bytes);
    // The reserved bytes are the record of `revision`. Returns where they are, for find_at.
    RecentSpot append(const Revision& revision, const Revision& previous);

    // Lets go of the oldest chunks while more than the bound is held, as far as the engine has
    // their changes (every main up to `engine_main`). The caller drops what is returned after the
    // lock.
    std::vector<std::shared_ptr<Chunk>> trim(int64_t engine_main);

    // The oldest main revision that is here as a whole; one above the newest when there is none.
    int64_t first_main() const { return first_main_; }
    int64_t next_main() const { return first_main_ + static_cast<int64_t>(mains_.size()); }

    std::optional<RecordRef> find(const Revision& revision) const;
    // The same for a record whose place was kept, without a search.
    std::optional<RecordRef> find_at(const RecentSpot& spot, const KeyChange& change) const;
    // The changes of main revisions from_main to last_main, which must be here.
    std::vector<Item> collect(int64_t from_main, int64_t last_main) const;

    size_t bytes() const { return bytes_; }
    size_t bytes_behind(int64_t engine_main) const;  // of what the engine does not have yet
    void check_invariants() const;

  private:
    struct Start {
        uint32_t chunk;  // counted from the first chunk there ever was
        uint32_t slot;
    };

    const std::shared_ptr<Chunk>& chunk_at(uint32_t number) const;
    RecordRef record_at(const std::shared_ptr<Chunk>& chunk, size_t slot) const;

    const size_t bytes_max_;
    const size_t chunk_bytes_;
    int64_t first_main_ = kFirstRevision + 1;
    std::deque<Start> mains_;  // of first_main_ and those behind it
    std::deque<std::shared_ptr<Chunk>> chunks_;
    uint32_t first_chunk_ = 0;  // the number of chunks_[0]
    size_t bytes_ = 0;          // what all chunks hold, their bookkeeping included
    int32_t next_sub_ = 0;      // of the newest main

    // Where reserve() wrote: the last chunk, or one that append() will put behind it.
    std::shared_ptr<Chunk> open_;
    size_t reserved_ = 0;
};

}  // namespace quorate::mvcc
