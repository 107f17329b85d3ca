// SPDX-License-Identifier: Apache-2.0
//
// The storage engine on LevelDB. Threads and meaning of every function are those of
// plugin/abi/storage.h. A key is in one place: in StateRows if the core says that it belongs to
// state and there is room, in LevelDB otherwise.
#pragma once

#include "config.h"
#include "host_logger.h"
#include "plugin/cxx/storage.h"
#include "state_rows.h"
#include "store_env.h"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/iterator.h>
#include <leveldb/write_batch.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace quorate::leveldb_engine {

// The store as one write has left it. Any thread.
class Moment {
  public:
    // Writer thread, between two writes.
    Moment(leveldb::DB& db, StateRows& rows);
    ~Moment();
    Moment(const Moment&) = delete;
    Moment& operator=(const Moment&) = delete;

    const leveldb::Snapshot* snapshot() const { return snapshot_; }
    uint64_t write() const { return write_; }
    const StateRows& rows() const { return rows_; }

  private:
    leveldb::DB& db_;
    StateRows& rows_;
    const leveldb::Snapshot* const snapshot_;
    const uint64_t write_;
};

// Walks LevelDB's rows and the others side by side.
class Cursor {
  public:
    Cursor(const StoreEnv& env, std::shared_ptr<const Moment> moment,
           std::unique_ptr<leveldb::Iterator> at, const plugin::Scan& scan);
    plugin::Result<bool> next(plugin::Pair& pair);

  private:
    void move_tables();
    void move_state();
    bool is_state_next(std::string_view table_key) const;

    const StoreEnv& env_;
    const std::shared_ptr<const Moment> moment_;
    const std::unique_ptr<leveldb::Iterator> at_;
    const StateRange range_;
    const bool reverse_;
    bool begun_ = false;
    bool gave_state_ = false;  // the row given last came from there
    bool state_there_ = false;
    StateRow state_;
};

class View {
  public:
    View(leveldb::DB& db, const StoreEnv& env, std::shared_ptr<const Moment> moment);

    plugin::Result<bool> get(std::string_view key, plugin::Sink value);
    plugin::Result<std::unique_ptr<Cursor>> scan(const plugin::Scan& scan);

  private:
    leveldb::DB& db_;
    const StoreEnv& env_;
    const std::shared_ptr<const Moment> moment_;
    leveldb::ReadOptions options_;
    std::string value_;  // kept for its memory
};

class Engine {
  public:
    static constexpr const char* kName = "leveldb";
    static constexpr const char* kVersion = "1.0";
    using View = leveldb_engine::View;
    using Cursor = leveldb_engine::Cursor;

    static plugin::Result<std::unique_ptr<Engine>> open(const plugin::OpenArguments& arguments);
    Engine(std::string dir, const Config& config, const quorate_host& host);
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
    plugin::Status take(const quorate_storage_op& op, plugin::Batch ops_before);
    void put(const quorate_storage_op& op);
    void erase(std::string_view key);
    // Deletes of all that [range.key, range.value) holds, of what was there before the batch and of
    // what the first `ops_before` operations of it have put.
    plugin::Status erase_range(const quorate_storage_op& range, plugin::Batch ops_before);
    plugin::Status commit();
    void publish();
    void begin_memtable();

    const std::string dir_;
    const quorate_host& host_;
    const size_t memtable_bytes_max_;
    StateRows rows_;
    StoreEnv env_;
    HostLogger logger_;
    const std::unique_ptr<leveldb::Cache> cache_;
    const std::unique_ptr<const leveldb::FilterPolicy> filter_;
    const size_t empty_batch_bytes_ = leveldb::WriteBatch().ApproximateSize();
    leveldb::WriteBatch batch_;  // writer thread; kept for its memory
    bool is_synced_ = true;      // writer thread: nothing was written since
    size_t memtable_bytes_ = 0;  // writer thread
    plugin::Status failure_;     // writer thread; the first failed write is the last one
    std::unique_ptr<leveldb::DB> db_;
    std::mutex moment_mutex_;
    std::shared_ptr<const Moment> moment_;  // the newest
};

}  // namespace quorate::leveldb_engine
