// SPDX-License-Identifier: Apache-2.0
//
// What the watch hub needs of a store: the changes in revision order, from memory where they are
// recent and from the engine where they are not. Any thread; nothing here waits for the writer for
// longer than one change takes.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/revision.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace quorate::mvcc {

// Bytes of an encoded mvccpb.KeyValue together with whatever keeps them alive.
struct RecordRef {
    ByteView bytes;
    std::shared_ptr<const void> owner;
};

// One changed key. For a deletion the record holds key and mod_revision alone.
struct Change {
    Revision revision;
    Revision previous;  // the key's revision before, main 0 when the change created it
    bool deletion = false;
    ByteView key;  // lies inside record
    RecordRef record;
};

// Consecutive main revisions from `from_main` on: at most `revisions_max` of them, and none after
// the one that brings the records read so far to `bytes_max` or more. At least one is always given.
struct ChangeWindow {
    int64_t from_main;
    int64_t revisions_max;
    size_t bytes_max;
};

class ChangeSource {
  public:
    virtual ~ChangeSource() = default;

    // The newest published revision and the newest compacted one.
    virtual int64_t current_revision() const = 0;
    virtual int64_t compact_revision() const = 0;

    // All changes of the window, in order of revision; none past the current revision, none of a
    // revision cut in two. Empty when the window starts ahead of the current revision.
    // errors::kCompacted when from_main is below the compact revision (equal is fine) and not all
    // of what follows is still in memory: a compaction at the head must not cost the hub, which
    // reads a moment later, the changes that were just made. `previous` is filled where it is known
    // without a lookup, and left 0 otherwise: the record's own create_revision and version tell
    // whether there was a previous pair.
    virtual Result<std::vector<Change>> changes(const ChangeWindow& window) = 0;

    // The pair that `key` had just before main revision `main`; nothing when it did not exist then
    // or has been compacted and is no longer in memory.
    virtual Result<std::optional<RecordRef>> pair_before(ByteView key, int64_t main) = 0;
};

}  // namespace quorate::mvcc
