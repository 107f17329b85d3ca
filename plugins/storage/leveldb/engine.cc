// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <filesystem>
#include <system_error>
#include <utility>

namespace quorate::leveldb_engine {

namespace {

using plugin::Result;
using plugin::Status;
using Work = StoreEnv::Work;

// A batch's memory is given back above this.
constexpr size_t kBatchBytesKept = 8 << 20;

leveldb::Slice slice(std::string_view view) {
    return {view.data(), view.size()};
}
leveldb::Slice slice(quorate_bytes bytes) {
    return slice(plugin::view(bytes));
}
std::string_view view_of(const leveldb::Slice& s) {
    return {s.data(), s.size()};
}

// What is read in bulk would push out of the cache what is read again.
leveldb::ReadOptions bulk_read() {
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    options.fill_cache = false;
    return options;
}

}  // namespace

Cursor::Cursor(const StoreEnv& env, std::unique_ptr<leveldb::Iterator> at, const plugin::Scan& scan)
    : env_(env), at_(std::move(at)), lo_(scan.lo), hi_(scan.hi), reverse_(scan.reverse) {}

void Cursor::move() {
    if (std::exchange(begun_, true)) {
        reverse_ ? at_->Prev() : at_->Next();
    } else if (!reverse_) {
        at_->Seek(lo_);
    } else if (hi_.empty()) {
        at_->SeekToLast();
    } else {
        at_->Seek(hi_);
        // The last key below hi: before the one found, or the last of all when none was.
        at_->Valid() ? at_->Prev() : at_->SeekToLast();
    }
}

Result<bool> Cursor::next(plugin::Pair& pair) {
    if (!begun_ || at_->Valid()) {
        move();
    }
    if (!at_->Valid()) {
        if (!at_->status().ok()) {
            return env_.to_status(at_->status(), Work::kThisThread);
        }
        return false;
    }
    const std::string_view key = view_of(at_->key());
    if (key < lo_ || (!hi_.empty() && key >= hi_)) {
        return false;
    }
    pair = {key, view_of(at_->value())};
    return true;
}

View::View(leveldb::DB& db, const StoreEnv& env) : db_(db), env_(env) {
    options_.verify_checksums = true;
    options_.snapshot = db_.GetSnapshot();
}

View::~View() {
    db_.ReleaseSnapshot(options_.snapshot);
}

Result<bool> View::get(std::string_view key, plugin::Sink value) {
    const leveldb::Status status = db_.Get(options_, slice(key), &value_);
    if (status.IsNotFound()) {
        return false;
    }
    if (!status.ok()) {
        return env_.to_status(status, Work::kThisThread);
    }
    value.append(value_);
    return true;
}

Result<std::unique_ptr<Cursor>> View::scan(const plugin::Scan& scan) {
    leveldb::ReadOptions options = bulk_read();
    options.snapshot = options_.snapshot;
    std::unique_ptr<leveldb::Iterator> at(db_.NewIterator(options));
    return std::make_unique<Cursor>(env_, std::move(at), scan);
}

Result<std::unique_ptr<Engine>> Engine::open(const plugin::OpenArguments& arguments) {
    Result<Config> config = read_config(arguments.options, arguments.option_count);
    if (!config) {
        return config.error();
    }
    auto engine = std::make_unique<Engine>(std::string(arguments.path), *config, arguments.host);
    if (Status s = engine->open_db(*config); !s.ok()) {
        return s;
    }
    return engine;
}

Engine::Engine(std::string dir, const Config& config, const quorate_host& host)
    : dir_(std::move(dir)),
      host_(host),
      env_(dir_),
      logger_(host),
      cache_(leveldb::NewLRUCache(config.cache_bytes)),
      filter_(config.bloom_bits > 0 ? leveldb::NewBloomFilterPolicy(config.bloom_bits) : nullptr) {}

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
    leveldb::Options options;
    options.create_if_missing = true;
    // Damage stops the store instead of being skipped.
    options.paranoid_checks = true;
    options.env = &env_;
    options.info_log = &logger_;
    options.write_buffer_size = config.write_buffer_bytes;
    options.max_open_files = config.max_open_files;
    options.block_cache = cache_.get();
    options.block_size = config.block_bytes;
    options.max_file_size = config.table_bytes;
    options.compression = config.compress ? leveldb::kSnappyCompression : leveldb::kNoCompression;
    options.filter_policy = filter_.get();
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(options, dir_, &db);
    db_.reset(db);
    if (Status s = env_.failure(); !s.ok()) {
        return s;
    }
    if (status.IsNotFound()) {
        return {QUORATE_DATA_LOSS, dir_ + ": " + status.ToString()};
    }
    if (env_.cut_bytes() > 0) {
        const std::string bytes = std::to_string(env_.cut_bytes());
        const quorate_log_field fields[] = {{plugin::bytes("path"), plugin::bytes(dir_)},
                                            {plugin::bytes("bytes"), plugin::bytes(bytes)}};
        host_.log(host_.ctx, QUORATE_LOG_WARN, plugin::bytes("cut the torn tail of the manifest"),
                  fields, 2);
    }
    return env_.to_status(status, Work::kThisThread);
}

Result<std::unique_ptr<View>> Engine::view() {
    return std::make_unique<View>(*db_, env_);
}

Status Engine::write(plugin::Batch batch, bool sync) {
    batch_.Clear();
    for (size_t i = 0; i < batch.size(); ++i) {
        const quorate_storage_op& op = batch[i];
        switch (op.kind) {
            case QUORATE_STORAGE_PUT:
                batch_.Put(slice(op.key), slice(op.value));
                break;
            case QUORATE_STORAGE_DELETE:
                batch_.Delete(slice(op.key));
                break;
            case QUORATE_STORAGE_DELETE_RANGE:
                if (Status s = erase_range(op, batch.first(i)); !s.ok()) {
                    return s;
                }
                break;
            default:
                return {QUORATE_INVALID_ARGUMENT,
                        "unknown kind of operation " + std::to_string(op.kind)};
        }
    }
    Status status = commit();
    if (batch_.ApproximateSize() > kBatchBytesKept) {
        batch_ = leveldb::WriteBatch();
    }
    return status.ok() && sync ? this->sync() : status;
}

Status Engine::erase_range(const quorate_storage_op& range, plugin::Batch ops_before) {
    const std::string_view lo = plugin::view(range.key);
    const std::string_view hi = plugin::view(range.value);
    const auto inside = [&](std::string_view key) { return key >= lo && (hi.empty() || key < hi); };
    const std::unique_ptr<leveldb::Iterator> at(db_->NewIterator(bulk_read()));
    for (at->Seek(slice(lo)); at->Valid() && inside(view_of(at->key())); at->Next()) {
        batch_.Delete(at->key());
    }
    for (const quorate_storage_op& op : ops_before) {
        if (op.kind == QUORATE_STORAGE_PUT && inside(plugin::view(op.key))) {
            batch_.Delete(slice(op.key));
        }
    }
    return env_.to_status(at->status(), Work::kThisThread);
}

// What is written behind a lost batch would not be a prefix; LevelDB refuses it, too.
Status Engine::commit() {
    if (failure_.ok()) {
        is_synced_ = false;
        failure_ = env_.to_status(db_->Write({}, &batch_), Work::kMerges);
    }
    return failure_;
}

// A write of nothing makes LevelDB begin a new memtable, for which the one before has to be in a
// table that is synced: so the first hands over what was written, and the second waits for it.
Status Engine::sync() {
    for (int i = 0; i < 2 && failure_.ok() && !is_synced_; ++i) {
        failure_ = env_.to_status(db_->Write({}, nullptr), Work::kMerges);
    }
    is_synced_ = failure_.ok();
    return failure_;
}

Result<plugin::Stats> Engine::stats() {
    uint64_t disk_bytes = 0;
    std::error_code error;
    std::filesystem::directory_iterator entry(dir_, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        // A file that a merge removes meanwhile counts for nothing.
        std::error_code gone;
        const uint64_t bytes = std::filesystem::file_size(entry->path(), gone);
        disk_bytes += gone ? 0 : bytes;
    }
    if (error) {
        return Status(QUORATE_INTERNAL, dir_ + ": " + error.message());
    }
    // Tables that are in use.
    const std::string last(256, '\xff');
    const leveldb::Range all(leveldb::Slice(), last);
    uint64_t table_bytes = 0;
    db_->GetApproximateSizes(&all, 1, &table_bytes);
    return plugin::Stats{disk_bytes, std::min(disk_bytes, table_bytes)};
}

Status Engine::compact_range(std::string_view lo, std::string_view hi) {
    const leveldb::Slice begin = slice(lo);
    const leveldb::Slice end = slice(hi);
    db_->CompactRange(&begin, hi.empty() ? nullptr : &end);
    return {};
}

}  // namespace quorate::leveldb_engine
