// SPDX-License-Identifier: Apache-2.0
#include "ctl/go_json.h"

#include "rpc.pb.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::ctl {
namespace {

TEST(GoJson, LeavesOutWhatHasNoValue) {
    etcdserverpb::RangeResponse response;
    EXPECT_EQ(go_json(response), "{}");
    response.mutable_header();
    EXPECT_EQ(go_json(response), R"({"header":{}})");
    response.mutable_header()->set_cluster_id(UINT64_MAX);
    response.add_kvs();
    auto& kv = *response.add_kvs();
    kv.set_key("a");
    kv.set_value(std::string("\0\xff", 2));
    kv.set_lease(-5);
    response.set_more(true);
    response.set_count(1LL << 60);
    EXPECT_EQ(go_json(response),
              R"({"header":{"cluster_id":18446744073709551615},"kvs":[{},{"key":"YQ==",)"
              R"("value":"AP8=","lease":-5}],"more":true,"count":1152921504606846976})");
}

TEST(GoJson, WritesEnumeratorsAsNumbers) {
    etcdserverpb::AlarmResponse response;
    auto& alarm = *response.add_alarms();
    alarm.set_memberid(3);
    alarm.set_alarm(etcdserverpb::NOSPACE);
    EXPECT_EQ(go_json(response), R"({"alarms":[{"memberID":3,"alarm":1}]})");
}

TEST(GoJson, WrapsAOneofLikeGo) {
    etcdserverpb::TxnResponse response;
    response.set_succeeded(true);
    response.add_responses()->mutable_response_put();
    response.add_responses()
        ->mutable_response_txn()
        ->add_responses()
        ->mutable_response_delete_range()
        ->set_deleted(2);
    response.add_responses();
    EXPECT_EQ(go_json(response),
              R"({"succeeded":true,"responses":[{"Response":{"response_put":{}}},)"
              R"({"Response":{"response_txn":{"responses":[{"Response":)"
              R"({"response_delete_range":{"deleted":2}}}]}}},{"Response":{}}]})");
}

TEST(GoJson, EscapesTexts) {
    EXPECT_EQ(go_json_string("a\"\\/<>&\x7f"), "\"a\\\"\\\\/\\u003c\\u003e\\u0026\x7f\"");
    EXPECT_EQ(go_json_string("\b\f\n\r\t\x01"), R"("\b\f\n\r\t\u0001")");
    EXPECT_EQ(go_json_string("\xe2\x80\xa8\xe2\x80\xa9\xc3\xa4"), "\"\\u2028\\u2029\xc3\xa4\"");
    EXPECT_EQ(go_json_string("\xff\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

TEST(GoJson, WritesBytesInBase64) {
    EXPECT_EQ(go_json_bytes(""), R"("")");
    EXPECT_EQ(go_json_bytes("f"), R"("Zg==")");
    EXPECT_EQ(go_json_bytes("fo"), R"("Zm8=")");
    EXPECT_EQ(go_json_bytes("foo"), R"("Zm9v")");
    EXPECT_EQ(go_json_bytes("\xff\xff\xff\xff"), R"("/////w==")");
}

TEST(JsonObject, TakesMembersOfAnother) {
    EXPECT_EQ(JsonObject().members("{}").number("a", 1).done(), R"({"a":1})");
    EXPECT_EQ(JsonObject().members(R"({"x":2})").boolean("b", false).done(),
              R"({"x":2,"b":false})");
}

}  // namespace
}  // namespace quorate::ctl
