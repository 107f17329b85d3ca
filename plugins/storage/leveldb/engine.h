// SPDX-License-Identifier: Apache-2.0
//
// The storage engine on LevelDB. Threads and meaning of every function are those of
// plugin/abi/storage.h.
#pragma once

#include "config.h"
#include "host_logger.h"
#include "plugin/cxx/storage.h"
#include "store_env.h"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/iterator.h>
#include <leveldb/write_batch.h>

#include <memory>
#include <string>
#include <string_view>

namespace quorate::leveldb_engine {

class Cursor {
  public:
    Cursor(const StoreEnv& env, std::unique_ptr<leveldb::Iterator> at, const plugin::Scan& scan);
    plugin::Result<bool> next(plugin::Pair& pair);

  private:
    void move();

    const StoreEnv& env_;
    const std::unique_ptr<leveldb::Iterator> at_;
    const std::string lo_;
    const std::string hi_;  // empty: no bound
    const bool reverse_;
    bool begun_ = false;
};

class View {
  public:
    View(leveldb::DB& db, const StoreEnv& env);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    plugin::Result<bool> get(std::string_view key, plugin::Sink value);
    plugin::Result<std::unique_ptr<Cursor>> scan(const plugin::Scan& scan);

  private:
    leveldb::DB& db_;
    const StoreEnv& env_;
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
    // Deletes of all that [range.key, range.value) holds, of what was there before the batch and of
    // what the first `ops_before` operations of it have put.
    plugin::Status erase_range(const quorate_storage_op& range, plugin::Batch ops_before);
    plugin::Status commit();

    const std::string dir_;
    const quorate_host& host_;
    StoreEnv env_;
    HostLogger logger_;
    const std::unique_ptr<leveldb::Cache> cache_;
    const std::unique_ptr<const leveldb::FilterPolicy> filter_;
    leveldb::WriteBatch batch_;  // writer thread; kept for its memory
    bool is_synced_ = true;      // writer thread: nothing was written since
    plugin::Status failure_;     // writer thread; the first failed write is the last one
    std::unique_ptr<leveldb::DB> db_;
};

}  // namespace quorate::leveldb_engine
