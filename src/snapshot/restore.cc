// SPDX-License-Identifier: Apache-2.0
#include "snapshot/restore.h"

#include "base/errors.h"
#include "snapshot/auth_rows.h"
#include "snapshot/buckets.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/etcd_rows.h"
#include "snapshot/tables.h"
#include "storage/schema.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace quorate::snapshot {
namespace {

class Restorer {
  public:
    Restorer(Reader& reader, storage::Backend& backend, const RestoreOptions& options)
        : reader_(reader), backend_(backend), options_(options) {}

    Result<RestoreReport> run();

  private:
    Status begin();
    Status copy(const TableMapping& mapping);
    Status put(const TableMapping& mapping, const Row& row);
    Status finish(const CompactionMarks& marks);
    void put_mark(ByteView key, int64_t revision);

    Reader& reader_;
    storage::Backend& backend_;
    const RestoreOptions& options_;
    storage::WriteBatch batch_;
    RestoreReport report_;
    std::optional<auth::Settings> auth_;
};

Status Restorer::begin() {
    if (options_.bump_revision < 0 || (options_.bump_revision > 0) != options_.mark_compacted) {
        return {errors::kConfig,
                "--bump-revision (above 0) and --mark-compacted go together: give both or none"};
    }
    if (options_.existing == Existing::kReplace) {
        batch_.erase_range({});
    } else {
        const auto view = backend_.view();
        if (!view) {
            return view.error();
        }
        const auto cursor = (*view)->scan({}, storage::Direction::kForward);
        if (!cursor) {
            return cursor.error();
        }
        const auto first = (*cursor)->next();
        if (!first) {
            return first.error();
        }
        if (first->has_value()) {
            return {errors::kConfig,
                    "the storage engine holds data already; restore into an "
                    "empty directory"};
        }
    }
    batch_.put(storage::kRestoringKey, {});
    Status written = backend_.write(batch_, storage::Durability::kSynced);
    batch_.clear();
    return written;
}

Status Restorer::copy(const TableMapping& mapping) {
    auto cursor = reader_.scan(mapping.bucket);
    if (!cursor) {
        return cursor.error();
    }
    for (uint64_t number = 1;; ++number) {
        const auto theirs = cursor->next();
        if (!theirs) {
            return theirs.error();
        }
        if (!theirs->has_value()) {
            return {};
        }
        if (mapping.table == storage::Table::kRecords) {
            if (const auto revision = parse_revision_key((*theirs)->key)) {
                report_.revision = std::max(report_.revision, revision->main);
            }
        }
        const auto ours = mapping.from_etcd(**theirs, number);
        if (!ours) {
            return {errors::kDamaged, reader_.path() + ": bucket \"" + Bytes(mapping.bucket) +
                                          "\": " + std::string(ours.error().detail())};
        }
        if (ours->has_value()) {
            if (Status s = put(mapping, **ours); !s.ok()) {
                return s;
            }
        }
    }
}

Status Restorer::put(const TableMapping& mapping, const Row& row) {
    report_.records += mapping.table == storage::Table::kRecords ? 1 : 0;
    report_.users += mapping.table == storage::Table::kUsers ? 1 : 0;
    report_.leases += mapping.table == storage::Table::kLeases ? 1 : 0;
    batch_.put(row.key, row.value);
    if (batch_.bytes() < options_.batch_bytes_max) {
        return {};
    }
    Status written = backend_.write(batch_, storage::Durability::kBuffered);
    batch_.clear();
    return written;
}

void Restorer::put_mark(ByteView key, int64_t revision) {
    if (revision >= 0) {
        batch_.put(key, storage::encode_u64(static_cast<uint64_t>(revision)));
    }
}

Status Restorer::finish(const CompactionMarks& marks) {
    report_.compact_revision = std::max(marks.scheduled, marks.finished);
    report_.revision = std::max({report_.revision, report_.compact_revision, int64_t{1}});
    int64_t scheduled = marks.scheduled;
    if (options_.mark_compacted) {
        if (options_.bump_revision > std::numeric_limits<int64_t>::max() - report_.revision) {
            return {errors::kConfig,
                    "--bump-revision: revision " + std::to_string(report_.revision) + " plus " +
                        std::to_string(options_.bump_revision) + " is more than a revision can be"};
        }
        report_.revision += options_.bump_revision;
        report_.compact_revision = report_.revision;
        scheduled = report_.revision;
    }
    put_mark(storage::kCompactScheduledKey, scheduled);
    put_mark(storage::kCompactFinishedKey, marks.finished);
    if (auth_) {
        batch_.put(storage::kAuthKey, auth::encode_settings(*auth_));
    }
    if (options_.membership == Membership::kKeep) {
        put_cluster_info(report_.info, batch_);
    }
    batch_.append(options_.last_rows);
    batch_.put(storage::kFormatVersionKey, storage::encode_u64(storage::kFormatVersion));
    batch_.erase(storage::kRestoringKey);
    // The rows before are no younger than these: one sync covers all.
    return backend_.write(batch_, storage::Durability::kSynced);
}

Result<RestoreReport> Restorer::run() {
    auto info = read_cluster_info(reader_);
    if (!info) {
        return info.error();
    }
    report_.info = std::move(info).value();
    const auto marks = read_marks(reader_);
    if (!marks) {
        return marks.error();
    }
    const auto auth = read_auth_settings(reader_);
    if (!auth) {
        return auth.error();
    }
    auth_ = *auth;
    if (Status s = begin(); !s.ok()) {
        return s;
    }
    for (const TableMapping& mapping : table_mappings()) {
        if (mapping.table == storage::Table::kAlarms && options_.membership == Membership::kDrop) {
            continue;
        }
        if (Status s = copy(mapping); !s.ok()) {
            return s;
        }
    }
    if (Status s = finish(*marks); !s.ok()) {
        return s;
    }
    return report_;
}

}  // namespace

Result<RestoreReport> restore(Reader& reader, storage::Backend& backend,
                              const RestoreOptions& options) {
    return Restorer(reader, backend, options).run();
}

}  // namespace quorate::snapshot
