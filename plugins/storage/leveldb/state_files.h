// SPDX-License-Identifier: Apache-2.0
//
// StateFiles: the files NNNNNN.state of a store, which hold its StateRows. Each is named after the
// log that LevelDB began when the memtable before it was full, and holds the rows as they were
// then. LevelDB's manifest says which log is the first whose writes are in no table; the file of
// that log belongs to the tables, whatever else a crash has left. It is on the disk before the
// manifest says so. One thread at a time.
#pragma once

#include "plugin/cxx/result.h"
#include "state_rows.h"

#include <cstdint>
#include <string>
#include <utility>

namespace quorate::leveldb_engine {

class StateFiles {
  public:
    explicit StateFiles(std::string dir) : dir_(std::move(dir)) {}

    // The rows that belong to `log`, which is 0 for a store that is new. Removes other files. A
    // store without any such file is an older one, unless one is `promised`: then it is damaged, as
    // it is where the file is there and not whole. QUORATE_DATA_LOSS names the file.
    plugin::Result<StoredState> open(uint64_t log, bool promised);
    // For a log that LevelDB begins; the file of the one before stays until the next.
    plugin::Status save(uint64_t log, const StoredState& state);

  private:
    std::string path(uint64_t log) const;
    plugin::Status remove_others(uint64_t keep, uint64_t keep_too) const;

    const std::string dir_;
    uint64_t newest_ = 0;
};

}  // namespace quorate::leveldb_engine
