// SPDX-License-Identifier: Apache-2.0
//
// StoreEnv: LevelDB's door to the system for one store. It adds to the usual one what the contract
// of a storage engine asks for and LevelDB leaves open:
//
// - A log is synced before its successor is begun. LevelDB closes it unsynced and syncs only the
// new
//   one, so that a power cut could take the end of the old log and leave writes that came later.
// - What was synced is remembered (SyncMark), and the store is checked against it under its lock,
//   before LevelDB reads it (log_check).
// - Tables are read by pread and not mapped: a sector that can't be read is an error and not a
// signal.
// - An error names its file.
//
// Any thread, as LevelDB demands of it.
#pragma once

#include "file_name.h"
#include "plugin/cxx/barrier.h"
#include "sync_mark.h"

#include <leveldb/env.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace quorate::leveldb_engine {

class StoreEnv final : public leveldb::EnvWrapper {
  public:
    explicit StoreEnv(std::string dir);

    // The first failure that LevelDB itself can't report: of the check on opening, or of syncing a
    // log that it has dropped. Nothing may be written after it.
    plugin::Status failure() const;
    // Bytes of torn tails that the check has cut.
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
    class RecordFile;

    // Keeps the first failure, and gives it to LevelDB.
    leveldb::Status fail(const plugin::Status& status);
    void note_read(uint64_t table);

    const std::string dir_;
    SyncMark mark_;
    uint64_t cut_bytes_ = 0;
    std::atomic<uint64_t> background_table_{0};  // the last that a merge has read from
    mutable std::mutex mutex_;
    plugin::Status failure_;  // under mutex_
};

}  // namespace quorate::leveldb_engine
