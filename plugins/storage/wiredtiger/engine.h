// SPDX-License-Identifier: Apache-2.0
//
// The storage engine on WiredTiger. Threads and meaning of every function are those of
// plugin/abi/storage.h.
//
// One B-tree without WiredTiger's log. sync() makes a checkpoint, and a crash leaves the last one:
// what had been written by one moment, so a prefix of whole batches.
//
// Every batch also counts itself, in a row of the engine's own behind all keys there can be. With
// the count of the last sync in the file SYNCED it shows whether a store came back as an older
// checkpoint than the newest, which damage to WiredTiger's metadata can bring about.
#pragma once

#include "config.h"
#include "connection.h"
#include "plugin/cxx/directory.h"
#include "plugin/cxx/storage.h"
#include "plugin/cxx/sync_record.h"

#include <wiredtiger.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::wiredtiger_engine {

struct CloseCursor {
    void operator()(WT_CURSOR* cursor) const { (void)cursor->close(cursor); }
};
using CursorHandle = std::unique_ptr<WT_CURSOR, CloseCursor>;

class Cursor {
  public:
    Cursor(const Connection& connection, CursorHandle at, const plugin::Scan& scan);
    plugin::Result<bool> next(plugin::Pair& pair);

  private:
    int move();

    const Connection& connection_;
    const CursorHandle at_;
    const std::string lo_;
    const std::string hi_;
    const bool reverse_;
    bool begun_ = false;
    bool ended_ = false;
};

// A transaction that only reads.
class View {
  public:
    View(Connection& connection, WT_SESSION* session)
        : connection_(connection), session_(session) {}
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    plugin::Status begin();
    plugin::Result<bool> get(std::string_view key, plugin::Sink value);
    plugin::Result<std::unique_ptr<Cursor>> scan(const plugin::Scan& scan);

  private:
    Connection& connection_;
    WT_SESSION* const session_;
    CursorHandle point_;  // for get
};

class Engine {
  public:
    static constexpr const char* kName = "wiredtiger";
    static constexpr const char* kVersion = "1.0";
    using View = wiredtiger_engine::View;
    using Cursor = wiredtiger_engine::Cursor;

    static plugin::Result<std::unique_ptr<Engine>> open(const plugin::OpenArguments& arguments);
    Engine(std::string dir, const quorate_host& host)
        : dir_(std::move(dir)), host_(host), connection_(dir_, host) {}
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    plugin::Result<std::unique_ptr<View>> view();
    plugin::Status write(plugin::Batch batch, bool sync);
    plugin::Status sync();
    plugin::Result<plugin::Stats> stats();
    plugin::Status compact_range(std::string_view lo, std::string_view hi);

  private:
    plugin::Status open_store(const Config& config);
    plugin::Status check_files(uint64_t promised) const;
    int apply(plugin::Batch batch);
    int erase_range(std::string_view lo, std::string_view hi);
    int put(std::string_view key, std::string_view value);
    int erase(std::string_view key);

    const std::string dir_;
    const quorate_host& host_;
    plugin::DirectoryLock lock_;
    plugin::SyncRecord synced_;
    Connection connection_;
    std::mutex compact_mutex_;      // WiredTiger compacts a table once at a time
    WT_SESSION* writer_ = nullptr;  // writer thread, as all that follows
    CursorHandle rows_;             // of writer_
    uint64_t batches_ = 0;          // ever written
    plugin::Status failure_;        // the first failed write is the last one
};

}  // namespace quorate::wiredtiger_engine
