// SPDX-License-Identifier: Apache-2.0
#include "sync_mark.h"

#include <cstring>
#include <string_view>

namespace quorate::leveldb_engine {

using plugin::Status;

// The note is the struct in the machine's own byte order: a store does not move between machines.
static_assert(sizeof(SyncedManifest) <= plugin::SyncRecord::kNoteBytesMax);

Status SyncMark::open(const std::string& dir) {
    const std::lock_guard lock(mutex_);
    if (Status s = record_.open(dir); !s.ok()) {
        return s;
    }
    if (record_.note().size() == sizeof manifest_) {
        std::memcpy(&manifest_, record_.note().data(), sizeof manifest_);
    }
    return {};
}

SyncedManifest SyncMark::manifest() const {
    const std::lock_guard lock(mutex_);
    return manifest_;
}

Status SyncMark::synced(const SyncedManifest& manifest) {
    const std::lock_guard lock(mutex_);
    if (manifest.number < manifest_.number) {
        return {};  // an older file, finished after a newer one began
    }
    manifest_ = manifest;
    return store();
}

Status SyncMark::forget(uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (number != manifest_.number) {
        return {};
    }
    manifest_ = {};
    if (Status s = store(); !s.ok()) {
        return s;
    }
    return record_.sync();
}

Status SyncMark::store() {
    return record_.write(
        std::string_view(reinterpret_cast<const char*>(&manifest_), sizeof manifest_));
}

}  // namespace quorate::leveldb_engine
