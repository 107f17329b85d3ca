// SPDX-License-Identifier: Apache-2.0
#include "snapshot/tables.h"

#include "base/errors.h"
#include "lease/lease_row.h"
#include "mvcc/record.h"
#include "snapshot/auth_rows.h"
#include "snapshot/buckets.h"
#include "snapshot/etcd_rows.h"

#include <algorithm>
#include <limits>
#include <string>

namespace quorate::snapshot {
namespace {

using FromEtcd = Result<std::optional<Row>>;

Status damaged(const std::string& what) {
    return {errors::kDamaged, what};
}

std::string name_of(const RevisionKey& revision) {
    return "record of revision " + std::to_string(revision.main) + "_" +
           std::to_string(revision.sub);
}

// etcd keeps the key alone of a deletion; ours tells the revision, too.
Result<Row> record_to_etcd(const storage::Pair& ours) {
    const auto revision = storage::parse_record_key(ours.key);
    if (!revision) {
        return damaged("a key of the record table is not a revision");
    }
    RevisionKey key{.main = revision->first, .sub = revision->second};
    const auto record = mvcc::decode_record(ours.value);
    if (!record) {
        return damaged(name_of(key) + " can't be decoded");
    }
    key.tombstone = record->is_tombstone();
    return Row{encode_revision_key(key),
               key.tombstone ? mvcc::encode_record({.key = record->key}) : Bytes(ours.value)};
}

FromEtcd record_from_etcd(const BucketRow& theirs, uint64_t) {
    const auto revision = parse_revision_key(theirs.key);
    if (!revision || revision->main <= 0 || revision->sub < 0 ||
        revision->sub > std::numeric_limits<int32_t>::max()) {
        return damaged("a row is not named by a revision");
    }
    auto record = mvcc::decode_record(theirs.value);
    if (!record) {
        return damaged(name_of(*revision) + " can't be decoded");
    }
    if (record->key.empty()) {
        // What etcdutl puts there to raise the revision.
        return std::optional<Row>();
    }
    if (revision->tombstone) {
        *record = {.key = record->key, .mod_revision = revision->main};
    } else if (record->version <= 0 || record->mod_revision != revision->main) {
        return damaged(name_of(*revision) + " does not belong there");
    }
    return std::optional(
        Row{storage::record_key(revision->main, static_cast<int32_t>(revision->sub)),
            mvcc::encode_record(*record)});
}

Result<Row> lease_to_etcd(const storage::Pair& ours) {
    const auto id = storage::parse_id_key(storage::Table::kLeases, ours.key);
    const auto row = lease::decode_lease_row(ours.value);
    if (!id || !row) {
        return damaged("a row of the lease table can't be read");
    }
    Row out;
    append_be64(out.key, *id);
    out.value =
        encode_lease({static_cast<int64_t>(*id), row->ttl_seconds, row->checkpoint_seconds});
    return out;
}

FromEtcd lease_from_etcd(const BucketRow& theirs, uint64_t) {
    const auto lease = decode_lease(theirs.value);
    if (!lease || lease->id == 0 || theirs.key.size() != 8 ||
        load_be64(theirs.key.data()) != static_cast<uint64_t>(lease->id)) {
        return damaged("a lease can't be read");
    }
    const lease::LeaseRow row{
        .ttl_seconds = lease->ttl_seconds,
        .checkpoint_seconds = std::min(std::max<int64_t>(lease->remaining_seconds, 0),
                                       std::max<int64_t>(lease->ttl_seconds, 0))};
    Bytes value = lease::encode_lease_row(row);
    if (!lease::decode_lease_row(value)) {
        return damaged("lease " + std::to_string(lease->id) + " has a TTL of " +
                       std::to_string(lease->ttl_seconds) + " s");
    }
    return std::optional(Row{lease::lease_row_key(lease->id), std::move(value)});
}

Result<Row> alarm_to_etcd(const storage::Pair& ours) {
    const auto alarm = storage::parse_alarm_key(ours.key);
    if (!alarm) {
        return damaged("a row of the alarm table can't be read");
    }
    return Row{encode_alarm(*alarm), {}};
}

FromEtcd alarm_from_etcd(const BucketRow& theirs, uint64_t) {
    const auto alarm = decode_alarm(theirs.key);
    if (!alarm) {
        return damaged("an alarm can't be read");
    }
    return std::optional(Row{storage::alarm_key(*alarm), {}});
}

Result<Row> user_to_etcd(const storage::Pair& ours) {
    const auto user = auth::decode_user(ours.value);
    if (!user) {
        return damaged("a row of the user table can't be read");
    }
    return Row{user->name, encode_etcd_user(*user)};
}

FromEtcd user_from_etcd(const BucketRow& theirs, uint64_t number) {
    const auto user = decode_etcd_user(theirs.value);
    if (!user || user->name != theirs.key) {
        return damaged("a user can't be read");
    }
    return std::optional(
        Row{storage::id_key(storage::Table::kUsers, number), auth::encode_user(*user)});
}

Result<Row> role_to_etcd(const storage::Pair& ours) {
    const auto role = auth::decode_role(ours.value);
    if (!role) {
        return damaged("a row of the role table can't be read");
    }
    return Row{role->name, encode_etcd_role(*role)};
}

FromEtcd role_from_etcd(const BucketRow& theirs, uint64_t number) {
    const auto role = decode_etcd_role(theirs.value);
    if (!role || role->name != theirs.key) {
        return damaged("a role can't be read");
    }
    return std::optional(
        Row{storage::id_key(storage::Table::kRoles, number), auth::encode_role(*role)});
}

constexpr TableMapping kMappings[] = {
    {buckets::kAlarm, storage::Table::kAlarms, RowOrder::kOther, alarm_to_etcd, alarm_from_etcd},
    {buckets::kAuthRoles, storage::Table::kRoles, RowOrder::kOther, role_to_etcd, role_from_etcd},
    {buckets::kAuthUsers, storage::Table::kUsers, RowOrder::kOther, user_to_etcd, user_from_etcd},
    {buckets::kKey, storage::Table::kRecords, RowOrder::kSame, record_to_etcd, record_from_etcd},
    {buckets::kLease, storage::Table::kLeases, RowOrder::kSame, lease_to_etcd, lease_from_etcd},
};

}  // namespace

std::span<const TableMapping> table_mappings() {
    return kMappings;
}

}  // namespace quorate::snapshot
