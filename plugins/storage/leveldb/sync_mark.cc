// SPDX-License-Identifier: Apache-2.0
#include "sync_mark.h"

#include "plugin/cxx/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace quorate::leveldb_engine {

namespace {

using plugin::Result;
using plugin::Status;

// In the machine's own byte order: a store does not move between machines.
struct Stored {
    SyncedFile log;
    SyncedFile manifest;
    uint64_t checksum;  // CRC-32C of all before
};
static_assert(sizeof(Stored) == 40);

uint64_t checksum(const Stored& stored) {
    const auto* raw = reinterpret_cast<const char*>(&stored);
    return plugin::crc32c({raw, offsetof(Stored, checksum)});
}

}  // namespace

Status SyncMark::open(const std::string& dir) {
    Result<plugin::PosixFile> file = plugin::PosixFile::open(dir + "/SYNCED", O_RDWR | O_CREAT);
    if (!file) {
        return file.error();
    }
    file_ = std::move(*file);
    std::array<char, sizeof(Stored)> raw{};
    Result<size_t> bytes = file_.read_at(0, raw.data(), raw.size());
    if (!bytes) {
        return bytes.error();
    }
    Stored stored{};
    std::memcpy(&stored, raw.data(), raw.size());
    const std::lock_guard lock(mutex_);
    if (*bytes == raw.size() && stored.checksum == checksum(stored)) {
        log_ = stored.log;
        manifest_ = stored.manifest;
    }
    return {};
}

SyncedFile SyncMark::log() const {
    const std::lock_guard lock(mutex_);
    return log_;
}

SyncedFile SyncMark::manifest() const {
    const std::lock_guard lock(mutex_);
    return manifest_;
}

Status SyncMark::synced(FileName name, uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    SyncedFile& file = name.kind == FileKind::kLog ? log_ : manifest_;
    if (name.number < file.number) {
        return {};  // an older file, finished after a newer one began
    }
    file = {name.number, bytes};
    return store();
}

Status SyncMark::forget(FileName name) {
    const std::lock_guard lock(mutex_);
    SyncedFile& file = name.kind == FileKind::kLog ? log_ : manifest_;
    if (name.number != file.number) {
        return {};
    }
    file = {};
    if (Status s = store(); !s.ok()) {
        return s;
    }
    return file_.sync();
}

Status SyncMark::store() {
    Stored stored{log_, manifest_, 0};
    stored.checksum = checksum(stored);
    return file_.write_at(0, {reinterpret_cast<const char*>(&stored), sizeof stored});
}

}  // namespace quorate::leveldb_engine
