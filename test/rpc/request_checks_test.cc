// SPDX-License-Identifier: Apache-2.0
#include "rpc/request_checks.h"

#include "base/bytes.h"
#include "base/errors.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace quorate::rpc {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;

RequestOp put(const std::string& key) {
    RequestOp op;
    op.mutable_request_put()->set_key(key);
    return op;
}

RequestOp del(const std::string& key, const std::string& end = {}) {
    RequestOp op;
    op.mutable_request_delete_range()->set_key(key);
    op.mutable_request_delete_range()->set_range_end(end);
    return op;
}

RequestOp nested(std::initializer_list<RequestOp> success,
                 std::initializer_list<RequestOp> failure = {}) {
    RequestOp op;
    for (const RequestOp& inner : success) {
        *op.mutable_request_txn()->add_success() = inner;
    }
    for (const RequestOp& inner : failure) {
        *op.mutable_request_txn()->add_failure() = inner;
    }
    op.mutable_request_txn();
    return op;
}

Status check(std::initializer_list<RequestOp> success,
             std::initializer_list<RequestOp> failure = {}) {
    return check_txn(nested(success, failure).request_txn(), 128);
}

TEST(RequestChecks, Range) {
    RangeRequest request;
    EXPECT_TRUE(check_range(request).is(errors::kEmptyKey));
    request.set_key("k");
    EXPECT_TRUE(check_range(request).ok());
    request.set_sort_order(static_cast<RangeRequest::SortOrder>(9));
    EXPECT_TRUE(check_range(request).is(errors::kInvalidSortOption));
    request.set_sort_order(RangeRequest::NONE);
    request.set_sort_target(static_cast<RangeRequest::SortTarget>(5));
    EXPECT_TRUE(check_range(request).is(errors::kInvalidSortOption));
}

TEST(RequestChecks, RangeStreamServesTheDefaultOrderAlone) {
    RangeRequest request;
    request.set_key("k");
    request.set_sort_target(RangeRequest::VALUE);
    EXPECT_TRUE(check_range_stream(request).ok());
    request.set_sort_order(RangeRequest::ASCEND);
    EXPECT_TRUE(check_range_stream(request).is(errors::kStreamCustomSort));
    request.set_sort_target(RangeRequest::KEY);
    EXPECT_TRUE(check_range_stream(request).ok());
    request.set_min_create_revision(1);
    EXPECT_TRUE(check_range_stream(request).is(errors::kStreamRevisionFilter));
}

TEST(RequestChecks, Put) {
    etcdserverpb::PutRequest request;
    EXPECT_TRUE(check_put(request).is(errors::kEmptyKey));
    request.set_key("k");
    request.set_value("v");
    request.set_ignore_value(true);
    EXPECT_TRUE(check_put(request).is(errors::kValueProvided));
    request.clear_value();
    request.set_lease(1);
    request.set_ignore_lease(true);
    EXPECT_TRUE(check_put(request).is(errors::kLeaseProvided));
    request.clear_lease();
    EXPECT_TRUE(check_put(request).ok());
}

TEST(RequestChecks, TxnCountsItsLongestListAndGivesTheRestToNestedOnes) {
    TxnRequest request;
    for (int i = 0; i < 3; ++i) {
        *request.add_success() = put("k" + std::to_string(i));
    }
    EXPECT_TRUE(check_txn(request, 3).ok());
    EXPECT_TRUE(check_txn(request, 2).is(errors::kTooManyOps));
    *request.add_failure() = nested({put("a"), put("b")});
    EXPECT_TRUE(check_txn(request, 5).ok());
    EXPECT_TRUE(check_txn(request, 4).is(errors::kTooManyOps));
}

TEST(RequestChecks, TxnLooksIntoEveryOperation) {
    EXPECT_TRUE(check({RequestOp()}).is(errors::kKeyNotFound));
    EXPECT_TRUE(check({}, {put("")}).is(errors::kEmptyKey));
    EXPECT_TRUE(check({nested({}, {del("")})}).is(errors::kEmptyKey));
    TxnRequest request;
    request.add_compare();
    EXPECT_TRUE(check_txn(request, 128).is(errors::kEmptyKey));
}

TEST(RequestChecks, NoKeyIsChangedTwiceInOneBranch) {
    EXPECT_TRUE(check({put("a"), put("a")}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({put("a")}, {put("a")}).ok());
    EXPECT_TRUE(check({del("a"), put("a")}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({put("b"), del("a", "c")}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({put("c"), del("a", "c")}).ok());
    EXPECT_TRUE(check({del("a", "c"), del("b", "d")}).ok());
    EXPECT_TRUE(check({del("a", "c"), del("c", "e"), put("d")}).is(errors::kDuplicateKey));
}

TEST(RequestChecks, NestedBranchesExcludeEachOtherOnly) {
    EXPECT_TRUE(check({nested({put("a")}, {put("a")})}).ok());
    EXPECT_TRUE(check({nested({put("a")}), put("a")}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({nested({put("a")}), nested({}, {put("a")})}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({del("a"), nested({put("a")})}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({nested({del("a")}), nested({put("a")})}).is(errors::kDuplicateKey));
    EXPECT_TRUE(check({nested({del("a")}), put("a")}).is(errors::kDuplicateKey));
}

// Two holes of etcd's check that clients may rely on.
TEST(RequestChecks, KeepsEtcdsHoles) {
    EXPECT_TRUE(check({nested({put("a")}), nested({del("a")})}).ok());
    EXPECT_TRUE(check({del("a", Bytes(1, '\0')), put("b")}).ok());
}

// The merged intervals give what looking at each delete by itself gives.
TEST(RequestChecks, IntervalsAgreeWithTheNaiveCheck) {
    uint32_t state = 1;
    const auto random = [&state](uint32_t bound) {
        state = state * 1664525 + 1013904223;
        return (state >> 16) % bound;
    };
    for (int round = 0; round < 2000; ++round) {
        TxnRequest request;
        std::vector<std::pair<std::string, std::string>> deletes;
        for (uint32_t i = random(5); i > 0; --i) {
            std::string lo(1, static_cast<char>('a' + random(8)));
            std::string hi(1, static_cast<char>('a' + random(8)));
            *request.add_success() = del(lo, hi);
            deletes.emplace_back(lo, hi);
        }
        const std::string key(1, static_cast<char>('a' + random(8)));
        *request.add_success() = put(key);
        bool covered = false;
        for (const auto& [lo, hi] : deletes) {
            covered = covered || (key >= lo && key < hi);
        }
        EXPECT_EQ(check_txn(request, 128).is(errors::kDuplicateKey), covered) << "round " << round;
    }
}

}  // namespace
}  // namespace quorate::rpc
