// SPDX-License-Identifier: Apache-2.0
//
// A key range as requests carry it. The conventions are etcd's: an empty end means exactly `key`;
// an end of one zero byte means every key from `key` on; otherwise key <= k < end, which is empty
// when key >= end. Borrows its bytes. Value, any thread.
#pragma once

#include "base/bytes.h"

namespace quorate::mvcc {

struct KeyRange {
    ByteView key;
    ByteView end;

    bool is_single() const { return end.empty(); }
    bool is_open_ended() const { return end.size() == 1 && end[0] == '\0'; }
    bool is_empty() const { return !is_single() && !is_open_ended() && key >= end; }

    // True when `other` is not behind the range; what is before `key` was skipped by the caller.
    bool ends_after(ByteView other) const {
        return is_single() ? other == key : is_open_ended() || other < end;
    }
    bool contains(ByteView other) const { return other >= key && ends_after(other); }
};

}  // namespace quorate::mvcc
