// SPDX-License-Identifier: Apache-2.0
#include "rpc/recipe_requests.h"

#include "base/assert.h"

#include <array>
#include <charconv>

namespace quorate::rpc {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::TxnRequest;

Bytes prefix_end(const Bytes& prefix) {
    QUORATE_ASSERT(prefix.ends_with('/'));
    Bytes end = prefix;
    end.back() = '/' + 1;
    return end;
}

Bytes queue_key(const Bytes& prefix, int64_t lease) {
    constexpr int kHexadecimal = 16;
    std::array<char, 20> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), lease, kHexadecimal);
    return prefix + Bytes(digits.data(), end.ptr);
}

etcdserverpb::LeaseGrantRequest session_lease() {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(kSessionTtl_s);
    return request;
}

RangeRequest first_created(const Bytes& prefix) {
    RangeRequest request;
    request.set_key(prefix);
    request.set_range_end(prefix_end(prefix));
    request.set_limit(1);
    request.set_sort_target(RangeRequest::CREATE);
    request.set_sort_order(RangeRequest::ASCEND);
    return request;
}

RangeRequest last_created(const Bytes& prefix, int64_t created_max) {
    RangeRequest request = first_created(prefix);
    request.set_sort_order(RangeRequest::DESCEND);
    request.set_max_create_revision(created_max);
    return request;
}

RangeRequest just(const Bytes& key) {
    RangeRequest request;
    request.set_key(key);
    return request;
}

void compare_created(TxnRequest& txn, const Bytes& key, int64_t revision) {
    Compare& compare = *txn.add_compare();
    compare.set_key(key);
    compare.set_target(Compare::CREATE);
    compare.set_result(Compare::EQUAL);
    compare.set_create_revision(revision);
}

void then_put(TxnRequest& txn, const Bytes& key, const Bytes& value, int64_t lease) {
    etcdserverpb::PutRequest& put = *txn.add_success()->mutable_request_put();
    put.set_key(key);
    put.set_value(value);
    put.set_lease(lease);
}

TxnRequest proclaim(const Bytes& key, int64_t revision, const Bytes& value, int64_t lease) {
    TxnRequest txn;
    compare_created(txn, key, revision);
    then_put(txn, key, value, lease);
    return txn;
}

TxnRequest resign(const Bytes& key, int64_t revision) {
    TxnRequest txn;
    compare_created(txn, key, revision);
    txn.add_success()->mutable_request_delete_range()->set_key(key);
    return txn;
}

}  // namespace quorate::rpc
