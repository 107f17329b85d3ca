// SPDX-License-Identifier: Apache-2.0
//
// PageFile: the pages of a bbolt file, by id. One thread at a time.
// Errors name the file, and the page where one is to blame: errors::kFileNotFound, kIo, kDamaged,
// kNewerFormat.
#pragma once

#include "base/bytes.h"
#include "base/file.h"
#include "base/status.h"
#include "snapshot/bbolt.h"
#include "snapshot/page.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace quorate::snapshot {

class PageFile {
  public:
    // A node larger than this is taken for damage: a row is a request, at most.
    static constexpr uint64_t kNodeBytesMax = uint64_t{1} << 30;
    static constexpr size_t kHashBytes = 32;

    // How much of a file of so many bytes is the database: all, or all but the hash behind it.
    static uint64_t image_bytes_of(uint64_t file_bytes);

    // Finds the newest valid meta page.
    static Result<std::unique_ptr<PageFile>> open(FileSystem& fs, const std::string& path);

    const std::string& path() const { return path_; }
    const bbolt::Meta& meta() const { return meta_; }
    // Of the database: without the hash, if there is one.
    uint64_t image_bytes() const { return image_bytes_; }
    // Whether 32 bytes stand behind the database, as etcd's tools tell it.
    bool has_hash() const { return image_bytes_ != file_bytes_; }
    // Reads everything. Nothing when the hash fits.
    Status check_hash() const;

    Result<Page> read(bbolt::PageId id) const;
    // A part of the file, whole.
    Result<Bytes> read_bytes(uint64_t offset, size_t bytes) const;

    // "FILE: page N: what"
    Status damaged(bbolt::PageId page, const std::string& what) const;

  private:
    PageFile(std::string path, std::unique_ptr<File> file, uint64_t file_bytes);
    Status find_meta();
    std::optional<bbolt::Meta> meta_at(uint64_t offset, bbolt::MetaFault& fault) const;

    const std::string path_;
    const std::unique_ptr<File> file_;
    const uint64_t file_bytes_;
    uint64_t image_bytes_;
    bbolt::Meta meta_;
};

}  // namespace quorate::snapshot
