// SPDX-License-Identifier: Apache-2.0
//
// From one store through a snapshot into another.
#include "auth.pb.h"
#include "auth/auth_store.h"
#include "base/errors.h"
#include "fixture.h"
#include "snapshot/auth_rows.h"
#include "snapshot/restore.h"
#include "snapshot/tables.h"
#include "snapshot/writer.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

#include <vector>

namespace quorate::snapshot {
namespace {

using storage::MemBackend;

std::unique_ptr<Reader> open_file(FileSystem& fs, const Bytes& content) {
    put_file(fs, "/s", content);
    auto reader = Reader::open(fs, "/s", HashCheck::kRequired);
    EXPECT_TRUE(reader.has_value()) << reader.error().message();
    return std::move(reader).value();
}

std::vector<Bytes> rows_of(const Reader& reader, ByteView bucket) {
    std::vector<Bytes> rows;
    auto cursor = reader.scan(bucket);
    for (auto row = cursor->next(); row->has_value(); row = cursor->next()) {
        rows.push_back(Bytes((*row)->key) + "=" + Bytes((*row)->value));
    }
    return rows;
}

// All but whose the engine is: that is the business of who restores.
std::map<Bytes, Bytes> what_a_snapshot_holds(MemBackend& engine) {
    auto rows = dump(engine);
    rows.erase(Bytes(storage::kIdentityKey));
    return rows;
}

TEST(SnapshotTest, WhatGoesInComesOut) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE(seed);
        MemBackend from;
        fill(from, seed,
             {.revisions = static_cast<int64_t>(seed * seed * 20),
              .value_bytes_max = seed % 3 == 0 ? size_t{20000} : size_t{200},
              .compacted = seed % 2 == 0 ? static_cast<int64_t>(seed) : -1});
        FaultFileSystem fs;
        const auto reader = open_file(fs, write_all(from, {.page_bytes = size_t{1024} << (seed % 3),
                                                           .chunk_bytes_max = 1000 + seed * 3000}));
        MemBackend to;
        RestoreOptions options;
        options.batch_bytes_max = seed * 1000;
        const auto report = restore(*reader, to, options);
        ASSERT_TRUE(report.has_value()) << report.error().message();
        EXPECT_EQ(dump(to), what_a_snapshot_holds(from));
        EXPECT_EQ(report->revision, static_cast<int64_t>(seed * seed * 20 + 1));
        EXPECT_EQ(report->compact_revision, seed % 2 == 0 ? static_cast<int64_t>(seed) : -1);
        EXPECT_EQ(report->leases, 6u);
        EXPECT_EQ(reader->status()->revision, report->revision);
    }
}

TEST(SnapshotTest, UsersAndRolesAreAsEtcdWritesThem) {
    MemBackend from;
    fill(from, 1, {.revisions = 1});
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    EXPECT_EQ(
        rows_of(*reader, "auth"),
        (std::vector<Bytes>{Bytes("authEnabled=\1"), "authRevision=" + storage::encode_u64(9)}));
    authpb::User user;
    const auto alice = reader->find("authUsers", "alice");
    ASSERT_TRUE(alice->has_value() && user.ParseFromString(**alice));
    EXPECT_EQ(user.name(), "alice");
    EXPECT_EQ(user.password(), "$2a$10$hash");
    EXPECT_EQ(user.roles_size(), 2);
    const auto cert = reader->find("authUsers", "cert");
    ASSERT_TRUE(cert->has_value() && user.ParseFromString(**cert));
    EXPECT_TRUE(user.options().no_password());
    authpb::Role role;
    const auto r = reader->find("authRoles", "r");
    ASSERT_TRUE(r->has_value() && role.ParseFromString(**r));
    ASSERT_EQ(role.keypermission_size(), 3);
    EXPECT_EQ(role.keypermission(2).permtype(), authpb::Permission::WRITE);
    EXPECT_EQ(role.keypermission(2).range_end(), std::string(1, '\0'));

    MemBackend to;
    const auto report = restore(*reader, to, {});
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->users, 3u);
    auth::AuthStore store;
    ASSERT_TRUE(store.restore(**to.view()).ok());
    EXPECT_TRUE(store.enabled());
    EXPECT_EQ(store.rules().revision, 9u);
    EXPECT_TRUE(store.rules().find_user("alice")->may_read({"k", {}}));
}

TEST(SnapshotTest, EtcdsRowsOfUsersAreCheckedAndSorted) {
    authpb::User user;
    user.set_name("bob");
    user.add_roles("z");
    user.add_roles("a");  // etcd sorts them; others may not have
    const auto decoded = decode_etcd_user(user.SerializeAsString());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->roles, (std::vector<std::string>{"a", "z"}));
    EXPECT_FALSE(decode_etcd_user("\x0a\xff").has_value());
    EXPECT_FALSE(decode_etcd_user("").has_value());
    authpb::Role role;
    role.set_name("r");
    role.add_keypermission()->set_permtype(static_cast<authpb::Permission::Type>(7));
    EXPECT_FALSE(decode_etcd_role(role.SerializeAsString()).has_value());
    for (const TableMapping& mapping : table_mappings()) {
        if (mapping.bucket == "authUsers") {
            const Bytes value = user.SerializeAsString();
            EXPECT_TRUE(mapping.from_etcd({"bob", value}, 1).has_value());
            EXPECT_FALSE(mapping.from_etcd({"alice", value}, 1).has_value());
        }
    }
}

TEST(SnapshotTest, AnEmptyStoreIsASnapshotToo) {
    MemBackend from;
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    const auto status = reader->status();
    ASSERT_TRUE(status.has_value()) << status.error().message();
    EXPECT_EQ(status->revision, 0);
    EXPECT_EQ(reader->buckets(),
              (std::vector<Bytes>{"alarm", "auth", "authRoles", "authUsers", "cluster", "key",
                                  "lease", "members", "members_removed", "meta", "quorate"}));
    MemBackend to;
    const auto report = restore(*reader, to, {});
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->revision, 1);
    EXPECT_EQ(report->records, 0u);
}

TEST(SnapshotTest, RowsAreWhatEtcdWrites) {
    MemBackend from;
    storage::WriteBatch batch;
    batch.put(
        storage::record_key(2, 0),
        mvcc::encode_record(
            {.key = "k", .create_revision = 2, .mod_revision = 2, .version = 1, .value = "v"}));
    batch.put(storage::record_key(3, 1), mvcc::encode_record({.key = "k", .mod_revision = 3}));
    batch.put(storage::kCompactFinishedKey, storage::encode_u64(2));
    put_cluster_info(three_members(), batch);
    ASSERT_TRUE(from.write(batch, storage::Durability::kSynced).ok());
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    using namespace std::string_literals;  // NOLINT: for texts with zeros
    EXPECT_EQ(rows_of(*reader, "key"),
              (std::vector<Bytes>{
                  "\0\0\0\0\0\0\0\2_\0\0\0\0\0\0\0\0=\x0a\x01k\x10\x02\x18\x02 \x01*\x01v"s,
                  "\0\0\0\0\0\0\0\3_\0\0\0\0\0\0\0\1t=\x0a\x01k"s}));
    EXPECT_EQ(rows_of(*reader, "meta"),
              (std::vector<Bytes>{"confState={\"voters\":[3,10276657743932975437],\"learners\":["
                                  "300],\"auto_leave\":false}",
                                  "consistent_index=\0\0\0\0\0\0\x12\x67"s,
                                  "finishedCompactRev=\0\0\0\0\0\0\0\2_\0\0\0\0\0\0\0\0"s,
                                  "storageVersion=3.6.0", "term=\0\0\0\0\0\0\0\x0c"s}));
    EXPECT_EQ(
        rows_of(*reader, "members"),
        (std::vector<Bytes>{
            "12c={\"id\":300,\"peerURLs\":[\"http://c:1\"],\"isLearner\":true}",
            R"(3={"id":3,"peerURLs":["http://b:1","http://b:2"],"name":"b\"\\\u000a"})",
            "8e9e05c52164694d={\"id\":10276657743932975437,\"peerURLs\":[\"http://localhost:2380\"]"
            ",\"name\":\"default\",\"clientURLs\":[\"http://localhost:2379\"],"
            "\"serverVersion\":\"3.7.1\"}"}));
    EXPECT_EQ(rows_of(*reader, "members_removed"),
              (std::vector<Bytes>{"11=removed", "ffffffffffffffff=removed"}));
    EXPECT_EQ(rows_of(*reader, "cluster"),
              (std::vector<Bytes>{"clusterVersion=3.6.0",
                                  R"(downgrade={"target-version":"3.6.0","enabled":true})"}));
    EXPECT_EQ(read_cluster_info(*reader)->cluster_version, "3.7.0");
}

TEST(SnapshotTest, TheClusterIsReadBack) {
    MemBackend from;
    fill(from, 1, {});
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    const auto info = read_cluster_info(*reader);
    ASSERT_TRUE(info.has_value()) << info.error().message();
    const ClusterInfo expected = three_members();
    EXPECT_EQ(info->conf_floor, expected.conf_floor);
    EXPECT_EQ(info->cluster_id, expected.cluster_id);
    EXPECT_EQ(info->member_id, expected.member_id);
    EXPECT_EQ(info->applied, (raft::EntryId{.term = 12, .index = 4711}));
    EXPECT_EQ(info->configuration, expected.configuration);
    EXPECT_EQ(info->removed_members, expected.removed_members);
    EXPECT_EQ(info->cluster_version, expected.cluster_version);
    EXPECT_EQ(info->downgrade_target, expected.downgrade_target);
    ASSERT_EQ(info->members.size(), expected.members.size());
    for (size_t i = 0; i < info->members.size(); ++i) {
        EXPECT_EQ(info->members[i].id, expected.members[i].id);
        EXPECT_EQ(info->members[i].name, expected.members[i].name);
        EXPECT_EQ(info->members[i].peer_urls, expected.members[i].peer_urls);
        EXPECT_EQ(info->members[i].client_urls, expected.members[i].client_urls);
        EXPECT_EQ(info->members[i].is_learner, expected.members[i].is_learner);
        EXPECT_EQ(info->members[i].server_version, expected.members[i].server_version);
    }
}

TEST(SnapshotTest, ANewClusterForgetsTheOldOne) {
    MemBackend from;
    fill(from, 1, {});
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    MemBackend to;
    RestoreOptions options;
    options.membership = Membership::kDrop;
    options.last_rows.put("midentity", "here");
    ASSERT_TRUE(restore(*reader, to, options).has_value());
    auto expected = dump(from);
    for (const ByteView key :
         {storage::kAppliedKey, storage::kClusterVersionKey, storage::kConfFloorKey,
          storage::kIdentityKey, storage::kDowngradeKey}) {
        expected.erase(Bytes(key));
    }
    for (const cluster::Member& member : three_members().members) {
        expected.erase(storage::id_key(storage::Table::kMembers, member.id));
    }
    for (const uint64_t id : three_members().removed_members) {
        expected.erase(storage::id_key(storage::Table::kRemovedMembers, id));
    }
    for (const uint64_t member : {uint64_t{3}, uint64_t{300}, uint64_t{128}}) {
        expected.erase(storage::alarm_key({member, 1}));
    }
    expected["midentity"] = "here";
    EXPECT_EQ(dump(to), expected);
}

TEST(SnapshotTest, TheRevisionCanBeRaised) {
    MemBackend from;
    fill(from, 1, {.revisions = 10, .compacted = 3});
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    MemBackend to;
    RestoreOptions options;
    options.bump_revision = 1'000'000;
    EXPECT_TRUE(restore(*reader, to, options).error().is(errors::kConfig));
    options.mark_compacted = true;
    const auto report = restore(*reader, to, options);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_EQ(report->revision, 1'000'011);
    EXPECT_EQ(report->compact_revision, 1'000'011);
    EXPECT_EQ(dump(to)[Bytes(storage::kCompactScheduledKey)], storage::encode_u64(1'000'011));

    options.bump_revision = INT64_MAX;
    MemBackend other;
    EXPECT_TRUE(restore(*reader, other, options).error().is(errors::kConfig));
}

TEST(SnapshotTest, AnEngineThatHoldsSomethingIsLeftAlone) {
    MemBackend from;
    fill(from, 1, {});
    FaultFileSystem fs;
    const auto reader = open_file(fs, write_all(from));
    MemBackend to;
    fill(to, 2, {});
    const auto before = dump(to);
    EXPECT_TRUE(restore(*reader, to, {}).error().is(errors::kConfig));
    EXPECT_EQ(dump(to), before);

    RestoreOptions options;
    options.existing = Existing::kReplace;
    ASSERT_TRUE(restore(*reader, to, options).has_value());
    EXPECT_EQ(dump(to), what_a_snapshot_holds(from));
}

// Whatever a power cut leaves of a restore that did not end tells that it did not.
TEST(SnapshotTest, AHalfRestoredEngineIsKnown) {
    MemBackend from;
    fill(from, 1, {.revisions = 300});
    FaultFileSystem fs;
    const Bytes good = write_all(from);
    const auto reader = open_file(fs, good);
    RestoreOptions options;
    options.batch_bytes_max = 500;
    for (size_t lost = 0;; lost += 3) {
        MemBackend to(MemBackend::Options{.crashable = true});
        fill(to, 2, {});
        options.existing = Existing::kReplace;
        // The last write is refused, as a process that dies before it would leave it.
        options.last_rows.clear();
        struct DiesBeforeTheEnd final : storage::Backend {
            explicit DiesBeforeTheEnd(MemBackend& engine) : to(engine) {}
            Result<std::unique_ptr<storage::View>> view() override { return to.view(); }
            Status write(const storage::WriteBatch& batch,
                         storage::Durability durability) override {
                for (const auto& op : batch.ops()) {
                    if (op.key == storage::kFormatVersionKey) {
                        return errors::kIo;
                    }
                }
                return to.write(batch, durability);
            }
            Status sync() override { return to.sync(); }
            Result<storage::Stats> stats() const override { return to.stats(); }
            Status compact(const storage::KeyRange& range) override { return to.compact(range); }
            MemBackend& to;
        } dying(to);
        EXPECT_TRUE(restore(*reader, dying, options).error().is(errors::kIo));
        if (lost > to.unsynced_writes()) {
            break;
        }
        to.crash(lost);
        const auto left = dump(to);
        EXPECT_TRUE(left.contains(Bytes(storage::kRestoringKey))) << lost;
        EXPECT_FALSE(left.contains(Bytes(storage::kFormatVersionKey))) << lost;
        // And beginning anew mends it.
        ASSERT_TRUE(restore(*reader, to, options).has_value());
        EXPECT_EQ(dump(to), what_a_snapshot_holds(from));
    }
}

}  // namespace
}  // namespace quorate::snapshot
