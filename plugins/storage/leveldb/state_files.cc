// SPDX-License-Identifier: Apache-2.0
#include "state_files.h"

#include "file_name.h"
#include "plugin/cxx/crc32c.h"
#include "plugin/cxx/posix.h"

#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace quorate::leveldb_engine {

namespace {

using plugin::PosixFile;
using plugin::Result;
using plugin::Status;

// In the machine's own byte order: a store does not move between machines. Behind it the rows, each
// with the lengths of key and value (4 bytes each) before them, and the CRC-32C of all that.
struct Header {
    char magic[8];
    uint64_t log;
    uint32_t spilled;
    uint32_t count;
};
constexpr std::string_view kMagic = "QSTATE01";
constexpr size_t kFileBytesMax = 16 * StateRows::kBytesMax;

void append_number(std::string& out, uint32_t number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string encode(uint64_t log, const StoredState& state) {
    Header header{};
    std::memcpy(header.magic, kMagic.data(), kMagic.size());
    header.log = log;
    header.spilled = state.spilled ? 1 : 0;
    header.count = static_cast<uint32_t>(state.rows.size());
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    for (const StateRow& row : state.rows) {
        append_number(out, static_cast<uint32_t>(row.key.size()));
        append_number(out, static_cast<uint32_t>(row.value.size()));
        out += row.key;
        out += row.value;
    }
    append_number(out, plugin::crc32c(out));
    return out;
}

bool take_number(std::string_view& in, uint32_t& ret_number) {
    if (in.size() < sizeof ret_number) {
        return false;
    }
    std::memcpy(&ret_number, in.data(), sizeof ret_number);
    in.remove_prefix(sizeof ret_number);
    return true;
}

bool take_row(std::string_view& in, StateRow& ret_row) {
    uint32_t key_bytes = 0;
    uint32_t value_bytes = 0;
    if (!take_number(in, key_bytes) || !take_number(in, value_bytes) || in.size() < key_bytes ||
        in.size() - key_bytes < value_bytes) {
        return false;
    }
    ret_row = {std::string(in.substr(0, key_bytes)),
               std::string(in.substr(key_bytes, value_bytes))};
    in.remove_prefix(size_t{key_bytes} + value_bytes);
    return true;
}

bool decode(std::string_view in, uint64_t log, StoredState& ret_state) {
    Header header{};
    uint32_t crc = 0;
    if (in.size() < sizeof header + sizeof crc) {
        return false;
    }
    std::string_view tail = in.substr(in.size() - sizeof crc);
    in.remove_suffix(sizeof crc);
    if (!take_number(tail, crc) || plugin::crc32c(in) != crc) {
        return false;
    }
    std::memcpy(&header, in.data(), sizeof header);
    in.remove_prefix(sizeof header);
    if (std::string_view(header.magic, sizeof header.magic) != kMagic || header.log != log) {
        return false;
    }
    ret_state.spilled = header.spilled != 0;
    for (uint32_t i = 0; i < header.count; ++i) {
        if (StateRow row; take_row(in, row)) {
            ret_state.rows.push_back(std::move(row));
        } else {
            return false;
        }
    }
    return in.empty();
}

Status damaged(const std::string& path, const std::string& what) {
    return {QUORATE_DATA_LOSS, path + ": " + what};
}

}  // namespace

std::string StateFiles::path(uint64_t log) const {
    return dir_ + '/' + numbered(log, ".state");
}

Result<StoredState> StateFiles::open(uint64_t log, bool promised) {
    newest_ = log;
    StoredState state;
    if (log == 0) {
        const Status removed = remove_others(0, 0);
        return removed.ok() ? Result<StoredState>(std::move(state)) : removed;
    }
    if (!std::filesystem::exists(path(log))) {
        if (promised) {
            return damaged(path(log), "missing");
        }
        state.spilled = true;
        // From here on one is promised.
        Status saved = save(log, state);
        saved = saved.ok() ? plugin::sync_directory(dir_) : saved;
        return saved.ok() ? Result<StoredState>(std::move(state)) : saved;
    }
    Result<PosixFile> file = PosixFile::open(path(log), O_RDONLY);
    if (!file) {
        return file.error();
    }
    Result<uint64_t> bytes = file->size();
    if (!bytes) {
        return bytes.error();
    }
    if (*bytes > kFileBytesMax) {
        return damaged(path(log), "too long");
    }
    std::string content(*bytes, '\0');
    Result<size_t> got = file->read_at(0, content.data(), content.size());
    if (!got) {
        return got.error();
    }
    if (*got != content.size() || !decode(content, log, state)) {
        return damaged(path(log), "not whole");
    }
    const Status removed = remove_others(log, log);
    return removed.ok() ? Result<StoredState>(std::move(state)) : removed;
}

Status StateFiles::save(uint64_t log, const StoredState& state) {
    Result<PosixFile> file = PosixFile::open(path(log), O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) {
        return file.error();
    }
    if (Status s = file->write_at(0, encode(log, state)); !s.ok()) {
        return s;
    }
    // Its name is made durable with the next sync of the manifest, which syncs the directory first.
    if (Status s = file->sync(); !s.ok()) {
        return s;
    }
    // LevelDB begins a log when the table of the memtable before the last is written, so the
    // manifest names `newest_` at least.
    if (log <= newest_) {
        return {};
    }
    const Status removed = remove_others(newest_, log);
    newest_ = log;
    return removed;
}

Status StateFiles::remove_others(uint64_t keep, uint64_t keep_too) const {
    std::error_code error;
    std::filesystem::directory_iterator entry(dir_, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const FileName name = parse_file_name(entry->path().filename().string());
        if (name.kind == FileKind::kState && name.number != keep && name.number != keep_too) {
            std::error_code kept;  // tried again with the next
            std::filesystem::remove(entry->path(), kept);
        }
    }
    return error ? Status(QUORATE_INTERNAL, dir_ + ": " + error.message()) : Status();
}

}  // namespace quorate::leveldb_engine
