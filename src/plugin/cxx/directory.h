// SPDX-License-Identifier: Apache-2.0
//
// What engines need to know about the directory that they are given. Any thread.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugin/cxx/posix.h"
#include "plugin/cxx/result.h"

#include <sys/file.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace quorate::plugin {

// Keeps everybody else out of a directory, in this process too, until it is destroyed. The lock is
// on the directory itself, so it leaves no file behind and a killed process gives it back.
class DirectoryLock {
  public:
    // QUORATE_FAILED_PRECONDITION when another has it.
    static Result<DirectoryLock> take(const std::string& dir) {
        Result<PosixFile> file = PosixFile::open(dir, O_RDONLY | O_DIRECTORY);
        if (!file) {
            return file.error();
        }
        if (::flock(file->fd(), LOCK_EX | LOCK_NB) != 0) {
            return errno == EWOULDBLOCK
                       ? Status(QUORATE_FAILED_PRECONDITION, dir + ": used by another process")
                       : errno_status(dir, errno);
        }
        return DirectoryLock(std::move(*file));
    }

    DirectoryLock() = default;  // of nothing

  private:
    explicit DirectoryLock(PosixFile file) : file_(std::move(file)) {}

    PosixFile file_;
};

// What the files in `dir` occupy. One that is removed meanwhile counts for nothing.
inline Result<uint64_t> directory_bytes(const std::string& dir) {
    uint64_t bytes = 0;
    std::error_code error;
    std::filesystem::directory_iterator entry(dir, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        std::error_code gone;
        const uint64_t file_bytes = std::filesystem::file_size(entry->path(), gone);
        bytes += gone ? 0 : file_bytes;
    }
    if (error) {
        return Status(QUORATE_INTERNAL, dir + ": " + error.message());
    }
    return bytes;
}

}  // namespace quorate::plugin
