// SPDX-License-Identifier: Apache-2.0
#include "mvcc/record_cache.h"

#include <bit>

namespace quorate::mvcc {

namespace {

// Typical records are not much smaller, so the places outnumber what the bytes allow.
constexpr size_t kBytesPerPlace = 256;

uint64_t mix(const Revision& revision) {
    uint64_t hash = static_cast<uint64_t>(revision.main) * 0x9e3779b97f4a7c15U +
                    static_cast<uint64_t>(revision.sub);
    hash ^= hash >> 32;
    return hash * 0xd6e8feb86659fd93U;
}

size_t bytes_of(const RecordRef& record) {
    return record.bytes.size() + sizeof(Bytes) + 32;
}

}  // namespace

RecordCache::RecordCache(size_t bytes_max)
    : shard_bytes_max_(bytes_max / std::tuple_size_v<decltype(shards_)>),
      shard_places_(std::bit_ceil(shard_bytes_max_ / kBytesPerPlace + 1)) {}

std::optional<RecordRef> RecordCache::find(const Revision& revision) {
    const Spot spot = spot_of(revision);
    const std::lock_guard lock(spot.shard.mutex);
    if (spot.shard.places.empty() || spot.shard.places[spot.place].revision != revision) {
        return std::nullopt;
    }
    return spot.shard.places[spot.place].record;
}

void RecordCache::insert(const Revision& revision, const RecordRef& record) {
    const size_t bytes = bytes_of(record);
    if (bytes > shard_bytes_max_ / 4) {
        return;
    }
    const Spot spot = spot_of(revision);
    Shard& shard = spot.shard;
    const std::lock_guard lock(shard.mutex);
    if (shard.places.empty()) {
        shard.places.resize(shard_places_);
    }
    clear(shard, shard.places[spot.place]);
    while (shard.bytes + bytes > shard_bytes_max_) {
        clear(shard, shard.places[shard.hand]);
        shard.hand = (shard.hand + 1) % shard_places_;
    }
    shard.places[spot.place] = {revision, record};
    shard.bytes += bytes;
}

size_t RecordCache::bytes() const {
    size_t bytes = 0;
    for (const Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        bytes += shard.bytes;
    }
    return bytes;
}

RecordCache::Spot RecordCache::spot_of(const Revision& revision) {
    const uint64_t hash = mix(revision);
    return {shards_[hash >> 60], (hash >> 8) & (shard_places_ - 1)};
}

void RecordCache::clear(Shard& shard, Place& place) {
    if (place.revision.main != 0) {
        shard.bytes -= bytes_of(place.record);
        place = {};
    }
}

}  // namespace quorate::mvcc
