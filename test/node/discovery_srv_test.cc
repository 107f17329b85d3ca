// SPDX-License-Identifier: Apache-2.0
#include "node/discovery_srv.h"

#include "base/errors.h"
#include "node/identity.h"

#include <gtest/gtest.h>

#include <map>

namespace quorate::node {
namespace {

class DiscoverySrvTest : public testing::Test {
  protected:
    DiscoverySrvTest() {
        config_.member.name = "me";
        config_.discovery.srv_domain = "example.com";
        config_.urls.advertise_peer = *Url::parse_list("http://10.0.0.1:2380");
        addresses_ = {{"10.0.0.1", {"10.0.0.1"}},
                      {"a.example.com", {"fe80::1", "10.0.0.1"}},
                      {"b.example.com", {"10.0.0.2"}},
                      {"c.example.com", {"10.0.0.3"}}};
    }

    Result<std::vector<config::InitialMember>> discover() {
        NameService names;
        names.srv = [this](const std::string& name) -> Result<std::vector<SrvRecord>> {
            const auto it = records_.find(name);
            if (it == records_.end()) {
                return Status(errors::kUnavailable, name + ": there is no such name");
            }
            return it->second;
        };
        names.addresses = [this](const std::string& host) -> Result<std::vector<std::string>> {
            const auto it = addresses_.find(host);
            if (it == addresses_.end()) {
                return Status(errors::kUnavailable, "\"" + host + "\": unknown");
            }
            return it->second;
        };
        return members_by_srv(config_, names);
    }

    config::Config config_;
    std::map<std::string, std::vector<SrvRecord>> records_;
    std::map<std::string, std::vector<std::string>> addresses_;
};

TEST_F(DiscoverySrvTest, ThisMemberIsKnownByItsAddress) {
    records_["_etcd-server._tcp.example.com"] = {
        {"b.example.com", 2380}, {"a.example.com", 2380}, {"c.example.com", 2380}};
    const auto members = discover();
    ASSERT_TRUE(members.has_value()) << members.error().message();
    ASSERT_EQ(members->size(), 3U);
    EXPECT_EQ((*members)[0].name, "me");
    EXPECT_EQ((*members)[0].peer_urls[0].to_string(), "http://a.example.com:2380");
    EXPECT_EQ((*members)[2].name, "1");

    // All members have to write down the same, whatever each calls the others.
    config_.cluster.initial_cluster = *members;
    const auto mine = derive_identity(config_);
    ASSERT_TRUE(mine.has_value()) << mine.error().message();
    config_.member.name = "other";
    config_.urls.advertise_peer = *Url::parse_list("http://b.example.com:2380");
    const auto theirs_found = discover();
    ASSERT_TRUE(theirs_found.has_value()) << theirs_found.error().message();
    config_.cluster.initial_cluster = *theirs_found;
    const auto theirs = derive_identity(config_);
    ASSERT_TRUE(theirs.has_value()) << theirs.error().message();
    EXPECT_EQ(mine->cluster_id, theirs->cluster_id);
    EXPECT_NE(mine->member_id, theirs->member_id);
    ASSERT_EQ(mine->members.size(), theirs->members.size());
    for (size_t i = 0; i < mine->members.size(); ++i) {
        EXPECT_EQ(mine->members[i].id, theirs->members[i].id);
        EXPECT_EQ(mine->members[i].name, theirs->members[i].name);
    }
}

TEST_F(DiscoverySrvTest, SecureRecordsAndASuffix) {
    config_.discovery.srv_name = "blue";
    config_.urls.advertise_peer = *Url::parse_list("https://10.0.0.1:2380");
    records_["_etcd-server-ssl-blue._tcp.example.com"] = {{"a.example.com", 2380}};
    records_["_etcd-server-blue._tcp.example.com"] = {{"b.example.com", 2380}};
    const auto members = discover();
    ASSERT_TRUE(members.has_value()) << members.error().message();
    ASSERT_EQ(members->size(), 2U);
    EXPECT_EQ((*members)[0].peer_urls[0].to_string(), "https://a.example.com:2380");
    EXPECT_EQ((*members)[1].peer_urls[0].to_string(), "http://b.example.com:2380");
}

TEST_F(DiscoverySrvTest, RefusalsSayWhatWasAskedAndFound) {
    EXPECT_EQ(discover().error().message(),
              "discovery-srv: no SRV records list the members "
              "(_etcd-server-ssl._tcp.example.com: there is no such name; "
              "_etcd-server._tcp.example.com: there is no such name); add them, or use "
              "--initial-cluster");
    records_["_etcd-server._tcp.example.com"] = {{"b.example.com", 2380}};
    EXPECT_EQ(discover().error().message(),
              "cannot find local etcd member \"me\" in SRV records: they list "
              "http://b.example.com:2380, and --initial-advertise-peer-urls is "
              "http://10.0.0.1:2380; one of them must stand for the other");
    // The right address under the wrong scheme is not this member.
    records_.clear();
    records_["_etcd-server-ssl._tcp.example.com"] = {{"a.example.com", 2380}};
    EXPECT_NE(discover().error().message().find("they list https://a.example.com:2380"),
              std::string::npos);
    records_["_etcd-server-ssl._tcp.example.com"] = {{"nowhere.example.com", 2380}};
    EXPECT_NE(discover().error().message().find("which can't be found"), std::string::npos);
}

}  // namespace
}  // namespace quorate::node
