// SPDX-License-Identifier: Apache-2.0
//
// StoreEnv: LevelDB's door to the system for one store. It adds to the usual one what the contract
// of a storage engine asks for and LevelDB leaves open, and takes away what it does not need:
//
// - Logs are not kept. What the memtable holds is in the core's log, and a sync makes a table of it
//   (Engine::sync): so a put is written once less, and a crash takes whole memtables, the newest.
// - In place of each log the rows that are in no table are written (StateRows, StateFiles).
// - What was synced of the manifest is remembered (SyncMark), and the store is checked against it
//   under its lock, before LevelDB reads it (manifest_check).
// - Tables are written evenly, so that the core's log does not wait for a whole one (TableWriter).
// - Tables are read by pread and not mapped: a sector that can't be read is an error and not a
//   signal.
// - An error names its file.
//
// Any thread, as LevelDB demands of it.
#pragma once

#include "plugin/cxx/barrier.h"
#include "state_files.h"
#include "state_rows.h"
#include "sync_mark.h"

#include <leveldb/env.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace quorate::leveldb_engine {

class StoreEnv final : public leveldb::EnvWrapper {
  public:
    // `rows` are filled when the store is opened.
    StoreEnv(std::string dir, StateRows& rows);

    // What the check on opening has found, which LevelDB itself can't report.
    const plugin::Status& failure() const { return failure_; }
    // Bytes of a torn tail that the check has cut.
    uint64_t cut_bytes() const { return cut_bytes_; }

    // Where a failure comes from: the reads of the calling thread, or LevelDB's merges, whose
    // failures the next write gets.
    enum class Work : uint8_t { kThisThread, kMerges };
    // A failure of LevelDB's as the core knows it, naming the file where that is known.
    plugin::Status to_status(const leveldb::Status& status, Work work) const;

    leveldb::Status NewRandomAccessFile(const std::string& path,
                                        leveldb::RandomAccessFile** ret) override;
    leveldb::Status NewWritableFile(const std::string& path, leveldb::WritableFile** ret) override;
    leveldb::Status RemoveFile(const std::string& path) override;
    leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
    leveldb::Status LockFile(const std::string& path, leveldb::FileLock** ret) override;
    void Schedule(void (*function)(void*), void* argument) override;

  private:
    class TableFile;
    class ManifestFile;
    class NoFile;

    leveldb::Status fail(const plugin::Status& status);  // on opening
    void note_read(uint64_t table);

    plugin::Status check_store();

    const std::string dir_;
    StateRows& rows_;
    StateFiles state_files_;
    SyncMark mark_;
    uint64_t cut_bytes_ = 0;
    std::atomic<uint64_t> background_table_{0};  // the last that a merge has read from
    plugin::Status failure_;                     // constant once the store is open
};

}  // namespace quorate::leveldb_engine
