// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace quorate::rocksdb_engine {

namespace {

using plugin::Result;
using plugin::Status;

// A batch's memory is given back above this.
constexpr size_t kBatchBytesKept = 8 << 20;
// Keys have at most 255 bytes, so all of them are before this one, and it is the end of every scan.
constexpr size_t kCountKeyBytes = 256;

constexpr std::array<char, kCountKeyBytes> kCountKey = [] {
    std::array<char, kCountKeyBytes> key{};
    key.fill('\xff');
    return key;
}();

constexpr std::string_view count_key() {
    return {kCountKey.data(), kCountKey.size()};
}

// RocksDB does not take a null pointer, even to no bytes.
rocksdb::Slice slice(std::string_view view) {
    return {view.empty() ? "" : view.data(), view.size()};
}
rocksdb::Slice slice(quorate_bytes bytes) {
    return slice(plugin::view(bytes));
}
std::string_view view_of(const rocksdb::Slice& s) {
    return {s.data(), s.size()};
}

std::string_view raw(const uint64_t& number) {
    return {reinterpret_cast<const char*>(&number), sizeof number};
}
uint64_t number_of(std::string_view text) {
    uint64_t number = 0;
    if (text.size() == sizeof number) {
        std::memcpy(&number, text.data(), sizeof number);
    }
    return number;
}

// A failure of RocksDB's as the core knows it. RocksDB names the file where it knows it.
Status to_status(const rocksdb::Status& status, const std::string& dir) {
    if (status.ok()) {
        return {};
    }
    if (status.IsCorruption()) {
        return {QUORATE_DATA_LOSS, dir + ": " + status.ToString()};
    }
    const bool full = status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace;
    return {full ? QUORATE_RESOURCE_EXHAUSTED : QUORATE_INTERNAL, dir + ": " + status.ToString()};
}

// On opening a store that exists, what RocksDB can't make sense of is damage, whatever it calls it.
Status open_status(const rocksdb::Status& status, const std::string& dir) {
    const Status known = to_status(status, dir);
    const bool damage = status.IsNotFound() || status.IsInvalidArgument() ||
                        status.IsNotSupported() || status.IsPathNotFound();
    return damage ? Status(QUORATE_DATA_LOSS, known.text()) : known;
}

rocksdb::Options rocksdb_options(const Config& config, const quorate_host& host) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.info_log = std::make_shared<HostLogger>(host);
    // Damage stops the store instead of being skipped, and nothing is mended behind the core's
    // back: after a full disk the member starts anew from its log.
    options.paranoid_checks = true;
    options.max_bgerror_resume_count = 0;
    options.write_buffer_size = config.write_buffer_bytes;
    options.max_write_buffer_number = 3;
    options.max_open_files = config.max_open_files;
    options.max_background_jobs = config.background_jobs;
    options.target_file_size_base = config.table_bytes;
    options.compression = config.compression;
    options.level_compaction_dynamic_level_bytes = true;
    // One writer: no need of a memory table that several can fill at a time.
    options.allow_concurrent_memtable_write = false;
    // Flushes reach the disk while they are written and not in one burst at their end.
    options.bytes_per_sync = 1 << 20;
    options.max_manifest_file_size = 16 << 20;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    // Obsolete files are removed by the background threads and not by a reader that was the last to
    // hold them.
    options.avoid_unnecessary_blocking_io = true;

    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(config.cache_bytes);
    table.block_size = config.block_bytes;
    // Indexes grow with the store; in the cache they have its bound. In parts: a file's whole index
    // is over a hundred kilobytes, and where the cache can't hold those of all files every read
    // would bring one in.
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = config.bloom_bits > 0;
    table.pin_top_level_index_and_filter = true;
    table.checksum = rocksdb::kCRC32c;
    table.format_version = 5;
    if (config.bloom_bits > 0) {
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(config.bloom_bits));
    }
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

// What is read in bulk would push out of the cache what is read again.
rocksdb::ReadOptions bulk_read(const rocksdb::Snapshot* snapshot) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.fill_cache = false;
    return options;
}

Result<uint64_t> read_count(rocksdb::DB& db, const std::string& dir) {
    std::string value;
    const rocksdb::Status status = db.Get({}, slice(count_key()), &value);
    if (!status.ok() && !status.IsNotFound()) {
        return to_status(status, dir);
    }
    return number_of(value);
}

}  // namespace

Cursor::Cursor(rocksdb::DB& db, const std::string& dir, const rocksdb::Snapshot* snapshot,
               const plugin::Scan& scan)
    : dir_(dir),
      lo_(scan.lo),
      // RocksDB wants bounds in order.
      hi_(scan.hi.empty() ? count_key() : std::max(scan.lo, scan.hi)),
      lower_(lo_),
      upper_(hi_),
      reverse_(scan.reverse) {
    rocksdb::ReadOptions options = bulk_read(snapshot);
    options.iterate_lower_bound = &lower_;
    options.iterate_upper_bound = &upper_;
    at_.reset(db.NewIterator(options));
}

void Cursor::move() {
    if (std::exchange(begun_, true)) {
        reverse_ ? at_->Prev() : at_->Next();
    } else {
        reverse_ ? at_->SeekToLast() : at_->SeekToFirst();
    }
}

Result<bool> Cursor::next(plugin::Pair& pair) {
    if (!begun_ || at_->Valid()) {
        move();
    }
    if (!at_->Valid()) {
        if (!at_->status().ok()) {
            return to_status(at_->status(), dir_);
        }
        return false;
    }
    pair = {view_of(at_->key()), view_of(at_->value())};
    return true;
}

View::View(rocksdb::DB& db, const std::string& dir) : db_(db), dir_(dir) {
    options_.snapshot = db_.GetSnapshot();
}

View::~View() {
    db_.ReleaseSnapshot(options_.snapshot);
}

Result<bool> View::get(std::string_view key, plugin::Sink value) {
    value_.Reset();
    const rocksdb::Status status =
        db_.Get(options_, db_.DefaultColumnFamily(), slice(key), &value_);
    if (status.IsNotFound()) {
        return false;
    }
    if (!status.ok()) {
        return to_status(status, dir_);
    }
    value.append(view_of(value_));
    value_.Reset();
    return true;
}

Result<std::unique_ptr<Cursor>> View::scan(const plugin::Scan& scan) {
    return std::make_unique<Cursor>(db_, dir_, options_.snapshot, scan);
}

Result<std::unique_ptr<Engine>> Engine::open(const plugin::OpenArguments& arguments) {
    Result<Config> config = read_config(arguments.options, arguments.option_count);
    if (!config) {
        return config.error();
    }
    auto engine = std::make_unique<Engine>(std::string(arguments.path), arguments.host);
    if (Status s = engine->open_db(*config); !s.ok()) {
        return s;
    }
    return engine;
}

Engine::~Engine() {
    if (db_ != nullptr && failure_.ok()) {
        if (const Status s = sync(); !s.ok()) {
            const quorate_log_field field = {plugin::bytes("error"), plugin::bytes(s.text())};
            host_.log(host_.ctx, QUORATE_LOG_ERROR, plugin::bytes("could not sync at the end"),
                      &field, 1);
        }
    }
}

Status Engine::open_db(const Config& config) {
    Result<plugin::DirectoryLock> lock = plugin::DirectoryLock::take(dir_);
    if (!lock) {
        return lock.error();
    }
    lock_ = std::move(*lock);
    if (Status s = synced_.open(dir_); !s.ok()) {
        return s;
    }
    const rocksdb::Options options = rocksdb_options(config, host_);
    if (Status s = check_before_writing(options); !s.ok()) {
        return s;
    }
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, dir_, &db);
    db_.reset(db);
    return open_status(status, dir_);
}

// RocksDB removes, on opening, the tables that its manifest does not name. A manifest that has lost
// its end must be found before that.
Status Engine::check_before_writing(const rocksdb::Options& options) {
    const uint64_t promised = number_of(synced_.note());
    std::error_code error;
    if (std::filesystem::exists(dir_ + "/CURRENT", error)) {
        rocksdb::DB* raw_db = nullptr;
        const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, dir_, &raw_db);
        const std::unique_ptr<rocksdb::DB> db(raw_db);
        if (!status.ok()) {
            return open_status(status, dir_);
        }
        Result<uint64_t> count = read_count(*db, dir_);
        if (!count) {
            return count.error();
        }
        batches_ = *count;
    } else {
        std::filesystem::directory_iterator entry(dir_, error);
        for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            if (entry->path().extension() == ".sst") {
                return {QUORATE_DATA_LOSS, dir_ + "/CURRENT: missing"};
            }
        }
    }
    if (batches_ < promised) {
        return {QUORATE_DATA_LOSS, dir_ + ": holds " + std::to_string(batches_) + " writes of " +
                                       std::to_string(promised) +
                                       " that were synced; CURRENT or the manifest is damaged"};
    }
    return {};
}

Result<std::unique_ptr<View>> Engine::view() {
    return std::make_unique<View>(*db_, dir_);
}

Status Engine::write(plugin::Batch batch, bool sync_too) {
    if (!failure_.ok()) {
        return failure_;
    }
    batch_.Clear();
    for (const quorate_storage_op& op : batch) {
        rocksdb::Status status;
        const std::string_view hi = plugin::view(op.value);
        switch (op.kind) {
            case QUORATE_STORAGE_PUT:
                status = batch_.Put(slice(op.key), slice(op.value));
                break;
            case QUORATE_STORAGE_DELETE:
                status = batch_.Delete(slice(op.key));
                break;
            case QUORATE_STORAGE_DELETE_RANGE:
                if (hi.empty() || plugin::view(op.key) < hi) {
                    status = batch_.DeleteRange(slice(op.key),
                                                hi.empty() ? slice(count_key()) : slice(hi));
                }
                break;
            default:
                return {QUORATE_INVALID_ARGUMENT,
                        "unknown kind of operation " + std::to_string(op.kind)};
        }
        if (!status.ok()) {
            return to_status(status, dir_);
        }
    }
    ++batches_;
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    rocksdb::Status status = batch_.Put(slice(count_key()), slice(raw(batches_)));
    if (status.ok()) {
        status = db_->Write(options, &batch_);
    }
    failure_ = to_status(status, dir_);
    if (batch_.GetDataSize() > kBatchBytesKept) {
        batch_ = rocksdb::WriteBatch();
    }
    return failure_.ok() && sync_too ? sync() : failure_;
}

Status Engine::sync() {
    if (failure_.ok()) {
        failure_ = to_status(db_->Flush(rocksdb::FlushOptions()), dir_);
    }
    if (failure_.ok()) {
        failure_ = synced_.write(raw(batches_));
    }
    return failure_;
}

Result<plugin::Stats> Engine::stats() {
    Result<uint64_t> disk_bytes = plugin::directory_bytes(dir_);
    if (!disk_bytes) {
        return disk_bytes.error();
    }
    uint64_t live_bytes = 0;
    if (!db_->GetIntProperty(rocksdb::DB::Properties::kEstimateLiveDataSize, &live_bytes)) {
        live_bytes = *disk_bytes;
    }
    return plugin::Stats{*disk_bytes, std::min(*disk_bytes, live_bytes)};
}

Status Engine::compact_range(std::string_view lo, std::string_view hi) {
    if (!hi.empty() && lo >= hi) {
        return {};
    }
    const rocksdb::Slice begin = slice(lo);
    const rocksdb::Slice end = slice(hi);
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;  // merges of other parts go on
    return to_status(db_->CompactRange(options, &begin, hi.empty() ? nullptr : &end), dir_);
}

}  // namespace quorate::rocksdb_engine
