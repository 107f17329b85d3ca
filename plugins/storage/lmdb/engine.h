// SPDX-License-Identifier: Apache-2.0
//
// The storage engine on LMDB. Threads and meaning of every function are those of
// plugin/abi/storage.h.
//
// One LMDB transaction per batch, written without waiting for the disk (MDB_NOSYNC). By itself that
// would leave a store in pieces after a power cut; three things keep what LMDB gives up:
//
// 1. A view stays open at the state of the last sync, so that none of its pages is used again.
// 2. sync() puts the meta of that state into the file SYNCED, before it moves this view on.
// 3. Opening takes the newest state that is whole, at least that one (recover.h).
//
// MDB_NOMETASYNC would need none of this and sync once per batch. MDB_WRITEMAP is off: it would let
// a stray pointer of this process write into the file.
//
// LMDB has no background work. It uses the pages of what was deleted for what comes next, and its
// file never shrinks; a view that stays open keeps pages from being used again and makes it grow.
// What a view reads is mapped, so a sector that can't be read kills the process, other than at the
// start, where all of the store is read and checked.
#pragma once

#include "config.h"
#include "plugin/cxx/directory.h"
#include "plugin/cxx/storage.h"
#include "plugin/cxx/sync_record.h"
#include "record.h"
#include "view.h"

#include <lmdb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::lmdb_engine {

class Engine {
  public:
    static constexpr const char* kName = "lmdb";
    static constexpr const char* kVersion = "1.0";
    using View = lmdb_engine::View;
    using Cursor = lmdb_engine::Cursor;

    static plugin::Result<std::unique_ptr<Engine>> open(const plugin::OpenArguments& arguments);
    Engine(std::string dir, const Config& config, const quorate_host& host)
        : config_(config), host_(host), store_(std::move(dir)) {}
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    plugin::Result<std::unique_ptr<View>> view();
    plugin::Status write(plugin::Batch batch, bool sync);
    plugin::Status sync();
    plugin::Result<plugin::Stats> stats();

  private:
    plugin::Status open_store();
    int write_transaction(plugin::Batch batch);
    int apply(MDB_txn* txn, plugin::Batch batch, Tally& tally);
    int put(MDB_cursor* rows, std::string_view key, std::string_view value, Tally& tally);
    int erase(MDB_cursor* rows, std::string_view key, Tally& tally);
    int erase_segment(MDB_cursor* rows, const Segment& segment, Tally& tally);
    int put_tally(MDB_cursor* rows, const Tally& tally);
    uint64_t file_bytes() const;

    const Config config_;
    const quorate_host& host_;
    plugin::DirectoryLock lock_;
    plugin::SyncRecord synced_;
    Store store_;
    // Writer thread, as all that follows.
    plugin::PosixFile file_;  // the same that LMDB has, to read metas from
    MDB_txn* synced_view_ = nullptr;
    uint64_t synced_file_bytes_ = 0;
    Tally tally_;
    std::string value_;       // kept for its memory
    plugin::Status failure_;  // the first failed write is the last one
};

}  // namespace quorate::lmdb_engine
