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
// LevelDB's most for a memtable.
constexpr size_t kNever = size_t{1} << 30;

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

Moment::Moment(leveldb::DB& db, StateRows& rows)
    : db_(db), rows_(rows), snapshot_(db.GetSnapshot()), write_(rows.hold()) {}

Moment::~Moment() {
    db_.ReleaseSnapshot(snapshot_);
    rows_.release(write_);
}

Cursor::Cursor(const StoreEnv& env, std::shared_ptr<const Moment> moment,
               std::unique_ptr<leveldb::Iterator> at, const plugin::Scan& scan)
    : env_(env),
      moment_(std::move(moment)),
      at_(std::move(at)),
      range_{std::string(scan.lo), std::string(scan.hi)},
      reverse_(scan.reverse) {}

void Cursor::move_tables() {
    if (begun_) {
        if (at_->Valid()) {
            reverse_ ? at_->Prev() : at_->Next();
        }
    } else if (!reverse_) {
        at_->Seek(range_.lo);
    } else if (range_.hi.empty()) {
        at_->SeekToLast();
    } else {
        at_->Seek(range_.hi);
        // The last key below hi: before the one found, or the last of all when none was.
        at_->Valid() ? at_->Prev() : at_->SeekToLast();
    }
}

void Cursor::move_state() {
    if (begun_ && !state_there_) {
        return;
    }
    const StateRows& rows = moment_->rows();
    const std::string last = state_.key;
    const std::string* after = begun_ ? &last : nullptr;
    state_there_ = reverse_ ? rows.last(moment_->write(), range_, after, state_)
                            : rows.first(moment_->write(), range_, after, state_);
}

bool Cursor::is_state_next(std::string_view table_key) const {
    return state_there_ && (reverse_ ? state_.key > table_key : state_.key < table_key);
}

Result<bool> Cursor::next(plugin::Pair& pair) {
    if (!begun_ || !gave_state_) {
        move_tables();
    }
    if (!begun_ || gave_state_) {
        move_state();
    }
    begun_ = true;
    if (!at_->Valid() && !at_->status().ok()) {
        return env_.to_status(at_->status(), Work::kThisThread);
    }
    const std::string_view key = at_->Valid() ? view_of(at_->key()) : std::string_view();
    const bool table_there =
        at_->Valid() && key >= range_.lo && (range_.hi.empty() || key < range_.hi);
    gave_state_ = table_there ? is_state_next(key) : state_there_;
    if (gave_state_) {
        pair = {state_.key, state_.value};
    } else if (table_there) {
        pair = {key, view_of(at_->value())};
    }
    return gave_state_ || table_there;
}

View::View(leveldb::DB& db, const StoreEnv& env, std::shared_ptr<const Moment> moment)
    : db_(db), env_(env), moment_(std::move(moment)) {
    options_.verify_checksums = true;
    options_.snapshot = moment_->snapshot();
}

Result<bool> View::get(std::string_view key, plugin::Sink value) {
    if (moment_->rows().get(moment_->write(), key, value_)) {
        value.append(value_);
        return true;
    }
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
    return std::make_unique<Cursor>(env_, moment_, std::move(at), scan);
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
      memtable_bytes_max_(config.write_buffer_bytes),
      env_(dir_, rows_),
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
    options.write_buffer_size = kNever;  // commit() says when
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
    if (status.ok()) {
        publish();
    }
    return env_.to_status(status, Work::kThisThread);
}

Result<std::unique_ptr<View>> Engine::view() {
    const std::lock_guard lock(moment_mutex_);
    return std::make_unique<View>(*db_, env_, moment_);
}

Status Engine::write(plugin::Batch batch, bool sync) {
    if (!failure_.ok()) {
        return failure_;
    }
    batch_.Clear();
    for (size_t i = 0; i < batch.size(); ++i) {
        if (Status s = take(batch[i], batch.first(i)); !s.ok()) {
            rows_.abandon();
            return s;
        }
    }
    Status status = commit();
    if (batch_.ApproximateSize() > kBatchBytesKept) {
        batch_ = leveldb::WriteBatch();
    }
    return status.ok() && sync ? this->sync() : status;
}

Status Engine::take(const quorate_storage_op& op, plugin::Batch ops_before) {
    switch (op.kind) {
        case QUORATE_STORAGE_PUT:
            put(op);
            return {};
        case QUORATE_STORAGE_DELETE:
            erase(plugin::view(op.key));
            return {};
        case QUORATE_STORAGE_DELETE_RANGE:
            return erase_range(op, ops_before);
        default:
            return {QUORATE_INVALID_ARGUMENT,
                    "unknown kind of operation " + std::to_string(op.kind)};
    }
}

void Engine::put(const quorate_storage_op& op) {
    const std::string_view key = plugin::view(op.key);
    const std::string_view value = plugin::view(op.value);
    const bool known = rows_.has(key);
    if (!known && (op.hints & QUORATE_STORAGE_STATE) == 0) {
        batch_.Put(slice(key), slice(value));
    } else if (rows_.has_room(key, value)) {
        if (!known && rows_.spilled()) {
            batch_.Delete(slice(key));
        }
        rows_.put(key, value);
    } else {
        rows_.spill();
        rows_.erase(key);
        batch_.Put(slice(key), slice(value));
    }
}

void Engine::erase(std::string_view key) {
    if (rows_.has(key)) {
        rows_.erase(key);
    } else {
        batch_.Delete(slice(key));
    }
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
        if (op.kind == QUORATE_STORAGE_PUT && inside(plugin::view(op.key)) &&
            !rows_.has(plugin::view(op.key))) {
            batch_.Delete(slice(op.key));
        }
    }
    rows_.erase_range({std::string(lo), std::string(hi)});
    return env_.to_status(at->status(), Work::kThisThread);
}

// What is written behind a lost batch would not be a prefix; LevelDB refuses it, too.
Status Engine::commit() {
    is_synced_ = false;
    if (batch_.ApproximateSize() > empty_batch_bytes_) {
        failure_ = env_.to_status(db_->Write({}, &batch_), Work::kMerges);
    } else {
        rows_.logged();
    }
    if (!failure_.ok()) {
        return failure_;
    }
    rows_.publish();
    publish();
    memtable_bytes_ += batch_.ApproximateSize();
    if (memtable_bytes_ >= memtable_bytes_max_) {
        begin_memtable();
    }
    return failure_;
}

void Engine::publish() {
    auto moment = std::make_shared<const Moment>(*db_, rows_);
    const std::lock_guard lock(moment_mutex_);
    moment_.swap(moment);
}

// A write of nothing makes LevelDB begin a new memtable, for which the one before the last has to
// be in a table that is synced.
void Engine::begin_memtable() {
    failure_ = env_.to_status(db_->Write({}, nullptr), Work::kMerges);
    memtable_bytes_ = 0;
}

// The first memtable hands over what was written, and the second waits for it.
Status Engine::sync() {
    for (int i = 0; i < 2 && failure_.ok() && !is_synced_; ++i) {
        begin_memtable();
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
