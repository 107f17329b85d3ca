// SPDX-License-Identifier: Apache-2.0
#include "apply/compare.h"

#include "mvcc/record.h"

#include <compare>

namespace quorate::apply {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;

// A union member other than the target's is read as zero or empty, which is what protobuf's
// accessors give. Enumerators unknown to us compare as equal and hold, as in etcd.
std::strong_ordering order_of(const Compare& compare, const mvcc::KeyState& state, ByteView value) {
    switch (compare.target()) {
        case Compare::VERSION:
            return state.version <=> compare.version();
        case Compare::CREATE:
            return state.create_revision <=> compare.create_revision();
        case Compare::MOD:
            return state.mod.main <=> compare.mod_revision();
        case Compare::VALUE:
            return value <=> ByteView(compare.value());
        case Compare::LEASE:
            return state.lease <=> compare.lease();
        case etcdserverpb::Compare_CompareTarget_Compare_CompareTarget_INT_MIN_SENTINEL_DO_NOT_USE_:
        case etcdserverpb::Compare_CompareTarget_Compare_CompareTarget_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return std::strong_ordering::equal;
}

bool holds_for(const Compare& compare, const mvcc::KeyState& state, ByteView value) {
    const std::strong_ordering order = order_of(compare, state, value);
    switch (compare.result()) {
        case Compare::EQUAL:
            return order == 0;
        case Compare::NOT_EQUAL:
            return order != 0;
        case Compare::GREATER:
            return order > 0;
        case Compare::LESS:
            return order < 0;
        case etcdserverpb::Compare_CompareResult_Compare_CompareResult_INT_MIN_SENTINEL_DO_NOT_USE_:
        case etcdserverpb::Compare_CompareResult_Compare_CompareResult_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return true;
}

// The value of a live key; its record is there, since the index says so.
Result<bool> value_holds(const mvcc::ReadView& before, const Compare& compare, ByteView key,
                         const mvcc::KeyState& state) {
    const auto record = before.get(key);
    if (!record) {
        return record.error();
    }
    if (!record->has_value()) {
        return false;
    }
    const auto decoded = mvcc::decode_record((*record)->bytes);
    if (!decoded) {
        return decoded.error();
    }
    return holds_for(compare, state, decoded->value);
}

Result<bool> holds(const mvcc::ReadView& before, const Compare& compare) {
    const bool by_value = compare.target() == Compare::VALUE;
    bool any = false;
    bool all = true;
    Status failed;
    const Status visited = before.visit(
        {compare.key(), compare.range_end()}, [&](ByteView key, const mvcc::KeyState& state) {
            any = true;
            if (!by_value) {
                all = holds_for(compare, state, {});
                return all;
            }
            const Result<bool> result = value_holds(before, compare, key, state);
            if (!result) {
                failed = result.error();
                return false;
            }
            all = *result;
            return all;
        });
    if (!visited.ok()) {
        return visited;
    }
    if (!failed.ok()) {
        return failed;
    }
    // A missing key has no value, and otherwise numbers that are all zero.
    return any ? all : (!by_value && holds_for(compare, {}, {}));
}

Status extend_path(const mvcc::ReadView& before, const TxnRequest& request, TxnPath& path) {
    bool success = true;
    for (const Compare& compare : request.compare()) {
        const Result<bool> result = holds(before, compare);
        if (!result) {
            return result.error();
        }
        if (!*result) {
            success = false;
            break;
        }
    }
    path.push_back(success);
    for (const RequestOp& op : success ? request.success() : request.failure()) {
        if (op.request_case() == RequestOp::kRequestTxn) {
            if (Status s = extend_path(before, op.request_txn(), path); !s.ok()) {
                return s;
            }
        }
    }
    return {};
}

}  // namespace

Result<TxnPath> choose_path(const mvcc::ReadView& before, const TxnRequest& request) {
    TxnPath path;
    if (Status s = extend_path(before, request, path); !s.ok()) {
        return s;
    }
    return path;
}

}  // namespace quorate::apply
