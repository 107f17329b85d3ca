// SPDX-License-Identifier: Apache-2.0
#include "node/identity.h"

#include "base/errors.h"
#include "config/load.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace quorate::node {
namespace {

constexpr const char* kThree = "--initial-cluster=a=http://a:1,b=http://b:1,c=http://c:1";

config::Config load(const std::vector<std::string>& arguments) {
    config::Inputs inputs;
    inputs.arguments = {"--name=a", "--data-dir=/d", "--initial-advertise-peer-urls=http://a:1"};
    inputs.arguments.insert(inputs.arguments.end(), arguments.begin(), arguments.end());
    auto loaded = config::load(inputs);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
    return std::move(loaded->config);
}

RunningCluster running(const std::vector<std::pair<std::string, std::string>>& members) {
    RunningCluster cluster;
    cluster.cluster_id = 0xc1;
    for (const auto& [name, url] : members) {
        cluster.members.push_back({100 + cluster.members.size(), name, {url}, {}, false});
    }
    return cluster;
}

TEST(Identity, AllFoundersDeriveTheSameCluster) {
    const auto a = derive_identity(load({kThree}));
    const auto b =
        derive_identity(load({kThree, "--name=b", "--initial-advertise-peer-urls=http://b:1"}));
    ASSERT_TRUE(a.has_value() && b.has_value());
    EXPECT_EQ(a->cluster_id, b->cluster_id);
    EXPECT_NE(a->member_id, b->member_id);
    EXPECT_EQ(a->members.size(), 3u);
    EXPECT_TRUE(std::is_sorted(a->members.begin(), a->members.end(),
                               [](const auto& x, const auto& y) { return x.id < y.id; }));
    const auto other = derive_identity(load({kThree, "--initial-cluster-token=other"}));
    EXPECT_NE(other->cluster_id, a->cluster_id);
}

TEST(Identity, AListWithoutThisMemberIsRefused) {
    const Status unknown = derive_identity(load({kThree, "--name=d"})).error();
    EXPECT_TRUE(unknown.is(errors::kConfig));
    EXPECT_NE(unknown.message().find("\"d\""), std::string::npos);
    EXPECT_NE(unknown.message().find("\"a\", \"b\", \"c\""), std::string::npos);
    const auto elsewhere = [](const std::string& url) {
        return load({"--initial-cluster=a=http://10.0.0.1:1,b=http://b:1",
                     "--initial-advertise-peer-urls=" + url});
    };
    const Status moved = derive_identity(elsewhere("http://10.0.0.2:1")).error();
    EXPECT_NE(moved.message().find("a=http://10.0.0.1:1"), std::string::npos);
    EXPECT_NE(moved.message().find("http://10.0.0.2:1"), std::string::npos);
    EXPECT_FALSE(derive_identity(elsewhere("http://10.0.0.1:2")).has_value());
    EXPECT_FALSE(join_identity(elsewhere("http://10.0.0.1:2"), running({})).has_value());
    EXPECT_TRUE(derive_identity(elsewhere("http://10.0.0.1:1")).has_value());
    EXPECT_TRUE(derive_identity(elsewhere("http://host:1")).has_value()) << "a name may be it";
}

TEST(Identity, ComesBackFromItsText) {
    auto identity = derive_identity(load({kThree, "--initial-cluster-token=my token"}));
    ASSERT_TRUE(identity.has_value());
    identity->members[1].name = "a name with spaces";
    const auto back = decode_identity(encode_identity(*identity), "file");
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(encode_identity(*back), encode_identity(*identity));
    EXPECT_EQ(back->cluster_token, "my token");
    EXPECT_EQ(back->members[1].name, "a name with spaces");
}

TEST(Identity, TextThatIsNoneNamesFileAndLine) {
    const auto refused = [](const std::string& text) {
        return decode_identity(text, "/d/identity").error().message();
    };
    EXPECT_NE(refused("hello\n").find("/d/identity:1"), std::string::npos);
    EXPECT_TRUE(decode_identity("quorate-identity 2\n", "f").error().is(errors::kNewerFormat));
    EXPECT_NE(refused("quorate-identity 1\ncluster-id xyz\n").find(":2:"), std::string::npos);
    EXPECT_NE(refused("quorate-identity 1\ncluster-id 1\n").find("missing"), std::string::npos);
}

TEST(Identity, JoiningTakesTheIdThatTheClusterGave) {
    const auto config = load({kThree, "--initial-cluster-state=existing"});
    const auto identity = join_identity(
        config, running({{"b", "http://b:1"}, {"", "http://a:1"}, {"c", "http://c:1"}}));
    ASSERT_TRUE(identity.has_value()) << identity.error().message();
    EXPECT_EQ(identity->member_id, 101u);
    EXPECT_EQ(identity->cluster_id, 0xc1u);
    EXPECT_EQ(identity->origin, Origin::kJoined);
}

TEST(Identity, JoiningNamesBothSidesWhenTheyDiffer) {
    const auto config = load({kThree, "--initial-cluster-state=existing"});
    const Status fewer = join_identity(config, running({{"b", "http://b:1"}})).error();
    EXPECT_NE(fewer.message().find("3 members are given, the cluster has 1"), std::string::npos);
    EXPECT_NE(fewer.message().find("b=http://b:1"), std::string::npos);
    const Status unknown =
        join_identity(config,
                      running({{"b", "http://b:1"}, {"x", "http://x:1"}, {"c", "http://c:1"}}))
            .error();
    EXPECT_NE(unknown.message().find("a=http://a:1"), std::string::npos);
    EXPECT_NE(unknown.message().find("member add"), std::string::npos);
}

TEST(Identity, AnotherTokenThanTheDirectorysIsRefused) {
    const auto fs = make_posix_file_system();
    std::string name = (std::filesystem::temp_directory_path() / "quorate-id-XXXXXX").string();
    const std::string dir = mkdtemp(name.data());
    const std::string path = dir + "/identity";
    EXPECT_FALSE(load_identity(*fs, path, load({}))->has_value());
    auto identity =
        derive_identity(load({"--initial-cluster=a=http://a:1", "--initial-cluster-token=mine"}));
    ASSERT_TRUE(save_identity(*fs, path, *identity).ok());
    EXPECT_TRUE(load_identity(*fs, path, load({})).has_value());
    const Status refused =
        load_identity(*fs, path, load({"--initial-cluster-token=yours"})).error();
    EXPECT_TRUE(refused.is(errors::kForeignData));
    EXPECT_NE(refused.message().find("\"mine\""), std::string::npos);
    EXPECT_NE(refused.message().find("\"yours\""), std::string::npos);
    std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace quorate::node
