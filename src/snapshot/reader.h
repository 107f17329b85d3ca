// SPDX-License-Identifier: Apache-2.0
//
// Reader: a snapshot file, ours or one that etcd wrote (the file of `snapshot save`, or the db file
// of a member that has stopped). Nothing in the file is trusted: every number is checked against
// what is there before it is used, no page is visited twice, and memory is bounded by the height of
// a tree times its largest page.
// One thread at a time. Errors name file and page: errors::kFileNotFound, kIo, kDamaged (cut short,
// changed, hash missing or wrong, no database at all), kNewerFormat.
#pragma once

#include "base/bytes.h"
#include "base/file.h"
#include "base/status.h"
#include "snapshot/bucket_cursor.h"
#include "snapshot/page_file.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace quorate::snapshot {

enum class HashCheck : uint8_t {
    kRequired,
    // For a db file, which has none, and a file that was checked as it came (StreamCheck). One that
    // is there is not looked at.
    kSkipped,
};

// What `snapshot status` prints; equal to that of etcd's etcdutl 3.6 and 3.7 for the same file.
struct FileStatus {
    uint32_t hash = 0;  // CRC-32C over the buckets' names, keys and values
    int64_t revision = 0;
    int64_t total_keys = 0;   // live ones
    uint64_t total_size = 0;  // of the database, without the hash behind it
    std::string version;      // storage version; empty before 3.6
};

class Reader {
  public:
    static Result<std::unique_ptr<Reader>> open(FileSystem& fs, const std::string& path,
                                                HashCheck hash_check);

    const std::string& path() const { return file_->path(); }
    const PageFile& file() const { return *file_; }

    // Sorted.
    const std::vector<Bytes>& buckets() const { return names_; }
    bool has_bucket(ByteView name) const;
    // The rows of a bucket; none when the file has no such bucket. The reader outlives the cursor.
    Result<BucketCursor> scan(ByteView bucket) const;
    // One row, found by walking the bucket: for the small ones.
    Result<std::optional<Bytes>> find(ByteView bucket, ByteView key) const;

    // Walks everything, and holds the live keys while it does.
    Result<FileStatus> status() const;

  private:
    struct Bucket {
        bbolt::PageId root = 0;
        Bytes inline_leaf;  // when root is 0
    };

    explicit Reader(std::unique_ptr<PageFile> file) : file_(std::move(file)) {}
    Status check_hash();
    Status read_buckets();
    Status count_record(const BucketRow& row, int64_t& revision,
                        std::unordered_set<Bytes>& live) const;

    std::unique_ptr<PageFile> file_;
    std::vector<Bytes> names_;
    std::vector<Bucket> buckets_;  // in the order of names_
};

}  // namespace quorate::snapshot
