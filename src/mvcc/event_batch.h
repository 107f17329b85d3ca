// SPDX-License-Identifier: Apache-2.0
//
// What a stretch of changes means to the watchers: EventBatch says which changes each interest
// gets, EncodedEvents turns a change into bytes, once for everybody. Watch loop only; both borrow
// the changes between begin() and the next begin().
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quorate::mvcc {

// Index into the changes of the stretch.
using ChangeIndex = uint32_t;

class EventBatch {
  public:
    void add(WatchInterest& interest, ChangeIndex change);
    size_t hits() const { return hits_.size(); }

    // After the last add(): the interests in the order of their first change, and what each gets,
    // ascending.
    void arrange();
    const std::vector<WatchInterest*>& interests() const { return interests_; }
    std::span<const ChangeIndex> changes_of(const WatchInterest& interest) const;

    // Forgets everything. Every interest it was given must still exist.
    void clear();

  private:
    struct Hit {
        uint32_t slot;
        ChangeIndex change;
    };
    std::vector<Hit> hits_;
    std::vector<WatchInterest*> interests_;
    std::vector<size_t> ends_;  // of each interest's part of changes_
    std::vector<ChangeIndex> changes_;
};

class EncodedEvents {
  public:
    // Keeps up to about `bytes_max` of encoded events for the next watcher.
    EncodedEvents(ChangeSource& source, size_t bytes_max)
        : source_(source), bytes_max_(bytes_max) {}

    void begin(std::span<const Change> changes);
    const Change& change(ChangeIndex index) const { return changes_[index]; }

    struct Form {
        ChangeIndex change;
        bool prev_kv;
    };
    // Encodes it unless that has been done; its size. Errors are the source's.
    Result<size_t> encode(const Form& form);
    // Of an encoded one; valid until the next encode() or trim().
    ByteView bytes(const Form& form) const;
    // Gives memory back when it is more than should be kept; everything has to be encoded again.
    void trim();

  private:
    struct Place {
        size_t offset = 0;
        size_t size = 0;  // 0: not encoded
    };
    const Place& place(const Form& form) const {
        return (form.prev_kv ? with_previous_ : plain_)[form.change];
    }

    ChangeSource& source_;
    const size_t bytes_max_;
    std::span<const Change> changes_;
    std::vector<Place> plain_;
    std::vector<Place> with_previous_;
    Bytes encoded_;
};

}  // namespace quorate::mvcc
