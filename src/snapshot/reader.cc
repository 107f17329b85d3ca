// SPDX-License-Identifier: Apache-2.0
#include "snapshot/reader.h"

#include "base/crc32c.h"
#include "base/errors.h"
#include "mvcc/record.h"
#include "snapshot/buckets.h"
#include "snapshot/damage.h"
#include "snapshot/etcd_rows.h"

#include <algorithm>
#include <string>
#include <utility>

namespace quorate::snapshot {
namespace {

// etcd has eleven; ours has one more.
constexpr size_t kBucketsMax = 1024;

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(FileSystem& fs, const std::string& path,
                                             HashCheck hash_check) {
    auto file = PageFile::open(fs, path);
    if (!file) {
        return file.error();
    }
    std::unique_ptr<Reader> reader(new Reader(std::move(file).value()));
    if (hash_check == HashCheck::kRequired) {
        if (Status s = reader->check_hash(); !s.ok()) {
            return s;
        }
    }
    if (Status s = reader->read_buckets(); !s.ok()) {
        return s;
    }
    return reader;
}

Status Reader::check_hash() {
    if (!file_->has_hash()) {
        return {errors::kDamaged,
                path() +
                    ": there is no SHA-256 at its end: it was cut short, or it is a db file "
                    "that was copied from a data directory; --skip-hash-check takes the latter"};
    }
    Status wrong = file_->check_hash();
    if (wrong.ok() || !wrong.is(errors::kDamaged)) {
        return wrong;
    }
    const Status buckets = read_buckets();
    const std::string where =
        buckets.ok() ? where_damaged(*this) : "; " + std::string(buckets.detail());
    return {errors::kDamaged, std::string(wrong.detail()) + where + "; take another copy"};
}

Status Reader::read_buckets() {
    auto cursor = BucketCursor::open(*file_, file_->meta().root.root);
    if (!cursor) {
        return cursor.error();
    }
    while (true) {
        const auto row = cursor->next();
        if (!row) {
            return row.error();
        }
        if (!row->has_value()) {
            return {};
        }
        const BucketRow& bucket = **row;
        if ((bucket.flags & bbolt::kBucketRow) == 0 ||
            bucket.value.size() < bbolt::kBucketRootBytes || buckets_.size() == kBucketsMax) {
            return file_->damaged(file_->meta().root.root, "its rows are not the buckets' names");
        }
        names_.emplace_back(bucket.key);
        buckets_.push_back({bbolt::load_bucket_root(bucket.value).root,
                            Bytes(bucket.value.substr(bbolt::kBucketRootBytes))});
    }
}

bool Reader::has_bucket(ByteView name) const {
    return std::binary_search(names_.begin(), names_.end(), name);
}

Result<BucketCursor> Reader::scan(ByteView bucket) const {
    const auto found = std::lower_bound(names_.begin(), names_.end(), bucket);
    if (found == names_.end() || *found != bucket) {
        return BucketCursor(*file_);
    }
    const Bucket& at = buckets_[static_cast<size_t>(found - names_.begin())];
    if (at.root == 0) {
        return BucketCursor::open_inline(*file_, file_->meta().root.root, at.inline_leaf);
    }
    return BucketCursor::open(*file_, at.root);
}

Result<std::optional<Bytes>> Reader::find(ByteView bucket, ByteView key) const {
    auto cursor = scan(bucket);
    if (!cursor) {
        return cursor.error();
    }
    while (true) {
        const auto row = cursor->next();
        if (!row) {
            return row.error();
        }
        if (!row->has_value() || (*row)->key > key) {
            return std::optional<Bytes>();
        }
        if ((*row)->key == key) {
            return std::optional<Bytes>((*row)->value);
        }
    }
}

Result<FileStatus> Reader::status() const {
    FileStatus status;
    std::unordered_set<Bytes> live;
    status.total_size = file_->meta().page_count * file_->meta().page_bytes;
    for (const Bytes& name : names_) {
        status.hash = crc32c_extend(status.hash, name);
        auto cursor = scan(name);
        if (!cursor) {
            return cursor.error();
        }
        while (true) {
            const auto row = cursor->next();
            if (!row) {
                return row.error();
            }
            if (!row->has_value()) {
                break;
            }
            const BucketRow& at = **row;
            if ((at.flags & bbolt::kBucketRow) != 0) {
                return Status(errors::kDamaged,
                              path() + ": bucket \"" + name + "\" holds another bucket");
            }
            status.hash = crc32c_extend(crc32c_extend(status.hash, at.key), at.value);
            if (name == buckets::kKey) {
                if (Status s = count_record(at, status.revision, live); !s.ok()) {
                    return s;
                }
            }
            if (name == buckets::kMeta && at.key == buckets::kStorageVersion) {
                status.version = at.value;
            }
        }
    }
    status.total_keys = static_cast<int64_t>(live.size());
    return status;
}

// Records come in the order of their revisions.
Status Reader::count_record(const BucketRow& row, int64_t& revision,
                            std::unordered_set<Bytes>& live) const {
    const auto named = parse_revision_key(row.key);
    if (!named) {
        return {errors::kDamaged, path() + ": a row of bucket \"key\" is not named by a revision"};
    }
    const auto record = mvcc::decode_record(row.value);
    if (!record) {
        return {errors::kDamaged, path() + ": the record of revision " +
                                      std::to_string(named->main) + " can't be decoded"};
    }
    revision = named->main;
    if (named->tombstone) {
        live.erase(Bytes(record->key));
    } else {
        live.emplace(record->key);
    }
    return {};
}

}  // namespace quorate::snapshot
