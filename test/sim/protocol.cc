// SPDX-License-Identifier: Apache-2.0
#include "sim/protocol.h"

namespace quorate::sim {
namespace {

using etcdserverpb::DeleteRangeRequest;
using etcdserverpb::DeleteRangeResponse;
using etcdserverpb::PutRequest;
using etcdserverpb::PutResponse;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

RangeRequest to_range(const Operation& operation, bool serializable) {
    RangeRequest request;
    request.set_key(operation.key);
    request.set_range_end(operation.range_end);
    request.set_revision(operation.revision);
    request.set_serializable(serializable);
    return request;
}

PutRequest to_put(const Operation& operation) {
    PutRequest request;
    request.set_key(operation.key);
    request.set_value(operation.value);
    request.set_lease(operation.lease);
    return request;
}

DeleteRangeRequest to_delete(const Operation& operation) {
    DeleteRangeRequest request;
    request.set_key(operation.key);
    request.set_range_end(operation.range_end);
    return request;
}

void fill(etcdserverpb::RequestOp& out, const Operation& operation, bool serializable) {
    switch (operation.kind) {
        case Operation::Kind::kPut:
            *out.mutable_request_put() = to_put(operation);
            break;
        case Operation::Kind::kDelete:
            *out.mutable_request_delete_range() = to_delete(operation);
            break;
        case Operation::Kind::kRange:
            *out.mutable_request_range() = to_range(operation, serializable);
            break;
    }
}

Encoded encode_txn(const Call& call) {
    TxnRequest request;
    for (const Compare& compare : call.compares) {
        auto* out = request.add_compare();
        out->set_key(compare.key);
        out->set_result(etcdserverpb::Compare::EQUAL);
        if (compare.target == Compare::Target::kValue) {
            out->set_target(etcdserverpb::Compare::VALUE);
            out->set_value(compare.value);
        } else {
            out->set_target(etcdserverpb::Compare::MOD);
            out->set_mod_revision(compare.mod_revision);
        }
    }
    for (const Operation& operation : call.success) {
        fill(*request.add_success(), operation, call.serializable);
    }
    for (const Operation& operation : call.failure) {
        fill(*request.add_failure(), operation, call.serializable);
    }
    return {"/etcdserverpb.KV/Txn", request.SerializeAsString()};
}

OperationResult from_range(const RangeResponse& response) {
    OperationResult result;
    for (const mvccpb::KeyValue& kv : response.kvs()) {
        result.kvs.push_back(from_proto(kv));
    }
    return result;
}

bool is_txn(const Call& call) {
    return !call.compares.empty() || call.success.size() != 1;
}

bool decode_txn(const std::string& message, Call& call) {
    TxnResponse response;
    if (!response.ParseFromString(message)) {
        return false;
    }
    call.revision = response.header().revision();
    call.succeeded = response.succeeded();
    for (const etcdserverpb::ResponseOp& op : response.responses()) {
        if (op.has_response_range()) {
            call.results.push_back(from_range(op.response_range()));
        } else {
            call.results.push_back({.deleted = op.response_delete_range().deleted()});
        }
    }
    return true;
}

}  // namespace

KeyValue from_proto(const mvccpb::KeyValue& kv) {
    return {kv.key(),          kv.value(),   kv.create_revision(),
            kv.mod_revision(), kv.version(), kv.lease()};
}

Encoded encode(const Call& call) {
    if (is_txn(call)) {
        return encode_txn(call);
    }
    const Operation& operation = call.success.front();
    switch (operation.kind) {
        case Operation::Kind::kPut:
            return {"/etcdserverpb.KV/Put", to_put(operation).SerializeAsString()};
        case Operation::Kind::kDelete:
            return {"/etcdserverpb.KV/DeleteRange", to_delete(operation).SerializeAsString()};
        case Operation::Kind::kRange:
            break;
    }
    return {"/etcdserverpb.KV/Range", to_range(operation, call.serializable).SerializeAsString()};
}

bool decode_answer(const std::string& message, Call& call) {
    call.results.clear();
    if (is_txn(call)) {
        return decode_txn(message, call);
    }
    switch (call.success.front().kind) {
        case Operation::Kind::kPut: {
            PutResponse response;
            if (!response.ParseFromString(message)) {
                return false;
            }
            call.revision = response.header().revision();
            call.results.emplace_back();
            return true;
        }
        case Operation::Kind::kDelete: {
            DeleteRangeResponse response;
            if (!response.ParseFromString(message)) {
                return false;
            }
            call.revision = response.header().revision();
            call.results.push_back({.deleted = response.deleted()});
            return true;
        }
        case Operation::Kind::kRange: {
            RangeResponse response;
            if (!response.ParseFromString(message)) {
                return false;
            }
            call.revision = response.header().revision();
            call.results.push_back(from_range(response));
            return true;
        }
    }
    return false;
}

bool is_unknown_outcome(const Status& status) {
    switch (status.code()) {
        case Code::kUnavailable:
        case Code::kDeadlineExceeded:
        case Code::kCanceled:
        case Code::kUnknown:
        case Code::kInternal:
            return true;
        case Code::kOk:
        case Code::kInvalidArgument:
        case Code::kNotFound:
        case Code::kAlreadyExists:
        case Code::kPermissionDenied:
        case Code::kResourceExhausted:
        case Code::kFailedPrecondition:
        case Code::kAborted:
        case Code::kOutOfRange:
        case Code::kUnimplemented:
        case Code::kDataLoss:
        case Code::kUnauthenticated:
            return false;
    }
    return true;
}

}  // namespace quorate::sim
