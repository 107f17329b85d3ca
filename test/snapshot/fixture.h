// SPDX-License-Identifier: Apache-2.0
//
// Stores to take snapshots of, and what to compare them by.
#pragma once

#include "auth/auth_rows.h"
#include "base/fault_file_system.h"
#include "lease/lease_row.h"
#include "mvcc/record.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"
#include "storage/backend.h"
#include "storage/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace quorate::snapshot {

inline ClusterInfo three_members() {
    ClusterInfo info;
    info.cluster_id = 0xcdf818194e3a8c32;
    info.member_id = 0x8e9e05c52164694d;
    info.configuration.voters = {3, 0x8e9e05c52164694d};
    info.configuration.learners = {300};
    info.applied = {.term = 12, .index = 4711};
    info.conf_floor = 99;
    info.members = {{.id = 3, .name = "b\"\\\n", .peer_urls = {"http://b:1", "http://b:2"}},
                    {.id = 300, .name = "", .peer_urls = {"http://c:1"}, .is_learner = true},
                    {.id = 0x8e9e05c52164694d,
                     .name = "default",
                     .peer_urls = {"http://localhost:2380"},
                     .client_urls = {"http://localhost:2379"},
                     .server_version = "3.7.1"}};
    info.removed_members = {17, 0xffffffffffffffff};
    info.cluster_version = "3.7.0";
    info.downgrade_target = "3.6.0";
    return info;
}

struct StoreShape {
    int64_t revisions = 100;
    size_t value_bytes_max = 100;
    int64_t leases = 5;
    int64_t compacted = -1;
};

// Their ids in the order of their names, and no digest: as a restore leaves them.
inline void put_users(storage::WriteBatch& batch) {
    using storage::Table;
    const auth::User users[] = {{"alice", "$2a$10$hash", {"admin", "r"}, false},
                                {"cert", {}, {}, true},
                                {"root", "$2a$10$other", {"root"}, false}};
    const auth::Role roles[] = {{"admin", {}},
                                {"r",
                                 {{auth::Grant::kRead, "a", "b"},
                                  {auth::Grant::kReadWrite, "k", {}},
                                  {auth::Grant::kWrite, "z", std::string(1, '\0')}}}};
    uint64_t id = 0;
    for (const auth::User& user : users) {
        batch.put(storage::id_key(Table::kUsers, ++id), auth::encode_user(user));
    }
    id = 0;
    for (const auth::Role& role : roles) {
        batch.put(storage::id_key(Table::kRoles, ++id), auth::encode_role(role));
    }
    batch.put(storage::kAuthKey, auth::encode_settings({true, 9}));
}

// Puts, deletions and transactions of several changes over few keys, leases, an alarm and marks.
inline void fill(storage::Backend& backend, uint64_t seed, const StoreShape& shape) {
    std::mt19937_64 random(seed);
    const auto below = [&random](size_t bound) { return static_cast<size_t>(random() % bound); };
    storage::WriteBatch batch;
    std::map<std::string, int64_t> versions;
    for (int64_t main = 2; main < 2 + shape.revisions; ++main) {
        const auto changes = static_cast<int32_t>(below(8) == 0 ? 3 : 1);
        for (int32_t sub = 0; sub < changes; ++sub) {
            const std::string key = "key" + std::to_string(below(40));
            mvcc::RecordView record{.key = key, .mod_revision = main};
            Bytes value;
            if (below(6) == 0) {
                versions[key] = 0;
            } else {
                value.resize(below(shape.value_bytes_max + 1), static_cast<char>('a' + below(26)));
                record.version = ++versions[key];
                record.create_revision = main - record.version + 1;
                record.value = value;
                record.lease =
                    shape.leases > 0 && below(4) == 0
                        ? 1 + static_cast<int64_t>(below(static_cast<size_t>(shape.leases)))
                        : 0;
            }
            batch.put(storage::record_key(main, sub), mvcc::encode_record(record));
        }
        if (batch.bytes() > (1 << 20)) {
            ASSERT_TRUE(backend.write(batch, storage::Durability::kBuffered).ok());
            batch.clear();
        }
    }
    for (int64_t id = 1; id <= shape.leases; ++id) {
        batch.put(lease::lease_row_key(id),
                  lease::encode_lease_row({.ttl_seconds = 100 * id, .checkpoint_seconds = id - 1}));
    }
    batch.put(lease::lease_row_key(std::numeric_limits<int64_t>::min()),
              lease::encode_lease_row({.ttl_seconds = 7}));
    // Varints of which the longer one is the smaller number's neighbour: etcd sorts them otherwise.
    for (const uint64_t member : {uint64_t{3}, uint64_t{300}, uint64_t{128}}) {
        batch.put(storage::alarm_key({member, 1}), {});
    }
    put_users(batch);
    if (shape.compacted >= 0) {
        batch.put(storage::kCompactScheduledKey,
                  storage::encode_u64(static_cast<uint64_t>(shape.compacted)));
    }
    const ClusterInfo info = three_members();
    put_cluster_info(info, batch);
    batch.put(storage::kIdentityKey, storage::encode_u64_pair({info.cluster_id, info.member_id}));
    batch.put(storage::kFormatVersionKey, storage::encode_u64(storage::kFormatVersion));
    ASSERT_TRUE(backend.write(batch, storage::Durability::kSynced).ok());
}

inline std::map<Bytes, Bytes> dump(storage::Backend& backend) {
    std::map<Bytes, Bytes> all;
    const auto view = backend.view();
    const auto cursor = (*view)->scan({}, storage::Direction::kForward);
    for (auto pair = (*cursor)->next(); pair->has_value(); pair = (*cursor)->next()) {
        all.emplace((*pair)->key, (*pair)->value);
    }
    return all;
}

// The whole snapshot; what goes wrong fails the test.
inline Bytes write_all(storage::Backend& backend, const WriterOptions& options = {}) {
    const auto view = backend.view();
    Writer writer(**view, options);
    for (bool measured = false; !measured;) {
        const auto done = writer.measure(7);
        EXPECT_TRUE(done.has_value()) << done.error().message();
        if (!done) {
            return {};
        }
        measured = *done;
    }
    Bytes all;
    for (;;) {
        const auto chunk = writer.next();
        EXPECT_TRUE(chunk.has_value()) << chunk.error().message();
        if (!chunk || chunk->empty()) {
            break;
        }
        EXPECT_LE(chunk->size(), options.chunk_bytes_max);
        all += *chunk;
    }
    EXPECT_EQ(all.size(), writer.size());
    return all;
}

inline void put_file(FileSystem& fs, const std::string& path, ByteView content) {
    if (*fs.exists(path)) {
        ASSERT_TRUE(fs.remove(path).ok());
    }
    const auto file = fs.open(path, OpenMode::kCreateNew);
    ASSERT_TRUE(file.has_value()) << file.error().message();
    ASSERT_TRUE((*file)->write_at(0, content).ok());
}

}  // namespace quorate::snapshot
