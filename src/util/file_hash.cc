// SPDX-License-Identifier: Apache-2.0
#include "util/file_hash.h"

#include "base/crc32c.h"
#include "base/errors.h"
#include "mvcc/record.h"
#include "snapshot/buckets.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/etcd_rows.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

namespace quorate::util {
namespace {

using snapshot::BucketRow;
using snapshot::RevisionKey;
using RecordVisitor = std::function<Status(const RevisionKey&, const BucketRow&)>;

Status visit_records(const snapshot::Reader& reader, const RecordVisitor& visitor) {
    auto cursor = reader.scan(snapshot::buckets::kKey);
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
        const auto revision = snapshot::parse_revision_key((*row)->key);
        if (!revision) {
            return {errors::kDamaged,
                    reader.path() + ": a row of bucket \"key\" is not named by a revision"};
        }
        if (Status s = visitor(*revision, **row); !s.ok()) {
            return s;
        }
    }
}

// Of each key the newest change up to the hashed revision, if it is old enough to be subject to
// compaction and no deletion. Everything else that is as old does not count.
class Kept {
  public:
    Status collect(const snapshot::Reader& reader, const mvcc::KeyValueHash& hash) {
        return visit_records(reader, [&](const RevisionKey& revision, const BucketRow& row) {
            if (revision.main > hash.hash_revision) {
                return Status();
            }
            const auto record = mvcc::decode_record(row.value);
            if (!record) {
                return Status(errors::kDamaged, reader.path() + ": the record of revision " +
                                                    std::to_string(revision.main) +
                                                    " can't be decoded");
            }
            newest_.insert_or_assign(Bytes(record->key), revision);
            return Status();
        });
    }

    bool has(const RevisionKey& revision, const BucketRow& row) const {
        const auto record = mvcc::decode_record(row.value);
        const auto newest = record ? newest_.find(Bytes(record->key)) : newest_.end();
        return newest != newest_.end() && !revision.tombstone &&
               newest->second.main == revision.main && newest->second.sub == revision.sub;
    }

  private:
    std::unordered_map<Bytes, RevisionKey> newest_;
};

}  // namespace

Result<mvcc::KeyValueHash> hash_of_file(const snapshot::Reader& reader, int64_t revision) {
    const auto marks = snapshot::read_marks(reader);
    if (!marks) {
        return marks.error();
    }
    mvcc::KeyValueHash hash;
    hash.compact_revision = std::max(marks->scheduled, marks->finished);
    hash.current_revision = std::max<int64_t>({1, hash.compact_revision});
    Status walked = visit_records(reader, [&hash](const RevisionKey& at, const BucketRow&) {
        hash.current_revision = std::max(hash.current_revision, at.main);
        return Status();
    });
    if (!walked.ok()) {
        return walked;
    }
    hash.hash_revision = revision == 0 ? hash.current_revision : revision;
    if (hash.hash_revision > hash.current_revision) {
        return Status(errors::kFutureRev);
    }
    if (hash.hash_revision < hash.compact_revision) {
        return Status(errors::kCompacted);
    }
    Kept kept;
    if (hash.compact_revision > 0) {
        if (Status s = kept.collect(reader, hash); !s.ok()) {
            return s;
        }
    }
    hash.hash = crc32c(snapshot::buckets::kKey);
    walked = visit_records(reader, [&](const RevisionKey& at, const BucketRow& row) {
        const bool counts =
            at.main <= hash.hash_revision && (at.main > hash.compact_revision || kept.has(at, row));
        if (counts) {
            hash.hash = crc32c_extend(crc32c_extend(hash.hash, row.key), row.value);
        }
        return Status();
    });
    if (!walked.ok()) {
        return walked;
    }
    return hash;
}

}  // namespace quorate::util
