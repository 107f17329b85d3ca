// SPDX-License-Identifier: Apache-2.0
//
// The gateway's JSON against protobuf's own, on random messages of every type that a route has.
#include "rpc.pb.h"
#include "rpc/json_fixture.h"
#include "rpc/json_reader.h"
#include "rpc/json_routes.h"
#include "rpc/json_scan.h"
#include "rpc/json_writer.h"
#include "v3election.pb.h"
#include "v3lock.pb.h"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

namespace quorate::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;

constexpr uint32_t kMessagesOfAType = 40;

std::vector<const Descriptor*> all_types() {
    std::vector<const Descriptor*> types;
    for (const auto* file : {etcdserverpb::RangeRequest::descriptor()->file(),
                             v3lockpb::LockRequest::descriptor()->file(),
                             v3electionpb::LeaderRequest::descriptor()->file()}) {
        for (int i = 0; i < file->message_type_count(); ++i) {
            types.push_back(file->message_type(i));
        }
    }
    return types;
}

// Calls check(message) for random messages of all types.
template <typename Check>
void for_random_messages(uint32_t seed, Check check) {
    auto* factory = google::protobuf::MessageFactory::generated_factory();
    RandomMessages random(seed);
    for (const Descriptor* type : all_types()) {
        for (uint32_t i = 0; i < kMessagesOfAType; ++i) {
            const std::unique_ptr<Message> message(factory->GetPrototype(type)->New());
            random.fill(*message);
            ASSERT_NO_FATAL_FAILURE(check(*message)) << type->full_name();
        }
    }
}

std::string protobufs_json(const Message& message) {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
    return json;
}

TEST(JsonRandomTest, WritesWhatProtobufWrites) {
    JsonSchema schema;
    for_random_messages(1, [&schema](const Message& message) {
        std::string json;
        const Status status = append_json(schema.message(*message.GetDescriptor()),
                                          message.SerializeAsString(), json);
        ASSERT_TRUE(status.ok()) << status.message();
        ASSERT_EQ(json, protobufs_json(message));
    });
}

TEST(JsonRandomTest, ReadsWhatProtobufWrites) {
    JsonSchema schema;
    for_random_messages(2, [&schema](const Message& message) {
        const std::string json = protobufs_json(message);
        ByteView rest = json;
        const auto value = take_json_value(rest);
        ASSERT_TRUE(value && *value && rest.empty());
        const auto encoded = json_to_message(schema.message(*message.GetDescriptor()), **value);
        ASSERT_TRUE(encoded) << encoded.error().message() << "\n" << json;
        const std::unique_ptr<Message> read(message.New());
        ASSERT_TRUE(read->ParseFromString(*encoded));
        ASSERT_TRUE(google::protobuf::util::MessageDifferencer::Equals(message, *read)) << json;
    });
}

// Damaged answers are refused or written as JSON, and never more than that.
TEST(JsonRandomTest, DamagedMessagesGiveJsonOrAnError) {
    JsonSchema schema;
    RandomMessages random(3);
    uint32_t refused = 0;
    for_random_messages(4, [&](const Message& message) {
        std::string encoded = message.SerializeAsString();
        if (encoded.empty()) {
            return;
        }
        encoded[random.below(static_cast<uint32_t>(encoded.size()))] =
            static_cast<char>(random.below(256));
        std::string json;
        if (!append_json(schema.message(*message.GetDescriptor()), encoded, json).ok()) {
            ++refused;
            return;
        }
        ByteView rest = json;
        const auto value = take_json_value(rest);
        ASSERT_TRUE(value && *value && rest.empty()) << json;
    });
    EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace quorate::rpc
