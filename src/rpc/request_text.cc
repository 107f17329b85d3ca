// SPDX-License-Identifier: Apache-2.0
#include "rpc/request_text.h"

#include "rpc.pb.h"
#include "rpc/method_descriptors.h"
#include "wire/message_text.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <memory>

namespace quorate::rpc {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

// What it holds before the place where it is cut, or is no message.
void parse_so_far(ByteView bytes, Message& message) {
    google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                              static_cast<int>(bytes.size()));
    static_cast<void>(message.MergePartialFromCodedStream(&in));
}

int64_t count_of(const Message& request) {
    if (request.GetDescriptor() == etcdserverpb::TxnRequest::descriptor()) {
        const auto& txn = static_cast<const etcdserverpb::TxnRequest&>(request);
        return std::max(txn.success_size(), txn.failure_size());
    }
    return request.GetDescriptor() == etcdserverpb::PutRequest::descriptor() ? 1 : 0;
}

}  // namespace

RequestText describe_request(ByteView path, ByteView request) {
    const MethodDescriptor* method = find_method(path);
    if (method == nullptr) {
        return {};
    }
    const std::unique_ptr<Message> message(
        MessageFactory::generated_factory()->GetPrototype(method->input_type())->New());
    parse_so_far(request, *message);
    return {count_of(*message), wire::message_text(*message)};
}

int64_t count_in_response(ByteView path, ByteView response) {
    const auto size = static_cast<int>(response.size());
    if (path == "/etcdserverpb.KV/Range") {
        etcdserverpb::RangeResponse range;
        return range.ParseFromArray(response.data(), size) ? range.count() : -1;
    }
    if (path == "/etcdserverpb.KV/DeleteRange") {
        etcdserverpb::DeleteRangeResponse deleted;
        return deleted.ParseFromArray(response.data(), size) ? deleted.deleted() : -1;
    }
    return path == "/etcdserverpb.KV/Put" || path == "/etcdserverpb.KV/Txn" ? 0 : -1;
}

}  // namespace quorate::rpc
