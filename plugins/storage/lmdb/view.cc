// SPDX-License-Identifier: Apache-2.0
#include "view.h"

#include "recover.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

namespace quorate::lmdb_engine {

namespace {

using plugin::Result;
using plugin::Status;

// LMDB calls a write that was cut short by a full disk EIO.
bool is_disk_full(int code, const std::string& dir) {
    if (code == ENOSPC || code == EDQUOT) {
        return true;
    }
    constexpr uint64_t kNextToNothing = 1 << 20;
    struct statvfs info {};
    return code == EIO && ::statvfs(dir.c_str(), &info) == 0 &&
           info.f_bavail * info.f_frsize < kNextToNothing;
}

Status wrong_checksum(const std::string& dir) {
    return {QUORATE_DATA_LOSS, dir + kDataFile + ": a value has a wrong checksum"};
}

}  // namespace

Status to_status(int code, const std::string& dir) {
    switch (code) {
        case MDB_SUCCESS:
            return {};
        case MDB_MAP_FULL:
            return {QUORATE_RESOURCE_EXHAUSTED,
                    dir + kDataFile + ": has reached map_bytes; raise it in [storage.lmdb]"};
        case MDB_READERS_FULL:
            return {QUORATE_RESOURCE_EXHAUSTED,
                    dir + ": as many views are open as may be; raise views_max in [storage.lmdb]"};
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_PANIC:
            return {QUORATE_DATA_LOSS, dir + kDataFile + ": " + ::mdb_strerror(code)};
        default:
            return {is_disk_full(code, dir) ? QUORATE_RESOURCE_EXHAUSTED : QUORATE_INTERNAL,
                    dir + kDataFile + ": " +
                        (is_disk_full(code, dir) ? ::mdb_strerror(ENOSPC) : ::mdb_strerror(code))};
    }
}

Store::~Store() {
    for (MDB_txn* reader : idle_) {
        ::mdb_txn_abort(reader);
    }
    if (env_ != nullptr) {
        ::mdb_env_close(env_);
    }
}

Status Store::open(unsigned flags, size_t map_bytes, unsigned readers_max) {
    int code = ::mdb_env_create(&env_);
    if (code == 0) {
        code = ::mdb_env_set_mapsize(env_, map_bytes);
    }
    if (code == 0) {
        code = ::mdb_env_set_maxreaders(env_, readers_max);
    }
    if (code == 0) {
        code = ::mdb_env_open(env_, dir_.c_str(), flags, 0600);
    }
    if (code == ENOMEM) {
        return {QUORATE_RESOURCE_EXHAUSTED,
                dir_ + kDataFile + ": can't map " + std::to_string(map_bytes) +
                    " bytes of address space; lower map_bytes in [storage.lmdb]"};
    }
    MDB_txn* txn = nullptr;
    if (code == 0) {
        code = ::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    }
    if (code == 0) {
        code = ::mdb_dbi_open(txn, nullptr, 0, &rows_);
        ::mdb_txn_abort(txn);
    }
    return to_status(code, dir_);
}

Result<MDB_txn*> Store::take_reader() {
    MDB_txn* reader = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            reader = idle_.back();
            idle_.pop_back();
        }
    }
    const int code = reader == nullptr ? ::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader)
                                       : ::mdb_txn_renew(reader);
    if (code != 0) {
        return to_status(code, dir_);
    }
    return reader;
}

void Store::give_back(MDB_txn* reader) {
    ::mdb_txn_reset(reader);
    const std::lock_guard lock(mutex_);
    idle_.push_back(reader);
}

std::array<Segment, 2> segments_of(std::string_view lo, std::string_view hi) {
    const auto segment = [&](Half half) {
        return Segment{StoredKey(half, lo),
                       hi.empty() ? StoredKey::end_of(half) : StoredKey(half, hi)};
    };
    return {segment(Half::kFirst), segment(Half::kSecond)};
}

Cursor::Cursor(const Store& store, CursorHandle at, const plugin::Scan& scan)
    : store_(store),
      at_(std::move(at)),
      segments_(segments_of(scan.lo, scan.hi)),
      reverse_(scan.reverse) {}

int Cursor::move(MDB_val& key, MDB_val& value) {
    const Segment& segment = segments_[reverse_ ? segments_left_ - 1 : 2 - segments_left_];
    const bool begun = std::exchange(begun_, true);
    int code = 0;
    if (!reverse_) {
        key = to_lmdb(segment.begin.view());
        code = ::mdb_cursor_get(at_.get(), &key, &value, begun ? MDB_NEXT : MDB_SET_RANGE);
    } else if (begun) {
        code = ::mdb_cursor_get(at_.get(), &key, &value, MDB_PREV);
    } else {
        // The last row before the end: before the one found, or the last of all when none was.
        key = to_lmdb(segment.end.view());
        code = ::mdb_cursor_get(at_.get(), &key, &value, MDB_SET_RANGE);
        code =
            ::mdb_cursor_get(at_.get(), &key, &value, code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    }
    const bool outside = code == 0 && (from_lmdb(key) < segment.begin.view() ||
                                       from_lmdb(key) >= segment.end.view());
    return outside ? MDB_NOTFOUND : code;
}

Result<bool> Cursor::next(plugin::Pair& pair) {
    MDB_val key{};
    MDB_val value{};
    int code = MDB_NOTFOUND;
    while (segments_left_ > 0) {
        code = move(key, value);
        if (code != MDB_NOTFOUND) {
            break;
        }
        --segments_left_;
        begun_ = false;
    }
    if (code == MDB_NOTFOUND) {
        return false;
    }
    if (code != 0) {
        return to_status(code, store_.dir());
    }
    const std::optional<std::string_view> checked = checked_value(from_lmdb(key), from_lmdb(value));
    if (!checked) {
        return wrong_checksum(store_.dir());
    }
    pair = {from_lmdb(key).substr(1), *checked};
    return true;
}

Result<bool> View::get(std::string_view key, plugin::Sink value) {
    const StoredKey stored_key(key);
    MDB_val wanted = to_lmdb(stored_key.view());
    MDB_val found{};
    const int code = ::mdb_get(reader_, store_.rows(), &wanted, &found);
    if (code == MDB_NOTFOUND) {
        return false;
    }
    if (code != 0) {
        return to_status(code, store_.dir());
    }
    const std::optional<std::string_view> checked =
        checked_value(stored_key.view(), from_lmdb(found));
    if (!checked) {
        return wrong_checksum(store_.dir());
    }
    value.append(*checked);
    return true;
}

Result<std::unique_ptr<Cursor>> View::scan(const plugin::Scan& scan) {
    MDB_cursor* cursor = nullptr;
    if (const int code = ::mdb_cursor_open(reader_, store_.rows(), &cursor); code != 0) {
        return to_status(code, store_.dir());
    }
    return std::make_unique<Cursor>(store_, CursorHandle(cursor), scan);
}

}  // namespace quorate::lmdb_engine
