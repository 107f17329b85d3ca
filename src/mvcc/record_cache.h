// SPDX-License-Identifier: Apache-2.0
//
// RecordCache: records that were read from the engine, by revision. A revision's record never
// changes, so nothing is ever stale. A table of fixed size with one place per hash, in shards with
// a mutex each; bounded in bytes by a hand that sweeps over the places. Any thread.
#pragma once

#include "mvcc/change_source.h"
#include "mvcc/revision.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace quorate::mvcc {

class RecordCache {
  public:
    explicit RecordCache(size_t bytes_max);

    std::optional<RecordRef> find(const Revision& revision);
    // Keeps the record unless it is so large that it would push out a good part of the rest.
    void insert(const Revision& revision, const RecordRef& record);
    size_t bytes() const;

  private:
    struct Place {
        Revision revision;
        RecordRef record;
    };
    struct Shard {
        mutable std::mutex mutex;
        std::vector<Place> places;  // made with the first record
        size_t bytes = 0;
        size_t hand = 0;
    };

    struct Spot {
        Shard& shard;
        size_t place;
    };
    Spot spot_of(const Revision& revision);
    static void clear(Shard& shard, Place& place);

    const size_t shard_bytes_max_;
    const size_t shard_places_;
    std::array<Shard, 16> shards_;
};

}  // namespace quorate::mvcc
