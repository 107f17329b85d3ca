// SPDX-License-Identifier: Apache-2.0
//
// The storage engine on RocksDB. Threads and meaning of every function are those of
// plugin/abi/storage.h.
//
// RocksDB's own log is off: what matters is in the core's log until the engine was synced, and a
// second log would write every byte once more. What a crash leaves is then the last memory table
// that was flushed. Tables are flushed in the order they were filled and a batch never spans two of
// them, so that is a prefix of whole batches. sync() flushes.
//
// Every batch also counts itself, in a row of the engine's own behind all keys there can be. With
// the count of the last sync in the file SYNCED it shows whether a store came back short: RocksDB
// takes a manifest that ends early for a crash, and a store without CURRENT for a new one.
#pragma once

#include "config.h"
#include "host_logger.h"
#include "plugin/cxx/directory.h"
#include "plugin/cxx/storage.h"
#include "plugin/cxx/sync_record.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::rocksdb_engine {

class Cursor {
  public:
    Cursor(rocksdb::DB& db, const std::string& dir, const rocksdb::Snapshot* snapshot,
           const plugin::Scan& scan);
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    plugin::Result<bool> next(plugin::Pair& pair);

  private:
    void move();

    const std::string& dir_;
    const std::string lo_;
    const std::string hi_;
    const rocksdb::Slice lower_;  // of lo_ and hi_; the iterator keeps pointers to these
    const rocksdb::Slice upper_;
    const bool reverse_;
    bool begun_ = false;
    std::unique_ptr<rocksdb::Iterator> at_;
};

class View {
  public:
    View(rocksdb::DB& db, const std::string& dir);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    plugin::Result<bool> get(std::string_view key, plugin::Sink value);
    plugin::Result<std::unique_ptr<Cursor>> scan(const plugin::Scan& scan);

  private:
    rocksdb::DB& db_;
    const std::string& dir_;
    rocksdb::ReadOptions options_;
    rocksdb::PinnableSlice value_;
};

class Engine {
  public:
    static constexpr const char* kName = "rocksdb";
    static constexpr const char* kVersion = "1.0";
    using View = rocksdb_engine::View;
    using Cursor = rocksdb_engine::Cursor;

    static plugin::Result<std::unique_ptr<Engine>> open(const plugin::OpenArguments& arguments);
    Engine(std::string dir, const quorate_host& host) : dir_(std::move(dir)), host_(host) {}
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    plugin::Result<std::unique_ptr<View>> view();
    plugin::Status write(plugin::Batch batch, bool sync);
    plugin::Status sync();
    plugin::Result<plugin::Stats> stats();
    plugin::Status compact_range(std::string_view lo, std::string_view hi);

  private:
    plugin::Status open_db(const Config& config);
    plugin::Status check_before_writing(const rocksdb::Options& options);

    const std::string dir_;
    const quorate_host& host_;
    plugin::DirectoryLock lock_;
    plugin::SyncRecord synced_;
    uint64_t batches_ = 0;       // writer thread; ever written
    rocksdb::WriteBatch batch_;  // writer thread; kept for its memory
    plugin::Status failure_;     // writer thread; the first failed write is the last one
    std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace quorate::rocksdb_engine
