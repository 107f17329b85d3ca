// SPDX-License-Identifier: Apache-2.0
#include "snapshot/cluster_rows.h"

#include "base/errors.h"
#include "cluster/member_codec.h"
#include "cluster/membership.h"
#include "snapshot/buckets.h"
#include "snapshot/etcd_rows.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace quorate::snapshot {
namespace {

constexpr ByteView kRemoved = "removed";
// The newest storage version that differs from the one before in nothing we read.
constexpr int kStorageMajor = 3;
constexpr int kStorageMinorMax = 7;
// Bounds what is read into memory.
constexpr size_t kMemberRowsMax = 100'000;

Result<int64_t> read_mark(storage::View& view, ByteView key) {
    const auto value = view.get(key);
    if (!value) {
        return value.error();
    }
    if (!value->has_value()) {
        return int64_t{-1};
    }
    const auto mark = storage::decode_u64(**value);
    if (!mark) {
        return Status(errors::kDamaged, "the compaction mark \"" + Bytes(key) + "\" can't be read");
    }
    return static_cast<int64_t>(*mark);
}

Result<int64_t> read_mark(const Reader& reader, ByteView key) {
    const auto value = reader.find(buckets::kMeta, key);
    if (!value) {
        return value.error();
    }
    if (!value->has_value()) {
        return int64_t{-1};
    }
    const auto revision = parse_revision_key(**value);
    if (!revision || revision->tombstone) {
        return Status(errors::kDamaged, reader.path() + ": bucket \"meta\": row \"" + Bytes(key) +
                                            "\" is not a revision");
    }
    return revision->main;
}

template <typename Source>
Result<CompactionMarks> read_both_marks(Source& source, ByteView scheduled, ByteView finished) {
    const auto first = read_mark(source, scheduled);
    if (!first) {
        return first.error();
    }
    const auto second = read_mark(source, finished);
    if (!second) {
        return second.error();
    }
    return CompactionMarks{*first, *second};
}

raft::Configuration configuration_of(const std::vector<cluster::Member>& members) {
    raft::Configuration configuration;
    for (const cluster::Member& member : members) {
        (member.is_learner ? configuration.learners : configuration.voters).push_back(member.id);
    }
    return configuration;
}

Result<std::pair<uint64_t, uint64_t>> read_pair(storage::View& view, ByteView key) {
    const auto value = view.get(key);
    if (!value) {
        return value.error();
    }
    if (!value->has_value()) {
        return std::pair<uint64_t, uint64_t>();
    }
    const auto pair = storage::decode_u64_pair(**value);
    if (!pair) {
        return Status(errors::kDamaged, "row \"" + Bytes(key) + "\" can't be read");
    }
    return *pair;
}

void add(std::vector<Row>& rows, ByteView key, Bytes value) {
    rows.push_back({Bytes(key), std::move(value)});
}

std::vector<Row> meta_rows(const ClusterInfo& info, const CompactionMarks& marks) {
    std::vector<Row> rows;
    // etcd 3.5 and newer want to find it and the term.
    if (!info.configuration.voters.empty()) {
        add(rows, buckets::kConfState, configuration_to_json(info.configuration));
    }
    add(rows, buckets::kConsistentIndex, storage::encode_u64(info.applied.index));
    if (marks.finished >= 0) {
        add(rows, buckets::kFinishedCompact, encode_revision_key({.main = marks.finished}));
    }
    if (marks.scheduled >= 0) {
        add(rows, buckets::kScheduledCompact, encode_revision_key({.main = marks.scheduled}));
    }
    add(rows, buckets::kStorageVersion, Bytes(buckets::kWrittenStorageVersion));
    add(rows, buckets::kTerm, storage::encode_u64(info.applied.term));
    return rows;
}

void sort_rows(std::vector<Row>& rows) {
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key < b.key; });
}

using RowVisitor = std::function<Status(const BucketRow&)>;

Status visit_rows(const Reader& reader, ByteView bucket, const RowVisitor& visitor) {
    auto cursor = reader.scan(bucket);
    if (!cursor) {
        return cursor.error();
    }
    for (size_t count = 0;; ++count) {
        const auto row = cursor->next();
        if (!row) {
            return row.error();
        }
        if (!row->has_value()) {
            return {};
        }
        if (Status s = count < kMemberRowsMax ? visitor(**row)
                                              : Status(errors::kDamaged, "it has too many rows");
            !s.ok()) {
            return {errors::kDamaged, reader.path() + ": bucket \"" + Bytes(bucket) +
                                          "\": " + std::string(s.detail())};
        }
    }
}

// 0 where there is none.
Result<uint64_t> read_number(const Reader& reader, ByteView bucket, ByteView key) {
    const auto value = reader.find(bucket, key);
    if (!value) {
        return value.error();
    }
    if (!value->has_value()) {
        return uint64_t{0};
    }
    const auto number = storage::decode_u64(**value);
    if (!number) {
        return Status(errors::kDamaged, reader.path() + ": bucket \"" + Bytes(bucket) +
                                            "\": row \"" + Bytes(key) + "\" is not a number");
    }
    return *number;
}

struct Version {
    int major = 0;
    int minor = 0;
    auto operator<=>(const Version&) const = default;
};

// Of "3.6.0" or longer; nothing when it does not begin like that.
std::optional<Version> parse_version(const Bytes& text) {
    Version version;
    return std::sscanf(text.c_str(), "%d.%d", &version.major, &version.minor) == 2
               ? std::optional(version)
               : std::nullopt;
}

bool is_newer(const Bytes& version, ByteView than) {
    return parse_version(version) > parse_version(Bytes(than));
}

Status newer(const Reader& reader, const std::string& what) {
    return {errors::kNewerFormat,
            reader.path() + ": " + what +
                "; restore it with the version that wrote it, or a newer one"};
}

Status check_versions(const Reader& reader) {
    const auto format = read_number(reader, buckets::kQuorate, buckets::kFormat);
    if (!format) {
        return format.error();
    }
    if (*format > buckets::kFormatNumber) {
        return newer(reader, "it has format " + std::to_string(*format) + ", this program reads " +
                                 std::to_string(buckets::kFormatNumber));
    }
    const auto version = reader.find(buckets::kMeta, buckets::kStorageVersion);
    if (!version) {
        return version.error();
    }
    const auto parsed = version->has_value() ? parse_version(**version) : std::nullopt;
    if (version->has_value() &&
        (!parsed || parsed->major != kStorageMajor || parsed->minor > kStorageMinorMax)) {
        return newer(reader, "it has storage version \"" + **version +
                                 "\", this program reads up to 3." +
                                 std::to_string(kStorageMinorMax));
    }
    return {};
}

Status read_downgrade(const Reader& reader, ClusterInfo& info) {
    const auto row = reader.find(buckets::kCluster, buckets::kDowngrade);
    if (!row) {
        return row.error();
    }
    if (row->has_value()) {
        auto target = downgrade_from_json(**row);
        if (!target) {
            return {errors::kDamaged,
                    reader.path() + ": bucket \"cluster\": the downgrade can't be read"};
        }
        info.downgrade_target = *std::move(target);
    }
    return {};
}

Status read_members(const Reader& reader, ClusterInfo& info) {
    Status s = visit_rows(reader, buckets::kMembers, [&info](const BucketRow& row) -> Status {
        const auto id = parse_member_key(row.key);
        auto member = member_from_json(row.value);
        if (!id || !member || member->id != *id) {
            return {errors::kDamaged, "member \"" + Bytes(row.key) + "\" can't be read"};
        }
        info.members.push_back(*std::move(member));
        return {};
    });
    if (!s.ok()) {
        return s;
    }
    s = visit_rows(reader, buckets::kMembersRemoved, [&info](const BucketRow& row) -> Status {
        const auto id = parse_member_key(row.key);
        if (!id) {
            return {errors::kDamaged, "member \"" + Bytes(row.key) + "\" can't be read"};
        }
        info.removed_members.push_back(*id);
        return {};
    });
    std::sort(info.members.begin(), info.members.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    std::sort(info.removed_members.begin(), info.removed_members.end());
    return s;
}

}  // namespace

Result<CompactionMarks> read_marks(storage::View& view) {
    return read_both_marks(view, storage::kCompactScheduledKey, storage::kCompactFinishedKey);
}

Result<CompactionMarks> read_marks(const Reader& reader) {
    return read_both_marks(reader, buckets::kScheduledCompact, buckets::kFinishedCompact);
}

Result<ClusterInfo> read_cluster_info(storage::View& view) {
    const auto ids = read_pair(view, storage::kIdentityKey);
    if (!ids) {
        return ids.error();
    }
    const auto applied = read_pair(view, storage::kAppliedKey);
    if (!applied) {
        return applied.error();
    }
    cluster::Membership membership;
    if (Status s = membership.restore(view); !s.ok()) {
        return s;
    }
    const auto floor = view.get(storage::kConfFloorKey);
    if (!floor) {
        return floor.error();
    }
    const auto hash = view.get(storage::kStateHashKey);
    if (!hash) {
        return hash.error();
    }
    const cluster::List& list = membership.list();
    return ClusterInfo{
        .cluster_id = ids->first,
        .member_id = ids->second,
        .applied = {.term = applied->second, .index = applied->first},
        .configuration = configuration_of(list.members),
        .members = list.members,
        .removed_members = {list.removed.begin(), list.removed.end()},
        .cluster_version = list.cluster_version,
        .downgrade_target = list.downgrade_target,
        .state_hash = hash->has_value() ? storage::decode_u64(**hash).value_or(0) : 0,
        .conf_floor = floor->has_value() ? storage::decode_u64(**floor).value_or(0) : 0};
}

void put_cluster_info(const ClusterInfo& info, storage::WriteBatch& batch) {
    for (const cluster::Member& member : info.members) {
        batch.put(storage::id_key(storage::Table::kMembers, member.id),
                  cluster::encode_member(member));
    }
    for (const uint64_t id : info.removed_members) {
        batch.put(storage::id_key(storage::Table::kRemovedMembers, id), {});
    }
    batch.put(storage::kAppliedKey,
              storage::encode_u64_pair({info.applied.index, info.applied.term}));
    if (!info.cluster_version.empty()) {
        batch.put(storage::kClusterVersionKey, info.cluster_version);
    }
    if (!info.downgrade_target.empty()) {
        batch.put(storage::kDowngradeKey, info.downgrade_target);
    }
    if (info.state_hash != 0) {
        batch.put(storage::kStateHashKey, storage::encode_u64(info.state_hash));
    }
    if (info.conf_floor != 0) {
        batch.put(storage::kConfFloorKey, storage::encode_u64(info.conf_floor));
    }
}

std::map<Bytes, std::vector<Row>> cluster_rows(const ClusterInfo& info,
                                               const CompactionMarks& marks) {
    std::map<Bytes, std::vector<Row>> all;
    all[Bytes(buckets::kMeta)] = meta_rows(info, marks);
    std::vector<Row>& cluster = all[Bytes(buckets::kCluster)];
    if (!info.cluster_version.empty()) {
        add(cluster, buckets::kClusterVersion,
            is_newer(info.cluster_version, buckets::kWrittenStorageVersion)
                ? Bytes(buckets::kWrittenStorageVersion)
                : info.cluster_version);
    }
    if (!info.downgrade_target.empty()) {
        add(cluster, buckets::kDowngrade, downgrade_to_json(info.downgrade_target));
    }
    std::vector<Row>& members = all[Bytes(buckets::kMembers)];
    for (const cluster::Member& member : info.members) {
        add(members, cluster::format_id(member.id), member_to_json(member));
    }
    sort_rows(members);
    std::vector<Row>& removed = all[Bytes(buckets::kMembersRemoved)];
    for (const uint64_t id : info.removed_members) {
        add(removed, cluster::format_id(id), Bytes(kRemoved));
    }
    sort_rows(removed);
    std::vector<Row>& ours = all[Bytes(buckets::kQuorate)];
    add(ours, buckets::kClusterId, storage::encode_u64(info.cluster_id));
    add(ours, buckets::kTrueClusterVersion, info.cluster_version);
    add(ours, buckets::kConfFloor, storage::encode_u64(info.conf_floor));
    add(ours, buckets::kFormat, storage::encode_u64(buckets::kFormatNumber));
    add(ours, buckets::kStateHash, storage::encode_u64(info.state_hash));
    add(ours, buckets::kMemberId, storage::encode_u64(info.member_id));
    return all;
}

Result<ClusterInfo> read_cluster_info(const Reader& reader) {
    if (Status s = check_versions(reader); !s.ok()) {
        return s;
    }
    ClusterInfo info;
    const std::tuple<uint64_t&, ByteView, ByteView> numbers[] = {
        {info.applied.index, buckets::kMeta, buckets::kConsistentIndex},
        {info.applied.term, buckets::kMeta, buckets::kTerm},
        {info.cluster_id, buckets::kQuorate, buckets::kClusterId},
        {info.member_id, buckets::kQuorate, buckets::kMemberId},
        {info.conf_floor, buckets::kQuorate, buckets::kConfFloor},
        {info.state_hash, buckets::kQuorate, buckets::kStateHash},
    };
    for (const auto& [field, bucket, key] : numbers) {
        const auto number = read_number(reader, bucket, key);
        if (!number) {
            return number.error();
        }
        field = *number;
    }
    const auto configuration = reader.find(buckets::kMeta, buckets::kConfState);
    if (!configuration) {
        return configuration.error();
    }
    if (configuration->has_value()) {
        auto decoded = configuration_from_json(**configuration);
        if (!decoded) {
            return Status(errors::kDamaged,
                          reader.path() + ": the Raft configuration can't be read");
        }
        info.configuration = *std::move(decoded);
    }
    for (const auto& [bucket, key] : {std::pair(buckets::kCluster, buckets::kClusterVersion),
                                      std::pair(buckets::kQuorate, buckets::kTrueClusterVersion)}) {
        auto version = reader.find(bucket, key);
        if (!version) {
            return version.error();
        }
        if (version->has_value()) {
            info.cluster_version = **std::move(version);
        }
    }
    if (Status s = read_downgrade(reader, info); !s.ok()) {
        return s;
    }
    if (Status s = read_members(reader, info); !s.ok()) {
        return s;
    }
    return info;
}

}  // namespace quorate::snapshot
