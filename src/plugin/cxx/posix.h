// SPDX-License-Identifier: Apache-2.0
//
// The few system calls that engines with files of their own need, as Status. Any thread.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugin/cxx/result.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace quorate::plugin {

// errno as a Status: "/path: No space left on device", with the code that the core acts on.
inline Status errno_status(std::string_view what, int error) {
    const bool full = error == ENOSPC || error == EDQUOT;
    return {full ? QUORATE_RESOURCE_EXHAUSTED : QUORATE_INTERNAL,
            std::string(what) + ": " + std::error_code(error, std::generic_category()).message()};
}

// An open file. Reads and writes are whole: they go on after a signal and a short count.
class PosixFile {
  public:
    static Result<PosixFile> open(const std::string& path, int flags) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (fd < 0) {
            return errno_status(path, errno);
        }
        return PosixFile(path, fd);
    }

    PosixFile() = default;
    PosixFile(PosixFile&& other) noexcept
        : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
    PosixFile& operator=(PosixFile&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~PosixFile() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    const std::string& path() const { return path_; }
    int fd() const { return fd_; }

    Result<uint64_t> size() const {
        const off_t end = ::lseek(fd_, 0, SEEK_END);
        if (end < 0) {
            return errno_status(path_, errno);
        }
        return static_cast<uint64_t>(end);
    }

    // Fills `to` and gives how much of it; less than `bytes` only at the end of the file.
    Result<size_t> read_at(uint64_t offset, char* to, size_t bytes) const {
        size_t done = 0;
        while (done < bytes) {
            const ssize_t n =
                ::pread(fd_, to + done, bytes - done, static_cast<off_t>(offset + done));
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n < 0) {
                return errno_status(path_, errno);
            }
            if (n == 0) {
                break;
            }
            done += static_cast<size_t>(n);
        }
        return done;
    }

    Status write_at(uint64_t offset, std::string_view data) const {
        while (!data.empty()) {
            const ssize_t n = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n < 0) {
                return errno_status(path_, errno);
            }
            data.remove_prefix(static_cast<size_t>(n));
            offset += static_cast<uint64_t>(n);
        }
        return {};
    }

    Status sync() const { return ::fdatasync(fd_) == 0 ? Status() : errno_status(path_, errno); }

    // For who writes much and syncs late: the disk begins with [offset, offset + bytes), and has
    // what lies as far before it when this returns. So a sync at the end finds little left, and
    // those of others on the same disk (the core's log) do not wait behind a whole file. A hint, no
    // promise.
    void write_back(uint64_t offset, uint64_t bytes) const {
        const uint64_t before = offset < bytes ? offset : bytes;
        (void)::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                                SYNC_FILE_RANGE_WRITE);
        if (before == 0) {
            return;  // no bytes would mean all to the end
        }
        (void)::sync_file_range(
            fd_, static_cast<off_t>(offset - before), static_cast<off_t>(before),
            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }

    Status truncate(uint64_t bytes) const {
        return ::ftruncate(fd_, static_cast<off_t>(bytes)) == 0 ? Status()
                                                                : errno_status(path_, errno);
    }

  private:
    PosixFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

    std::string path_;
    int fd_ = -1;
};

// Makes creations and renames inside `dir` durable.
inline Status sync_directory(const std::string& dir) {
    Result<PosixFile> file = PosixFile::open(dir, O_RDONLY | O_DIRECTORY);
    if (!file) {
        return file.error();
    }
    return ::fsync(file->fd()) == 0 ? Status() : errno_status(dir, errno);
}

}  // namespace quorate::plugin
