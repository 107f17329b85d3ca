// SPDX-License-Identifier: Apache-2.0
//
// SyncMark: the file SYNCED beside LevelDB's own, which remembers how far the newest log and the
// manifest were synced. It tells a torn tail, which is normal after a crash, from damage, which
// must be refused: a bad record behind the mark was never promised to anybody, one before it was.
//
// The file is written in place after each sync and not synced itself. An older mark that a power
// cut brings back is still right, only weaker; a mark that can't be read counts as none. Any
// thread.
#pragma once

#include "file_name.h"
#include "plugin/cxx/posix.h"
#include "plugin/cxx/result.h"

#include <cstdint>
#include <mutex>
#include <string>

namespace quorate::leveldb_engine {

// The first `bytes` of file `number` are on the disk; number 0 is none.
struct SyncedFile {
    uint64_t number = 0;
    uint64_t bytes = 0;
};

class SyncMark {
  public:
    // Reads the file, creating it where it is missing.
    plugin::Status open(const std::string& dir);

    SyncedFile log() const;
    SyncedFile manifest() const;

    plugin::Status synced(FileName name, uint64_t bytes);
    // Before this file is removed or begun anew. Synced, because a mark about a file that is gone
    // would be taken for damage.
    plugin::Status forget(FileName name);

  private:
    plugin::Status store();  // under mutex_

    mutable std::mutex mutex_;
    plugin::PosixFile file_;
    SyncedFile log_;
    SyncedFile manifest_;
};

}  // namespace quorate::leveldb_engine
