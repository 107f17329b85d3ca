// SPDX-License-Identifier: Apache-2.0
//
// StateRows: the rows of a store that are few and written again and again (QUORATE_STORAGE_STATE),
// in memory. In LevelDB's tables they would cost a second write of everything: records come in the
// order of their keys, so that tables of records alone never overlap and are only ever moved down
// the levels; but a table that also holds a row from elsewhere reaches from there over all records
// behind or before it, and is merged with them. With every memtable the rows go to a file of their
// own (StateFiles) instead.
//
// Each row keeps the versions that somebody may still read: those of the writes that are held, and
// of the newest. Changes belong to the write that is under way, and nobody sees them before
// publish().
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::leveldb_engine {

struct StateRow {
    std::string key;
    std::string value;
};

// What a store's file of them holds.
struct StoredState {
    // LevelDB's tables may hold such rows, too: the store is older than these files, or there were
    // too many rows.
    bool spilled = false;
    std::vector<StateRow> rows;
};

// Rows lo <= key < hi, an empty hi is no bound.
struct StateRange {
    std::string lo;
    std::string hi;
};

class StateRows {
  public:
    // Keys and values of all versions; a row that would be too much belongs to LevelDB.
    static constexpr size_t kBytesMax = 1 << 20;

    // --- The writer's thread.

    bool has(std::string_view key) const;  // with the changes of the write under way
    bool has_room(std::string_view key, std::string_view value) const;
    // From here on LevelDB's tables may hold such rows, too.
    void spill() { spilled_.store(true, std::memory_order_release); }
    void put(std::string_view key, std::string_view value);
    void erase(std::string_view key);
    void erase_range(const StateRange& range);
    // The write under way is done; or it is not, and its changes never were.
    void publish();
    void abandon();
    // What LevelDB gets of the write under way goes to the memtable next, or it gets nothing.
    void logged();
    // Before anything else.
    void load(const StoredState& state);

    // --- Any thread.

    bool spilled() const { return spilled_.load(std::memory_order_acquire); }
    // The newest write that is published, whose rows are readable until release().
    uint64_t hold();
    void release(uint64_t write);

    bool get(uint64_t write, std::string_view key, std::string& ret_value) const;
    // The first row of the range, or the last, of those behind `after` in the walk's direction
    // where that is given.
    bool first(uint64_t write, const StateRange& range, const std::string* after,
               StateRow& ret_row) const;
    bool last(uint64_t write, const StateRange& range, const std::string* after,
              StateRow& ret_row) const;
    // All as of the newest write that is logged: they belong to the memtables that there are.
    StoredState stored() const;

  private:
    struct Version {
        uint64_t write;
        bool there;
        std::string value;
    };
    using Rows = std::map<std::string, std::vector<Version>, std::less<>>;
    uint64_t next_write() const { return write_ + 1; }
    bool may_have(std::string_view key) const;
    static const Version* version_at(const std::vector<Version>& versions, uint64_t write);
    static const Version* newest(const std::vector<Version>& versions) { return &versions.back(); }
    // Under mutex_:
    void change(Rows::iterator row, Version version);
    void prune(const std::string& key, std::vector<Version>& versions);
    bool is_read(uint64_t from, uint64_t to) const;
    void forget_dead(size_t looks);

    // Rows change on the writer's thread alone, under the mutex, so that it may look without.
    mutable std::mutex mutex_;
    Rows rows_;
    std::multiset<uint64_t> held_;
    uint64_t write_ = 0;                // the newest that is published
    uint64_t logged_ = 0;               // that one or the next
    size_t bytes_ = 0;                  // of all versions, each with its key
    std::vector<std::string> changed_;  // by the write under way
    std::deque<std::string> dead_;      // rows that go when nobody reads an older version
    // Whether any key ever began with this byte: most reads are of records, and end here.
    std::array<std::atomic<bool>, 256> first_bytes_{};
    std::atomic<bool> spilled_{false};
};

}  // namespace quorate::leveldb_engine
