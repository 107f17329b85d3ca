// SPDX-License-Identifier: Apache-2.0
#include "cluster/version.h"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

List list_of(const std::string& cluster_version, const std::vector<std::string>& versions,
             const std::string& downgrade_target = "") {
    List list;
    for (const std::string& version : versions) {
        Member member;
        member.id = list.members.size() + 1;
        member.server_version = version;
        list.members.push_back(member);
    }
    list.cluster_version = cluster_version;
    list.downgrade_target = downgrade_target;
    return list;
}

constexpr Version kOwn{3, 7};
constexpr Leader kLeader{1, kOwn};

TEST(VersionTest, Texts) {
    for (const char* text : {"3.7.1", "3.7", "3.7.0-rc.1", "3.7.0+build"}) {
        EXPECT_EQ(parse_version(text), kOwn) << text;
    }
    for (const char* text :
         {"", "3", "3.", "3.7.", "v3.7", "3.7.1.2", "3.x", "-3.7", "3..7", "a.b.c"}) {
        EXPECT_EQ(parse_version(text), std::nullopt) << text;
    }
    EXPECT_EQ(full_text(kOwn), "3.7.0");
    EXPECT_EQ(short_text(kOwn), "3.7");
    EXPECT_EQ(downgrade_target_of(kOwn), (Version{3, 6}));
}

TEST(VersionTest, ANewClusterTakesTheOldestOnceAllHaveToldTheirs) {
    EXPECT_EQ(next_cluster_version(list_of("", {"3.7.1", ""}), kLeader), std::nullopt);
    EXPECT_EQ(next_cluster_version(list_of("", {"3.7.1", "3.7.0"}), kLeader), kOwn);
    EXPECT_EQ(next_cluster_version(list_of("", {"3.7.1", "3.6.4"}), kLeader), (Version{3, 6}));
    // The leader knows its own.
    EXPECT_EQ(next_cluster_version(list_of("", {"", "3.7.1"}), kLeader), kOwn);
    EXPECT_EQ(next_cluster_version(list_of("", {""}), kLeader), kOwn);
    // One that did not wait.
    EXPECT_EQ(next_cluster_version(list_of("3.0.0", {"3.7.1", ""}), kLeader), std::nullopt);
    EXPECT_EQ(next_cluster_version(list_of("3.0.0", {"3.7.1", "3.7.1"}), kLeader), kOwn);
}

TEST(VersionTest, TheStorageFollowsTheClusterFrom35On) {
    EXPECT_EQ(storage_version(list_of("", {})), "");
    EXPECT_EQ(storage_version(list_of("3.0.0", {})), "3.5.0");
    EXPECT_EQ(storage_version(list_of("3.6.0", {})), "3.6.0");
    EXPECT_EQ(storage_version(list_of("3.7.0", {})), "3.7.0");
}

TEST(VersionTest, RisesWhenAllMembersAreNewer) {
    EXPECT_EQ(next_cluster_version(list_of("3.6.0", {"3.7.1", "3.7.0"}), kLeader), kOwn);
    EXPECT_EQ(next_cluster_version(list_of("3.6.0", {"3.7.1", "3.6.4"}), kLeader), std::nullopt);
    EXPECT_EQ(next_cluster_version(list_of("3.6.0", {"3.7.1", ""}), kLeader), std::nullopt);
    EXPECT_EQ(next_cluster_version(list_of("3.7.0", {"3.7.1"}), kLeader), std::nullopt);
    // An older member does not lower it.
    EXPECT_EQ(next_cluster_version(list_of("3.7.0", {"3.7.1", "3.6.4"}), kLeader), std::nullopt);
}

TEST(VersionTest, ADowngradeLowersItAndHoldsIt) {
    EXPECT_EQ(next_cluster_version(list_of("3.7.0", {"3.7.1"}, "3.6.0"), kLeader), (Version{3, 6}));
    EXPECT_EQ(next_cluster_version(list_of("3.6.0", {"3.7.1"}, "3.6.0"), kLeader), std::nullopt);
    EXPECT_FALSE(is_downgraded(list_of("3.6.0", {"3.7.1", "3.6.4"}, "3.6.0")));
    EXPECT_TRUE(is_downgraded(list_of("3.6.0", {"3.6.0", "3.6.4"}, "3.6.0")));
    EXPECT_FALSE(is_downgraded(list_of("3.6.0", {"3.6.0"})));
}

}  // namespace
}  // namespace quorate::cluster
