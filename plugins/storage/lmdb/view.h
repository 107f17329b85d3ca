// SPDX-License-Identifier: Apache-2.0
//
// Reading from LMDB: a view is one of its read transactions. Threads are those of
// plugin/abi/storage.h.
#pragma once

#include "plugin/cxx/storage.h"
#include "record.h"

#include <lmdb.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::lmdb_engine {

inline MDB_val to_lmdb(std::string_view bytes) {
    return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view from_lmdb(const MDB_val& bytes) {
    return {static_cast<const char*>(bytes.mv_data), bytes.mv_size};
}

// What a call of LMDB's gave, naming the store.
plugin::Status to_status(int code, const std::string& dir);

struct CloseCursor {
    void operator()(MDB_cursor* cursor) const { ::mdb_cursor_close(cursor); }
};
using CursorHandle = std::unique_ptr<MDB_cursor, CloseCursor>;

// The open environment and its read transactions. Beginning one takes a lock and a slot, so a view
// gives its own back instead of ending it. Any thread.
class Store {
  public:
    explicit Store(std::string dir) : dir_(std::move(dir)) {}
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    const std::string& dir() const { return dir_; }
    MDB_env* env() const { return env_; }
    MDB_dbi rows() const { return rows_; }

    plugin::Status open(unsigned flags, size_t map_bytes, unsigned readers_max);
    // A read transaction at the newest state.
    plugin::Result<MDB_txn*> take_reader();
    void give_back(MDB_txn* reader);

  private:
    const std::string dir_;
    MDB_env* env_ = nullptr;
    MDB_dbi rows_ = 0;
    std::mutex mutex_;
    std::vector<MDB_txn*> idle_;  // under mutex_
};

// Rows of one half between two stored keys.
struct Segment {
    StoredKey begin;
    StoredKey end;
};
// What a scan covers, in the order of the keys: of the first half, then of the second.
std::array<Segment, 2> segments_of(std::string_view lo, std::string_view hi);

class Cursor {
  public:
    Cursor(const Store& store, CursorHandle at, const plugin::Scan& scan);
    plugin::Result<bool> next(plugin::Pair& pair);

  private:
    int move(MDB_val& key, MDB_val& value);

    const Store& store_;
    const CursorHandle at_;
    const std::array<Segment, 2> segments_;
    const bool reverse_;
    size_t segments_left_ = 2;
    bool begun_ = false;  // in the present segment
};

class View {
  public:
    View(Store& store, MDB_txn* reader) : store_(store), reader_(reader) {}
    ~View() { store_.give_back(reader_); }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    plugin::Result<bool> get(std::string_view key, plugin::Sink value);
    plugin::Result<std::unique_ptr<Cursor>> scan(const plugin::Scan& scan);

  private:
    Store& store_;
    MDB_txn* const reader_;
};

}  // namespace quorate::lmdb_engine
