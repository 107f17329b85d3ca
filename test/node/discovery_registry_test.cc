// SPDX-License-Identifier: Apache-2.0
#include "node/discovery_registry.h"

#include "base/errors.h"

#include <gtest/gtest.h>

namespace quorate::node {
namespace {

TEST(DiscoveryRegistry, KeysAreEtcds) {
    const RegistryKeys keys("token");
    EXPECT_EQ(keys.size, "/_etcd/registry/token/_config/size");
    EXPECT_EQ(keys.own(0xab12), "/_etcd/registry/token/members/ab12");
}

TEST(DiscoveryRegistry, TheSizeIsANumber) {
    EXPECT_EQ(*parse_cluster_size(" 3\n", "k"), 3U);
    for (const char* bad : {"", "0", "-1", "three", "1001"}) {
        const auto size = parse_cluster_size(bad, "/the/key");
        ASSERT_FALSE(size.has_value()) << bad;
        EXPECT_NE(size.error().message().find("discovery: size key is bad: /the/key is"),
                  std::string::npos)
            << size.error().message();
    }
}

TEST(DiscoveryRegistry, WhoCameFirstCounts) {
    std::vector<Registration> registrations = {{"m/1", "a=http://a:1", 30},
                                               {"m/2", "b=http://b:1,b=http://b:2", 10},
                                               {"m/3", "c=http://c:1", 20}};
    const auto waiting = founders(registrations, 4, "m/1");
    ASSERT_TRUE(waiting.has_value()) << waiting.error().message();
    EXPECT_EQ(waiting->size(), 3U);

    const auto two = founders(registrations, 2, "m/2");
    ASSERT_TRUE(two.has_value()) << two.error().message();
    ASSERT_EQ(two->size(), 2U);
    EXPECT_EQ((*two)[0].name, "b");
    EXPECT_EQ((*two)[0].peer_urls.size(), 2U);
    EXPECT_EQ((*two)[1].name, "c");

    const auto late = founders(registrations, 2, "m/1");
    ASSERT_FALSE(late.has_value());
    EXPECT_NE(late.error().message().find("discovery: cluster is full: it has its 2 members "
                                          "(b=http://b:1,b=http://b:2; c=http://c:1)"),
              std::string::npos)
        << late.error().message();
}

TEST(DiscoveryRegistry, MembersThatCanNotBeAreNamed) {
    const auto unreadable = founders({{"m/1", "nonsense", 1}}, 2, "m/1");
    ASSERT_FALSE(unreadable.has_value());
    EXPECT_NE(unreadable.error().message().find("m/1 is \"nonsense\", which is no member"),
              std::string::npos);
    const auto two_in_one = founders({{"m/1", "a=http://a:1,b=http://b:1", 1}}, 2, "m/1");
    EXPECT_FALSE(two_in_one.has_value());
    const auto twins = founders({{"m/1", "a=http://a:1", 1}, {"m/2", "a=http://b:1", 2}}, 2, "m/1");
    ASSERT_FALSE(twins.has_value());
    EXPECT_NE(twins.error().message().find("two members are called \"a\""), std::string::npos);
}

}  // namespace
}  // namespace quorate::node
