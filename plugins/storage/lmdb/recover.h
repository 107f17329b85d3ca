// SPDX-License-Identifier: Apache-2.0
//
// Finds the state that a store comes back with, before LMDB opens it.
//
// Between syncs LMDB writes without waiting, and the system may write pages back in any order: a
// power cut can leave a meta whose pages are not there. What holds then is the state of the last
// sync: none of its pages is used again before the next one (the engine keeps a view of it open),
// and its meta, which LMDB overwrites two writes later, is in the file SYNCED. So the newest state
// that is whole is taken, and it is damage when there is none from the last sync on.
//
// Start-stop thread, with the directory locked.
#pragma once

#include "format.h"
#include "plugin/cxx/posix.h"
#include "plugin/cxx/result.h"
#include "plugin/cxx/sync_record.h"
#include "record.h"

#include <string>

namespace quorate::lmdb_engine {

inline constexpr const char* kDataFile = "/data.mdb";

struct Recovered {
    Tally tally;
    bool fell_back = false;  // newer writes, not synced, were given up
};

// Makes the two metas lead to the state that was found. A store that was never finished being made
// is removed, for LMDB to make anew.
plugin::Result<Recovered> recover(const std::string& dir, const plugin::SyncRecord& synced);

// The meta of the newest write, whose number the caller knows.
plugin::Result<Meta> read_meta(const plugin::PosixFile& file, uint64_t transaction);

}  // namespace quorate::lmdb_engine
