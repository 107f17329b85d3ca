// SPDX-License-Identifier: Apache-2.0
//
// ReadView: the store at one revision, for whoever needs more than one look at it: the compares and
// ranges of a read-only transaction, a streamed range, and the reads of a WriteTxn.
// RangeCursor: a range answered in slices of bounded size.
//
// A view holds a pin: compaction does not take away what the view's revision needs until the view
// is gone (or until the compactor was told to stop waiting; reads of such a view then end with
// errors::kCompacted). A view is used by one thread at a time and may not outlive its Store.
// Errors of all reads: errors::kCompacted, errors::kFutureRev, what the engine says, and
// errors::kDamaged for a record that must be there and is not.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/key_state.h"
#include "mvcc/pins.h"
#include "mvcc/range.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace quorate::mvcc {

struct ReadScope;
struct StoreState;
class RangeWalk;

// Bounds of one slice. A slice ends with the record that reaches bytes_max, so it holds at least
// one.
struct SliceBounds {
    size_t keys_max = 1000;
    size_t bytes_max = 1 << 20;
};

class RangeCursor {
  public:
    RangeCursor(RangeCursor&&) noexcept;
    RangeCursor& operator=(RangeCursor&&) noexcept;
    ~RangeCursor();

    // The store's newest revision when the cursor was opened, for the header.
    int64_t revision() const;

    // The next records in the answer's order. Empty at the end and only there.
    Result<std::vector<RecordRef>> next_slice(const SliceBounds& bounds);

    // Whether the limit cut the answer short. Known when next_slice has returned an empty slice.
    bool more() const;

    // Keys in the range at the cursor's revision. O(log n) when that was the newest revision as the
    // cursor was opened, otherwise a walk over the range.
    Result<int64_t> count();

  private:
    friend Result<RangeCursor> open_cursor(const ReadScope& scope, const RangeQuery& query);
    explicit RangeCursor(std::unique_ptr<RangeWalk> walk);

    std::unique_ptr<RangeWalk> walk_;
};

class ReadView {
  public:
    // The revision the view shows: the newest when it was opened. The view of a WriteTxn shows the
    // transaction's own writes and is one further once there are some.
    int64_t revision() const;

    // Whether a range may ask for `revision` (0 or less: always): errors::kCompacted, kFutureRev.
    Status check_revision(int64_t revision) const;

    Result<std::optional<KeyState>> find(ByteView key) const;
    Result<std::optional<RecordRef>> get(ByteView key) const;

    // Calls `visitor` for the live keys of the range in key order until it returns false. The key
    // is borrowed for the call. No lock is held meanwhile.
    using Visitor = std::function<bool(ByteView key, const KeyState& state)>;
    Status visit(const KeyRange& range, const Visitor& visitor) const;

    // query.revision 0 means the view's revision; a lower one is allowed as in any range request.
    Result<RangeResult> range(const RangeQuery& query) const;
    Result<RangeCursor> cursor(const RangeQuery& query) const;

  private:
    friend class Store;
    friend class WriteTxn;
    // The writer's view: it follows the transaction and needs no pin, since nothing else can
    // compact.
    explicit ReadView(const StoreState& state) : state_(&state) {}
    // A view of what was the newest revision when it was pinned.
    ReadView(const StoreState& state, int64_t revision, Pin pin)
        : state_(&state), revision_(revision), pin_(std::move(pin)) {}

    ReadScope scope() const;

    const StoreState* state_;
    int64_t revision_ = 0;  // 0: the writer's
    Pin pin_;
};

}  // namespace quorate::mvcc
