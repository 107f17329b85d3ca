// SPDX-License-Identifier: Apache-2.0
//
// Checks LevelDB's manifest before LevelDB reads it. LevelDB's own reader can't tell a torn tail
// from damage: it ends silently at a record that claims to be longer than the file, skips a zeroed
// stretch and goes on behind it, and refuses a garbled last record that a power cut has left. Here
// the first record that is not whole decides: before what was synced it is damage, behind it is
// where the file is cut. Start-stop thread, with the store's lock held.
#pragma once

#include "plugin/cxx/posix.h"
#include "plugin/cxx/result.h"
#include "sync_mark.h"

#include <cstdint>
#include <string>

namespace quorate::leveldb_engine {

struct RecordScan {
    uint64_t whole_bytes;  // where the last whole record ends
    uint64_t file_bytes;
    uint64_t log_number = 0;  // of the last change to the store that names one
};

struct CheckedManifest {
    uint64_t cut_bytes = 0;   // of a torn tail
    uint64_t log_number = 0;  // the first log whose writes are in no table; 0: the store is new
};

// Reads a record file up to the first record that is not whole.
plugin::Result<RecordScan> scan_records(const plugin::PosixFile& file);

// Checks the store in `dir`. QUORATE_DATA_LOSS names file and place of damage. A torn tail is cut.
plugin::Result<CheckedManifest> check_and_trim(const std::string& dir, const SyncMark& mark);

}  // namespace quorate::leveldb_engine
