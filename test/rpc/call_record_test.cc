// SPDX-License-Identifier: Apache-2.0
//
// What is told of calls: texts, sizes and counts.
#include "rpc.pb.h"
#include "rpc/client_versions.h"
#include "rpc/request_text.h"

#include <gtest/gtest.h>

#include <thread>

namespace quorate::rpc {
namespace {

TEST(RequestTextTest, ValuesAndPasswordsShowAsSizes) {
    etcdserverpb::PutRequest put;
    put.set_key("a\n");
    put.set_value("secret");
    put.set_lease(7);
    RequestText text = describe_request("/etcdserverpb.KV/Put", put.SerializeAsString());
    EXPECT_EQ(text.text, R"(key:"a\n" value_size:6 lease:7)");
    EXPECT_EQ(text.count, 1);

    etcdserverpb::TxnRequest txn;
    auto* compare = txn.add_compare();
    compare->set_key("k");
    compare->set_target(etcdserverpb::Compare::VALUE);
    compare->set_value("secret");
    *txn.add_success()->mutable_request_put() = put;
    txn.add_failure()->mutable_request_range()->set_key("r");
    txn.add_failure()->mutable_request_range()->set_serializable(true);
    text = describe_request("/etcdserverpb.KV/Txn", txn.SerializeAsString());
    EXPECT_EQ(text.text,
              R"(compare:<target:VALUE key:"k" value_size:6> )"
              R"(success:<request_put:<key:"a\n" value_size:6 lease:7>> )"
              R"(failure:<request_range:<key:"r">> failure:<request_range:<serializable:true>>)");
    EXPECT_EQ(text.count, 2);

    etcdserverpb::AuthenticateRequest login;
    login.set_name("root");
    login.set_password("secret");
    text = describe_request("/etcdserverpb.Auth/Authenticate", login.SerializeAsString());
    EXPECT_EQ(text.text, R"(name:"root" password_size:6)");
}

TEST(RequestTextTest, ARequestThatIsCutIsDescribedAsFarAsItGoes) {
    etcdserverpb::PutRequest put;
    put.set_key("key");
    put.set_value(std::string(1000, 'v'));
    const Bytes encoded = put.SerializeAsString();
    EXPECT_EQ(describe_request("/etcdserverpb.KV/Put", encoded.substr(0, 300)).text,
              R"(key:"key" value_size:292)");  // as much as came of the value
    EXPECT_EQ(describe_request("/etcdserverpb.KV/Put", "").text, "");
    EXPECT_EQ(describe_request("/no/such", encoded).count, -1);
}

TEST(RequestTextTest, LongTextsAreCut) {
    etcdserverpb::TxnRequest txn;
    for (int i = 0; i < 100; ++i) {
        txn.add_success()->mutable_request_range()->set_key(std::string(500, 'k'));
    }
    const std::string text = describe_request("/etcdserverpb.KV/Txn", txn.SerializeAsString()).text;
    EXPECT_LT(text.size(), 1100u);
    EXPECT_TRUE(text.ends_with("..."));
}

TEST(RequestTextTest, CountsOfAnswers) {
    etcdserverpb::RangeResponse range;
    range.set_count(5);
    EXPECT_EQ(count_in_response("/etcdserverpb.KV/Range", range.SerializeAsString()), 5);
    etcdserverpb::DeleteRangeResponse deleted;
    deleted.set_deleted(3);
    EXPECT_EQ(count_in_response("/etcdserverpb.KV/DeleteRange", deleted.SerializeAsString()), 3);
    EXPECT_EQ(count_in_response("/etcdserverpb.KV/Put", ""), 0);
    EXPECT_EQ(count_in_response("/etcdserverpb.Maintenance/Status", ""), -1);
}

TEST(ClientVersionsTest, ManyVersionsEndInOneCounter) {
    metrics::Registry metrics;
    ClientVersions versions(metrics);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&versions] {
            for (int i = 0; i < 1000; ++i) {
                versions.count(ClientVersions::Kind::kUnary, "3." + std::to_string(i % 100));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    versions.count(ClientVersions::Kind::kStream, std::string(1000, 'x'));
    versions.count(ClientVersions::Kind::kStream, "");
    const std::string text = metrics.expose();
    const auto has = [&text](const std::string& labels, int value) {
        return text.find("etcd_server_client_requests_total{client_api_version=\"" + labels +
                         "\"} " + std::to_string(value) + "\n") != std::string::npos;
    };
    EXPECT_TRUE(has("other\",type=\"stream", 1));
    EXPECT_TRUE(has("unknown\",type=\"stream", 1));
    size_t lines = 0;
    for (size_t at = text.find("type=\"unary"); at != std::string::npos;
         at = text.find("type=\"unary", at + 1)) {
        ++lines;
    }
    EXPECT_EQ(lines, ClientVersions::kVersionsMax + 1);  // and the others
}

}  // namespace
}  // namespace quorate::rpc
