// SPDX-License-Identifier: Apache-2.0
//
// RecordLog: a file of records, each durable when append returns. For engines that have all else in
// memory; opening one reads it whole.
//
//   data    records of: payload bytes (8), CRC-32C of that number and the payload (4), payload
//   synced  how many bytes of data were synced (8), CRC-32C of that number (4)
//
// A bad record behind the synced bytes is an append that never finished, and is cut away. One
// before them is damage, and the log is refused. Numbers are in the machine's own byte order: a
// store does not move between machines. One thread at a time.
#pragma once

#include "plugin/cxx/crc32c.h"
#include "plugin/cxx/posix.h"

#include <sys/file.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::plugin {

// A number as it lies in memory.
template <typename T>
std::string to_raw(T value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

// The number at the beginning of `from`, which is then behind it.
template <typename T>
std::optional<T> take_raw(std::string_view& from) {
    T value;
    if (from.size() < sizeof value) {
        return std::nullopt;
    }
    std::memcpy(&value, from.data(), sizeof value);
    from.remove_prefix(sizeof value);
    return value;
}

class RecordLog {
  public:
    explicit RecordLog(std::string dir) : dir_(std::move(dir)) {}

    uint64_t bytes() const { return bytes_; }

    // Takes the lock and gives every record to `replay`, which answers false for one that makes no
    // sense to it.
    template <typename Replay>
    Status open(const Replay& replay) {
        for (auto [file, name] : {std::pair(&data_, "/data"), std::pair(&synced_, "/synced")}) {
            Result<PosixFile> opened = PosixFile::open(dir_ + name, O_RDWR | O_CREAT);
            if (!opened) {
                return opened.error();
            }
            *file = std::move(*opened);
        }
        if (::flock(synced_.fd(), LOCK_EX | LOCK_NB) != 0) {
            return {QUORATE_FAILED_PRECONDITION, synced_.path() + ": used by another process"};
        }
        std::string mark(12, '\0');
        Result<uint64_t> size = data_.size();
        std::string content(size ? *size : 0, '\0');
        for (const Status& s :
             {size.error(), data_.read_at(0, content.data(), content.size()).error(),
              synced_.read_at(0, mark.data(), mark.size()).error()}) {
            if (!s.ok()) {
                return s;
            }
        }
        std::string_view rest = content;
        for (auto record = next(rest); record && replay(*record); record = next(rest)) {
            bytes_ = content.size() - rest.size();
        }
        if (bytes_ < synced_bytes(mark)) {
            return {QUORATE_DATA_LOSS,
                    data_.path() + ": damaged at byte " + std::to_string(bytes_)};
        }
        const Status status = data_.truncate(bytes_);
        return status.ok() ? sync_directory(dir_) : status;
    }

    Status append(const std::string& payload) {
        const std::string size = to_raw(uint64_t{payload.size()});
        const uint32_t sum = crc32c_extend(crc32c(size), payload);
        const std::string record = size + to_raw(sum) + payload;
        Status status = data_.write_at(bytes_, record);
        if (status.ok()) {
            status = data_.sync();
        }
        if (!status.ok()) {
            return status;
        }
        bytes_ += record.size();
        // Not synced itself: an older mark is still right.
        return synced_.write_at(0, to_raw(bytes_) + to_raw(crc32c(to_raw(bytes_))));
    }

    // From here to rewrite_end, appends go to a new file, which then takes the place of the old
    // one. The mark goes down at once, so that it never says more than either file holds.
    Status rewrite_begin() {
        auto fresh = PosixFile::open(dir_ + "/data.new", O_RDWR | O_CREAT | O_TRUNC);
        if (fresh) {
            data_ = std::move(*fresh);
            bytes_ = 0;
        }
        return fresh.error();
    }
    Status rewrite_end() {
        const Status status = synced_.sync();
        if (!status.ok()) {
            return status;
        }
        if (std::rename((dir_ + "/data.new").c_str(), (dir_ + "/data").c_str()) != 0) {
            return errno_status(dir_, errno);
        }
        return sync_directory(dir_);
    }

  private:
    static constexpr size_t kHeaderBytes = 12;

    static uint64_t synced_bytes(std::string_view mark) {
        std::string_view number = mark.substr(0, 8);
        std::string_view sum = mark.substr(8);
        return take_raw<uint32_t>(sum) == crc32c(number) ? *take_raw<uint64_t>(number) : 0;
    }

    // The payload of the record at the beginning of `rest`, which is then behind it.
    static std::optional<std::string_view> next(std::string_view& rest) {
        std::string_view at = rest;
        const auto size = take_raw<uint64_t>(at);
        const auto sum = take_raw<uint32_t>(at);
        if (!sum || *size > at.size() ||
            crc32c_extend(crc32c(rest.substr(0, 8)), at.substr(0, *size)) != *sum) {
            return std::nullopt;
        }
        rest.remove_prefix(kHeaderBytes + *size);
        return at.substr(0, *size);
    }

    const std::string dir_;
    PosixFile data_;
    PosixFile synced_;
    uint64_t bytes_ = 0;
};

}  // namespace quorate::plugin
