// SPDX-License-Identifier: Apache-2.0
//
// Revisions: `main` counts requests that changed something, `sub` the changes inside one of them.
// A new store is at revision 1 and has been compacted at revision -1, as in etcd.
#pragma once

#include <compare>
#include <cstdint>

namespace quorate::mvcc {

struct Revision {
    int64_t main = 0;  // 0: no revision
    int32_t sub = 0;

    friend auto operator<=>(const Revision&, const Revision&) = default;
};

inline constexpr int64_t kFirstRevision = 1;
inline constexpr int64_t kNeverCompacted = -1;

}  // namespace quorate::mvcc
