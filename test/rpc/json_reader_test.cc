// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_reader.h"

#include "rpc.pb.h"
#include "rpc/json_scan.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::rpc {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::TxnRequest;

template <typename Message>
Result<Message> read(const std::string& json) {
    JsonSchema schema;
    ByteView rest = json;
    const auto value = take_json_value(rest);
    if (!value) {
        return value.error();
    }
    const auto encoded = json_to_message(schema.message(*Message::descriptor()), **value);
    if (!encoded) {
        return encoded.error();
    }
    Message message;
    EXPECT_TRUE(message.ParseFromString(*encoded));
    return message;
}

template <typename Message>
std::string error_of(const std::string& json) {
    return read<Message>(json).error().message();
}

RangeRequest range(const std::string& json) {
    const auto message = read<RangeRequest>(json);
    EXPECT_TRUE(message) << message.error().message();
    return message ? *message : RangeRequest();
}

TEST(JsonReaderTest, FieldsHaveTwoNames) {
    EXPECT_EQ(range(R"({"range_end":"YQ=="})").range_end(), "a");
    EXPECT_EQ(range(R"({"rangeEnd":"YQ=="})").range_end(), "a");
    EXPECT_EQ(range(R"({"range\u005fend":"YQ=="})").range_end(), "a");
    EXPECT_EQ(read<etcdserverpb::LeaseGrantRequest>(R"({"TTL":"7","ID":8})")->ttl(), 7);
}

TEST(JsonReaderTest, NumbersComeInManyForms) {
    for (const char* json : {R"({"limit":120})", R"({"limit":"120"})", R"({"limit":1.2e2})",
                             R"({"limit":"120.0"})", R"({"limit":1200E-1})"}) {
        EXPECT_EQ(range(json).limit(), 120) << json;
    }
    EXPECT_EQ(range(R"({"limit":"-9223372036854775808"})").limit(), INT64_MIN);
    EXPECT_EQ(range(R"({"limit":0})").limit(), 0);
    EXPECT_EQ(range(R"({"limit":0.000})").limit(), 0);
    for (const char* bad :
         {"1.5", "\"x\"", "9223372036854775808", "\"1 \"", "\"\"", "true", "[]", "1e1000000"}) {
        EXPECT_EQ(error_of<RangeRequest>(R"({"limit":)" + std::string(bad) + "}"),
                  "proto: (line 1:10): invalid value for int64 field limit: " + std::string(bad));
    }
}

TEST(JsonReaderTest, BytesAreBase64OfEitherAlphabet) {
    for (const char* json : {R"({"key":"+/8="})", R"({"key":"-_8="})", R"({"key":"-_8"})",
                             R"({"key":"+/8"})", R"({"key":"+\/8="})"}) {
        EXPECT_EQ(range(json).key(), "\xfb\xff") << json;
    }
    for (const char* bad : {R"("a")", R"("a===")", R"("a*==")", R"("-/8=")", "5"}) {
        EXPECT_EQ(error_of<RangeRequest>(R"({"key":)" + std::string(bad) + "}"),
                  "proto: (line 1:8): invalid value for bytes field key: " + std::string(bad));
    }
}

TEST(JsonReaderTest, EnumeratorsComeByNameOrNumber) {
    EXPECT_EQ(range(R"({"sort_order":"DESCEND"})").sort_order(), RangeRequest::DESCEND);
    EXPECT_EQ(range(R"({"sort_order":2})").sort_order(), RangeRequest::DESCEND);
    EXPECT_EQ(range(R"({"sort_order":77})").sort_order(), 77);
    EXPECT_EQ(range(R"({"sort_order":"NO_SUCH"})").sort_order(), RangeRequest::NONE);
    EXPECT_EQ(error_of<RangeRequest>(R"({"sort_order":true})"),
              "proto: (line 1:15): invalid value for enum field sortOrder: true");
}

TEST(JsonReaderTest, UnknownFieldsAndNullsAreLeftOut) {
    const RangeRequest message =
        range(R"({"what":{"a":[1,{"b":null}]}, "limit":null,"key":"YQ==", "n":[[]],"e":"\"}"})");
    EXPECT_EQ(message.key(), "a");
    EXPECT_EQ(message.limit(), 0);
}

TEST(JsonReaderTest, MembersOfAOneofAreKeptWhenZero) {
    const auto compare = read<Compare>(R"({"key":"YQ==","target":"VERSION","version":"0"})");
    ASSERT_TRUE(compare);
    EXPECT_EQ(compare->target_union_case(), Compare::kVersion);
    EXPECT_EQ(error_of<Compare>(R"({"version":1,"lease":2})"),
              "proto: (line 1:14): error parsing \"lease\", oneof "
              "etcdserverpb.Compare.target_union is already set");
}

TEST(JsonReaderTest, MistakesAreNamedWithTheirPlace) {
    EXPECT_EQ(error_of<RangeRequest>("[]"), "proto: syntax error (line 1:1): unexpected token [");
    EXPECT_EQ(error_of<RangeRequest>("\"x\""),
              "proto: syntax error (line 1:1): unexpected token \"x\"");
    EXPECT_EQ(error_of<RangeRequest>("{\"limit\":1,\n \"limit\":2}"),
              "proto: (line 2:2): duplicate field \"limit\"");
    EXPECT_EQ(error_of<TxnRequest>(R"({"compare":{}})"),
              "proto: syntax error (line 1:12): unexpected token {");
    EXPECT_EQ(error_of<TxnRequest>(R"({"compare":[null]})"),
              "proto: syntax error (line 1:13): unexpected token null");
    EXPECT_EQ(error_of<etcdserverpb::AuthenticateRequest>("{\"name\":\"\xff\"}"),
              "proto: syntax error (line 1:9): invalid UTF-8 or escape code in string");
    EXPECT_EQ(error_of<etcdserverpb::AuthenticateRequest>(R"({"name":"\ud800"})"),
              "proto: syntax error (line 1:9): invalid UTF-8 or escape code in string");
    EXPECT_LT(error_of<RangeRequest>(R"({"limit":")" + std::string(100'000, 'x') + "\"}").size(),
              400U);
}

TEST(JsonReaderTest, SurrogatePairsBecomeOneCharacter) {
    const auto message =
        read<etcdserverpb::AuthenticateRequest>(R"({"name":"\ud834\udd1e\u20ac\n\"\\\/"})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->name(), "\xf0\x9d\x84\x9e\xe2\x82\xac\n\"\\/");
}

TEST(JsonReaderTest, NestingHasABound) {
    std::string json;
    for (int i = 0; i < 60; ++i) {
        json += R"({"success":[{"request_txn":)";
    }
    json += "{}";
    for (int i = 0; i < 60; ++i) {
        json += "}]}";
    }
    EXPECT_NE(error_of<TxnRequest>(json).find("exceeded max recursion depth"), std::string::npos);
    // What is not known nests deeper than that, up to a bound of its own, and costs no stack.
    const auto nested = [](size_t depth) {
        return "{\"u\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_TRUE(read<RangeRequest>(nested(kJsonDepthMax - 1)));
    EXPECT_EQ(error_of<RangeRequest>(nested(kJsonDepthMax)), "exceeded max depth");
    EXPECT_EQ(error_of<RangeRequest>(std::string(1'000'000, '[')), "exceeded max depth");
}

struct Mistake {
    const char* json;
    const char* error;
};

TEST(JsonReaderTest, SyntaxErrorsAreThoseOfGo) {
    const Mistake mistakes[] = {
        {"x", "invalid character 'x' looking for beginning of value"},
        {"{x", "invalid character 'x' looking for beginning of object key string"},
        {"{\"a\"x", "invalid character 'x' after object key"},
        {"{\"a\":1x", "invalid character 'x' after object key:value pair"},
        {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
        {"{\"a\":[1x", "invalid character 'x' after array element"},
        {"{\"a\":[1,]", "invalid character ']' looking for beginning of value"},
        {"{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"},
        {"{\"a\":nul", "unexpected EOF"},
        {"{\"a\":-x", "invalid character 'x' in numeric literal"},
        {"{\"a\":1.x", "invalid character 'x' after decimal point in numeric literal"},
        {"{\"a\":1ex", "invalid character 'x' in exponent of numeric literal"},
        {"{\"a\":01", "invalid character '1' after object key:value pair"},
        {"{\"a\":\"\\x", "invalid character 'x' in string escape code"},
        {"{\"a\":\"\\u12x", "invalid character 'x' in \\u hexadecimal character escape"},
        {"{\"a\":\"\n", "invalid character '\\n' in string literal"},
        {"{\"a\":'", "invalid character '\\'' looking for beginning of value"},
        {"{\"a\":\x01", "invalid character '\\x01' looking for beginning of value"},
        {"{", "unexpected EOF"},
        {"{\"a", "unexpected EOF"},
        {"{\"a\":1", "unexpected EOF"},
    };
    for (const Mistake& mistake : mistakes) {
        ByteView rest = mistake.json;
        const auto value = take_json_value(rest);
        EXPECT_FALSE(value) << mistake.json;
        EXPECT_EQ(value.error().message(), mistake.error) << mistake.json;
    }
}

TEST(JsonReaderTest, ValuesFollowEachOther) {
    ByteView rest = " {\"a\":1}\n{} 12\t[1 , 2 ] ";
    for (const char* expected : {"{\"a\":1}", "{}", "12", "[1 , 2 ]"}) {
        const auto value = take_json_value(rest);
        ASSERT_TRUE(value && *value);
        EXPECT_EQ(**value, expected);
    }
    const auto end = take_json_value(rest);
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);
}

}  // namespace
}  // namespace quorate::rpc
