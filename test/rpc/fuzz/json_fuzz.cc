// SPDX-License-Identifier: Apache-2.0
//
// Bytes as the body of a gateway request, for a message with everything in it (nesting, oneofs,
// enumerators) and for one with strings. What is taken must be a message for protobuf too, and come
// back as JSON that is taken again with the same result.
#include "rpc.pb.h"
#include "rpc/json_reader.h"
#include "rpc/json_scan.h"
#include "rpc/json_writer.h"

#include <cstdlib>

namespace {

using quorate::Bytes;
using quorate::ByteView;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

template <typename Message>
void check(const quorate::rpc::JsonMessage& schema, ByteView value) {
    const auto encoded = quorate::rpc::json_to_message(schema, value);
    if (!encoded) {
        require(!encoded.error().message().empty());
        return;
    }
    Message message;
    require(message.ParseFromString(*encoded));
    const Bytes canonical = message.SerializeAsString();
    std::string json;
    require(quorate::rpc::append_json(schema, canonical, json).ok());
    ByteView rest = json;
    const auto again = quorate::rpc::take_json_value(rest);
    require(again && *again && rest.empty());
    const auto reencoded = quorate::rpc::json_to_message(schema, **again);
    require(reencoded.has_value());
    Message second;
    require(second.ParseFromString(*reencoded));
    require(second.SerializeAsString() == canonical);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static quorate::rpc::JsonSchema schema;
    static const auto& txn = schema.message(*etcdserverpb::TxnRequest::descriptor());
    static const auto& user = schema.message(*etcdserverpb::AuthUserAddRequest::descriptor());
    ByteView rest(reinterpret_cast<const char*>(data), size);
    while (true) {
        const auto value = quorate::rpc::take_json_value(rest);
        if (!value || !*value) {
            return 0;
        }
        check<etcdserverpb::TxnRequest>(txn, **value);
        check<etcdserverpb::AuthUserAddRequest>(user, **value);
    }
}
