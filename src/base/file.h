// SPDX-License-Identifier: Apache-2.0
//
// The door to the disk for everything that must survive a crash. A simulator or a fault test gives
// another FileSystem that loses, tears or refuses writes. One owner at a time per File; a
// FileSystem may be used from any thread. Paths are UTF-8 bytes as the system gives them.
// Errors: errors::kIo with path and the system's text, errors::kDiskFull when space has run out,
// errors::kFileNotFound.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace quorate {

class File {
  public:
    virtual ~File() = default;
    // Reads up to `bytes` at `offset`; fewer only at the end of the file.
    virtual Result<Bytes> read_at(uint64_t offset, size_t bytes) const = 0;
    virtual Status write_at(uint64_t offset, ByteView data) = 0;
    // Data and what is needed to read it back are on the disk when this returns (fdatasync).
    virtual Status sync_data() = 0;
    // For who writes much and syncs late: the disk begins with [offset, offset + bytes), and has
    // what lies as far before it when this returns. So a sync at the end finds little left, and
    // those of others on the same disk do not wait behind a whole file. A hint: nothing is promised
    // to last.
    virtual void write_back(uint64_t offset, uint64_t bytes) {
        static_cast<void>(offset);
        static_cast<void>(bytes);
    }
    virtual Result<uint64_t> size() const = 0;
    virtual Status truncate(uint64_t bytes) = 0;
};

// What offset, size and address of a write must be multiples of in a file opened kWriteDirect.
inline constexpr size_t kDirectBytes = 4096;

enum class OpenMode : uint8_t {
    kRead,       // must exist
    kReadWrite,  // must exist
    kCreateNew,  // must not exist; read and write
    // Must exist; for writing only. Writes go past the page cache where the file system can: a
    // log's write and sync then take 10 to 30 % less time and half the CPU.
    kWriteDirect,
};

class FileSystem {
  public:
    virtual ~FileSystem() = default;
    virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    // Creates the folder and its parents with mode 0700 where they are missing, durably.
    virtual Status create_dirs(const std::string& path) = 0;
    // Names without the folder, sorted; "." and ".." are left out.
    virtual Result<std::vector<std::string>> list(const std::string& dir) const = 0;
    virtual Result<bool> exists(const std::string& path) const = 0;
    // Replaces `to` if it exists.
    virtual Status rename(const std::string& from, const std::string& to) = 0;
    virtual Status remove(const std::string& path) = 0;
    // Makes creations, renames and removals inside `dir` durable.
    virtual Status sync_dir(const std::string& dir) = 0;
    // Takes an exclusive lock that lives as long as the returned object; fails when another process
    // or another object of this one holds it. Creates the file if it is missing.
    virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
};

// The real one.
std::unique_ptr<FileSystem> make_posix_file_system();

// Writes `content` to a temporary neighbour, syncs it, renames it over `path` and syncs the folder:
// after a crash the file holds the old or the new content, whole.
Status write_file_atomically(FileSystem& fs, const std::string& path, ByteView content);

// Removes a file that may be large, piece by piece from its end: the file system's journal is held
// up by each for a moment, and with it whoever syncs on the same disk, where it would be for all at
// once. A crash may leave a part.
Status remove_in_pieces(FileSystem& fs, const std::string& path);

// The whole of a file of at most `bytes_max`; kIo when it is longer.
Result<Bytes> read_whole_file(FileSystem& fs, const std::string& path, size_t bytes_max);

}  // namespace quorate
