// SPDX-License-Identifier: Apache-2.0
#include "gateway_codec.h"

#include "base/assert.h"
#include "base/errors.h"
#include "rpc.pb.h"
#include "rpc/json_reader.h"
#include "rpc/json_scan.h"
#include "rpc/json_writer.h"

namespace quorate::load {

GatewayCodec::GatewayCodec() {
    const auto add = [this](Method method, std::string_view route, const auto& request,
                            const auto& answer) {
        methods_[static_cast<size_t>(method)] = {route, &schema_.message(*request.GetDescriptor()),
                                                 &schema_.message(*answer.GetDescriptor())};
    };
    add(Method::kRange, "/v3/kv/range", etcdserverpb::RangeRequest(),
        etcdserverpb::RangeResponse());
    add(Method::kPut, "/v3/kv/put", etcdserverpb::PutRequest(), etcdserverpb::PutResponse());
    add(Method::kDeleteRange, "/v3/kv/deleterange", etcdserverpb::DeleteRangeRequest(),
        etcdserverpb::DeleteRangeResponse());
    add(Method::kTxn, "/v3/kv/txn", etcdserverpb::TxnRequest(), etcdserverpb::TxnResponse());
}

std::string_view GatewayCodec::route(Method method) const {
    return methods_[static_cast<size_t>(method)].route;
}

void GatewayCodec::append_request(Method method, const google::protobuf::MessageLite& message,
                                  std::string& out) const {
    QUORATE_ASSERT(knows(method));
    const Status written = rpc::append_json(*methods_[static_cast<size_t>(method)].request,
                                            message.SerializeAsString(), out);
    QUORATE_ASSERT(written.ok());
}

Result<std::string> GatewayCodec::read_answer(Method method, std::string_view json) const {
    std::string_view rest = json;
    const auto value = rpc::take_json_value(rest);
    if (!value) {
        return value.error();
    }
    if (!*value) {
        return Status(errors::kUnknown, "an empty body");
    }
    return rpc::json_to_message(*methods_[static_cast<size_t>(method)].answer, **value);
}

}  // namespace quorate::load
