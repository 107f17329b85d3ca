// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include "recover.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace quorate::lmdb_engine {

namespace {

using plugin::Result;
using plugin::Status;

std::string_view raw(const Tally& tally) {
    return {reinterpret_cast<const char*>(&tally), sizeof tally};
}
std::string_view raw(const Meta& meta) {
    return {reinterpret_cast<const char*>(&meta), sizeof meta};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const plugin::OpenArguments& arguments) {
    Result<Config> config = read_config(arguments.options, arguments.option_count);
    if (!config) {
        return config.error();
    }
    auto engine = std::make_unique<Engine>(std::string(arguments.path), *config, arguments.host);
    if (Status s = engine->open_store(); !s.ok()) {
        return s;
    }
    return engine;
}

Engine::~Engine() {
    if (synced_view_ == nullptr) {
        return;  // was never open
    }
    if (failure_.ok()) {
        if (const Status s = sync(); !s.ok()) {
            const quorate_log_field field = {plugin::bytes("error"), plugin::bytes(s.text())};
            host_.log(host_.ctx, QUORATE_LOG_ERROR, plugin::bytes("could not sync at the end"),
                      &field, 1);
        }
    }
    ::mdb_txn_abort(synced_view_);
}

Status Engine::open_store() {
    Result<plugin::DirectoryLock> lock = plugin::DirectoryLock::take(store_.dir());
    if (!lock) {
        return lock.error();
    }
    lock_ = std::move(*lock);
    if (Status s = synced_.open(store_.dir()); !s.ok()) {
        return s;
    }
    Result<Recovered> recovered = recover(store_.dir(), synced_);
    if (!recovered) {
        return recovered.error();
    }
    tally_ = recovered->tally;
    if (recovered->fell_back) {
        const quorate_log_field field = {plugin::bytes("path"), plugin::bytes(store_.dir())};
        host_.log(host_.ctx, QUORATE_LOG_WARN,
                  plugin::bytes("gave up writes that a crash had cut short"), &field, 1);
    }
    // The table of readers, left by a process that is gone.
    std::error_code error;
    std::filesystem::remove(store_.dir() + "/lock.mdb", error);
    if (Status s = store_.open(MDB_NOSYNC | MDB_NOTLS, config_.map_bytes, config_.views_max + 1);
        !s.ok()) {
        return s;
    }
    Result<plugin::PosixFile> file = plugin::PosixFile::open(store_.dir() + kDataFile, O_RDONLY);
    if (!file) {
        return file.error();
    }
    file_ = std::move(*file);
    if (Status s = plugin::sync_directory(store_.dir()); !s.ok()) {
        return s;
    }
    Result<MDB_txn*> reader = store_.take_reader();
    if (!reader) {
        return reader.error();
    }
    synced_view_ = *reader;
    return sync();
}

Result<std::unique_ptr<View>> Engine::view() {
    Result<MDB_txn*> reader = store_.take_reader();
    if (!reader) {
        return reader.error();
    }
    return std::make_unique<View>(store_, *reader);
}

Status Engine::write(plugin::Batch batch, bool sync_too) {
    if (!failure_.ok()) {
        return failure_;
    }
    for (const quorate_storage_op& op : batch) {
        if (op.kind < QUORATE_STORAGE_PUT || op.kind > QUORATE_STORAGE_DELETE_RANGE) {
            return {QUORATE_INVALID_ARGUMENT,
                    "unknown kind of operation " + std::to_string(op.kind)};
        }
        if (op.key.size > kKeyBytesMax) {
            return {QUORATE_INVALID_ARGUMENT, "a key of " + std::to_string(op.key.size) + " bytes"};
        }
    }
    failure_ = to_status(write_transaction(batch), store_.dir());
    // Pages that are set free can't be used before the next sync.
    const bool grown = file_bytes() > synced_file_bytes_ + config_.unsynced_bytes_max;
    return failure_.ok() && (sync_too || grown) ? sync() : failure_;
}

int Engine::write_transaction(plugin::Batch batch) {
    MDB_txn* txn = nullptr;
    int code = ::mdb_txn_begin(store_.env(), nullptr, 0, &txn);
    if (code != 0) {
        return code;
    }
    Tally tally = tally_;
    tally.transaction = ::mdb_txn_id(txn);
    code = apply(txn, batch, tally);
    if (code != 0) {
        ::mdb_txn_abort(txn);
        return code;
    }
    code = ::mdb_txn_commit(txn);
    if (code == 0) {
        tally_ = tally;
    }
    return code;
}

int Engine::apply(MDB_txn* txn, plugin::Batch batch, Tally& tally) {
    MDB_cursor* cursor = nullptr;
    int code = ::mdb_cursor_open(txn, store_.rows(), &cursor);
    if (code != 0) {
        return code;
    }
    const CursorHandle rows(cursor);  // closed before the transaction ends
    for (size_t i = 0; i < batch.size() && code == 0; ++i) {
        const std::string_view key = plugin::view(batch[i].key);
        const std::string_view value = plugin::view(batch[i].value);
        if (batch[i].kind == QUORATE_STORAGE_PUT) {
            code = put(cursor, key, value, tally);
        } else if (batch[i].kind == QUORATE_STORAGE_DELETE) {
            code = erase(cursor, key, tally);
        } else {
            for (const Segment& segment : segments_of(key, value)) {
                code = code == 0 ? erase_segment(cursor, segment, tally) : code;
            }
        }
    }
    return code == 0 ? put_tally(cursor, tally) : code;
}

int Engine::put(MDB_cursor* rows, std::string_view key, std::string_view value, Tally& tally) {
    const StoredKey stored_key(key);
    value_.assign(value);
    const uint32_t sum = record_checksum(stored_key.view(), value);
    value_.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    MDB_val k = to_lmdb(stored_key.view());
    MDB_val v = to_lmdb(value_);
    // Most keys are new; one that is not comes back with what it had.
    int code = ::mdb_cursor_put(rows, &k, &v, MDB_NOOVERWRITE);
    if (code == MDB_KEYEXIST) {
        tally.remove(stored_key.view(), from_lmdb(v));
        k = to_lmdb(stored_key.view());
        v = to_lmdb(value_);
        code = ::mdb_cursor_put(rows, &k, &v, 0);
    }
    tally.add(stored_key.view(), value_);
    return code;
}

int Engine::erase(MDB_cursor* rows, std::string_view key, Tally& tally) {
    const StoredKey stored_key(key);
    MDB_val k = to_lmdb(stored_key.view());
    MDB_val v{};
    const int code = ::mdb_cursor_get(rows, &k, &v, MDB_SET_KEY);
    if (code != 0) {
        return code == MDB_NOTFOUND ? 0 : code;
    }
    tally.remove(stored_key.view(), from_lmdb(v));
    return ::mdb_cursor_del(rows, 0);
}

int Engine::erase_segment(MDB_cursor* rows, const Segment& segment, Tally& tally) {
    MDB_val key = to_lmdb(segment.begin.view());
    MDB_val value{};
    int code = ::mdb_cursor_get(rows, &key, &value, MDB_SET_RANGE);
    while (code == 0 && from_lmdb(key) < segment.end.view()) {
        tally.remove(from_lmdb(key), from_lmdb(value));
        code = ::mdb_cursor_del(rows, 0);
        if (code == 0) {
            code = ::mdb_cursor_get(rows, &key, &value, MDB_NEXT);
        }
    }
    return code == MDB_NOTFOUND ? 0 : code;
}

int Engine::put_tally(MDB_cursor* rows, const Tally& tally) {
    value_.assign(raw(tally));
    const uint32_t sum = record_checksum(kTallyKey, value_);
    value_.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    MDB_val key = to_lmdb(kTallyKey);
    MDB_val value = to_lmdb(value_);
    return ::mdb_cursor_put(rows, &key, &value, 0);
}

uint64_t Engine::file_bytes() const {
    MDB_envinfo info{};
    (void)::mdb_env_info(store_.env(), &info);
    MDB_stat stat{};
    (void)::mdb_env_stat(store_.env(), &stat);
    return (info.me_last_pgno + 1) * stat.ms_psize;
}

Status Engine::sync() {
    if (!failure_.ok()) {
        return failure_;
    }
    failure_ = to_status(::mdb_env_sync(store_.env(), 1), store_.dir());
    if (!failure_.ok()) {
        return failure_;
    }
    Result<Meta> meta = read_meta(file_, tally_.transaction);
    failure_ = meta.error();
    if (failure_.ok()) {
        failure_ = synced_.write(raw(*meta));
    }
    if (failure_.ok()) {
        failure_ = synced_.sync();
    }
    if (failure_.ok()) {
        ::mdb_txn_reset(synced_view_);
        failure_ = to_status(::mdb_txn_renew(synced_view_), store_.dir());
        synced_file_bytes_ = file_bytes();
    }
    return failure_;
}

Result<plugin::Stats> Engine::stats() {
    Result<uint64_t> disk_bytes = plugin::directory_bytes(store_.dir());
    if (!disk_bytes) {
        return disk_bytes.error();
    }
    MDB_stat stat{};
    if (const int code = ::mdb_env_stat(store_.env(), &stat); code != 0) {
        return to_status(code, store_.dir());
    }
    const uint64_t pages = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    return plugin::Stats{*disk_bytes, std::min(*disk_bytes, pages * stat.ms_psize)};
}

}  // namespace quorate::lmdb_engine
