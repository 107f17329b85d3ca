// SPDX-License-Identifier: Apache-2.0
#include "snapshot/page_file.h"

#include "base/errors.h"
#include "snapshot/sha256.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace quorate::snapshot {
namespace {

constexpr size_t kHashReadBytes = 1 << 20;
// etcd's tools take a file for one with a hash when it is that much longer than whole sectors.
constexpr uint64_t kHashUnitBytes = 512;

bool is_page_size(uint32_t bytes) {
    return std::has_single_bit(bytes) && bytes >= bbolt::kPageBytesMin &&
           bytes <= bbolt::kPageBytesMax;
}

}  // namespace

PageFile::PageFile(std::string path, std::unique_ptr<File> file, uint64_t file_bytes)
    : path_(std::move(path)),
      file_(std::move(file)),
      file_bytes_(file_bytes),
      image_bytes_(image_bytes_of(file_bytes)) {}

uint64_t PageFile::image_bytes_of(uint64_t file_bytes) {
    return file_bytes % kHashUnitBytes == kHashBytes ? file_bytes - kHashBytes : file_bytes;
}

Result<std::unique_ptr<PageFile>> PageFile::open(FileSystem& fs, const std::string& path) {
    auto file = fs.open(path, OpenMode::kRead);
    if (!file) {
        return file.error();
    }
    const auto bytes = (*file)->size();
    if (!bytes) {
        return bytes.error();
    }
    std::unique_ptr<PageFile> pages(new PageFile(path, std::move(file).value(), *bytes));
    if (Status s = pages->find_meta(); !s.ok()) {
        return s;
    }
    return pages;
}

std::optional<bbolt::Meta> PageFile::meta_at(uint64_t offset, bbolt::MetaFault& fault) const {
    const size_t bytes = bbolt::kPageHeaderBytes + bbolt::kMetaBytes;
    if (offset + bytes > image_bytes_) {
        return std::nullopt;
    }
    const auto read = file_->read_at(offset, bytes);
    if (!read || read->size() < bytes) {
        return std::nullopt;
    }
    const bbolt::LoadedMeta loaded =
        bbolt::load_meta(ByteView(*read).substr(bbolt::kPageHeaderBytes));
    fault = loaded.fault;
    if (loaded.fault != bbolt::MetaFault::kNone || !is_page_size(loaded.meta.page_bytes)) {
        return std::nullopt;
    }
    return loaded.meta;
}

Status PageFile::find_meta() {
    auto fault = bbolt::MetaFault::kNoDatabase;
    std::optional<bbolt::Meta> found = meta_at(0, fault);
    // The other one is a page away, whose size only a valid one tells.
    for (uint64_t bytes = bbolt::kPageBytesMin; bytes <= bbolt::kPageBytesMax; bytes *= 2) {
        auto other_fault = bbolt::MetaFault::kNoDatabase;
        const auto other = meta_at(bytes, other_fault);
        if (other && other->page_bytes == bytes &&
            (!found || other->transaction > found->transaction)) {
            found = other;
        }
    }
    if (!found) {
        switch (fault) {
            case bbolt::MetaFault::kNone:
            case bbolt::MetaFault::kWrongChecksum:
                return {errors::kDamaged,
                        path_ + ": neither meta page of the database is whole; take another copy"};
            case bbolt::MetaFault::kOtherVersion:
                return {errors::kNewerFormat, path_ +
                                                  ": page 0 names another version of the "
                                                  "database format, this program reads 2"};
            case bbolt::MetaFault::kNoDatabase:
                return {errors::kDamaged,
                        path_ + ": no snapshot: its first page is not a bbolt database's"};
        }
    }
    meta_ = *found;
    const uint64_t pages = image_bytes_ / meta_.page_bytes;
    if (meta_.page_count > pages || image_bytes_ % meta_.page_bytes != 0) {
        return {errors::kDamaged, path_ + ": cut short: it holds " + std::to_string(pages) +
                                      " whole pages of " + std::to_string(meta_.page_bytes) +
                                      " bytes and should hold " + std::to_string(meta_.page_count) +
                                      "; take another copy"};
    }
    return {};
}

Status PageFile::check_hash() const {
    Sha256 hash;
    for (uint64_t offset = 0; offset < image_bytes_;) {
        const auto bytes =
            static_cast<size_t>(std::min<uint64_t>(kHashReadBytes, image_bytes_ - offset));
        const auto read = read_bytes(offset, bytes);
        if (!read) {
            return read.error();
        }
        hash.update(*read);
        offset += bytes;
    }
    const auto stored = read_bytes(image_bytes_, kHashBytes);
    if (!stored) {
        return stored.error();
    }
    const Bytes found = hash.finish();
    if (found != *stored) {
        return {errors::kDamaged,
                path_ + ": its SHA-256 is " + to_hex(found) + " and should be " + to_hex(*stored)};
    }
    return {};
}

Result<Page> PageFile::read(bbolt::PageId id) const {
    // Never so many that a page's offset could overflow: they are all in the file.
    if (id < 2 || id >= meta_.page_count) {
        return damaged(id,
                       "there is no such page, the file has " + std::to_string(meta_.page_count));
    }
    const uint64_t offset = id * meta_.page_bytes;
    Result<Bytes> bytes = read_bytes(offset, meta_.page_bytes);
    if (!bytes) {
        return bytes.error();
    }
    const bbolt::PageHeader header = bbolt::load_page_header(*bytes);
    if (header.id != id) {
        return damaged(id, "it says that it is page " + std::to_string(header.id));
    }
    if (header.overflow > 0) {
        const uint64_t more = uint64_t{header.overflow} * meta_.page_bytes;
        if (header.overflow >= meta_.page_count - id || more > kNodeBytesMax) {
            return damaged(id, "it goes on over " + std::to_string(header.overflow) +
                                   " pages that are not there");
        }
        const auto rest = read_bytes(offset + meta_.page_bytes, static_cast<size_t>(more));
        if (!rest) {
            return rest.error();
        }
        *bytes += *rest;
    }
    Result<Page> page = Page::parse(std::move(bytes).value());
    if (!page) {
        return damaged(id, std::string(page.error().detail()));
    }
    return page;
}

Result<Bytes> PageFile::read_bytes(uint64_t offset, size_t bytes) const {
    Result<Bytes> read = file_->read_at(offset, bytes);
    if (read && read->size() != bytes) {
        return Status(errors::kDamaged, path_ + ": it became shorter while it was read");
    }
    return read;
}

Status PageFile::damaged(bbolt::PageId page, const std::string& what) const {
    return {errors::kDamaged, path_ + ": page " + std::to_string(page) + ": " + what};
}

}  // namespace quorate::snapshot
