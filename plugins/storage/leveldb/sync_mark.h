// SPDX-License-Identifier: Apache-2.0
//
// SyncMark: the note beside LevelDB's files (plugin/cxx/sync_record.h) of how far the manifest was
// synced. It tells a torn tail, which is normal after a crash, from damage, which must be refused:
// a bad record behind the mark was never promised to anybody, one before it was.
//
// The note is not synced itself. An older one that a power cut brings back is still right, only
// weaker; one that can't be read counts as none. Any thread.
#pragma once

#include "plugin/cxx/result.h"
#include "plugin/cxx/sync_record.h"

#include <cstdint>
#include <mutex>
#include <string>

namespace quorate::leveldb_engine {

// The first `bytes` of manifest `number` are on the disk; number 0 is none.
struct SyncedManifest {
    uint64_t number = 0;
    uint64_t bytes = 0;
    uint64_t state_files = 0;  // 1: the store has one (StateFiles)
};

class SyncMark {
  public:
    // Reads the note, creating its file where it is missing.
    plugin::Status open(const std::string& dir);

    SyncedManifest manifest() const;

    plugin::Status synced(const SyncedManifest& manifest);
    // Before this manifest is removed or begun anew. Synced, because a note of a file that is gone
    // would be taken for damage.
    plugin::Status forget(uint64_t number);

  private:
    plugin::Status store();  // under mutex_

    mutable std::mutex mutex_;
    plugin::SyncRecord record_;
    SyncedManifest manifest_;
};

}  // namespace quorate::leveldb_engine
