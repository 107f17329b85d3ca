// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

namespace quorate::apply {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using wire::CommandKind;

class TxnTest : public ApplyTest {
  protected:
    TxnResponse txn(const TxnRequest& request) {
        return parsed<TxnResponse>(run(CommandKind::kTxn, request));
    }

    bool holds(const Compare& compare) {
        TxnRequest request;
        *request.add_compare() = compare;
        return txn(request).succeeded();
    }

    static Compare compare(const std::string& key, Compare::CompareTarget target,
                           Compare::CompareResult result, int64_t number) {
        Compare compare;
        compare.set_key(key);
        compare.set_target(target);
        compare.set_result(result);
        switch (target) {
            case Compare::VERSION:
                compare.set_version(number);
                break;
            case Compare::CREATE:
                compare.set_create_revision(number);
                break;
            case Compare::MOD:
                compare.set_mod_revision(number);
                break;
            case Compare::LEASE:
                compare.set_lease(number);
                break;
            default:
                ADD_FAILURE();
        }
        return compare;
    }

    static Compare value_is(const std::string& key, const std::string& value) {
        Compare compare;
        compare.set_key(key);
        compare.set_target(Compare::VALUE);
        compare.set_value(value);
        return compare;
    }

    static void add_put(RequestOp* op, const std::string& key, const std::string& value) {
        op->mutable_request_put()->set_key(key);
        op->mutable_request_put()->set_value(value);
    }
};

TEST_F(TxnTest, ComparesEveryTarget) {
    grant(10);
    put("a", "x", 10);
    put("a", "y", 10);
    EXPECT_TRUE(holds(compare("a", Compare::VERSION, Compare::EQUAL, 2)));
    EXPECT_TRUE(holds(compare("a", Compare::CREATE, Compare::LESS, 3)));
    EXPECT_TRUE(holds(compare("a", Compare::MOD, Compare::GREATER, 2)));
    EXPECT_FALSE(holds(compare("a", Compare::MOD, Compare::NOT_EQUAL, 3)));
    EXPECT_TRUE(holds(compare("a", Compare::LEASE, Compare::EQUAL, 10)));
    EXPECT_TRUE(holds(value_is("a", "y")));
    EXPECT_FALSE(holds(value_is("a", "x")));
}

TEST_F(TxnTest, AMissingKeyHasZerosAndNoValue) {
    EXPECT_TRUE(holds(compare("none", Compare::VERSION, Compare::EQUAL, 0)));
    EXPECT_TRUE(holds(compare("none", Compare::CREATE, Compare::LESS, 1)));
    Compare empty_value = value_is("none", "");
    EXPECT_FALSE(holds(empty_value));
    empty_value.set_result(Compare::NOT_EQUAL);
    EXPECT_FALSE(holds(empty_value));
}

TEST_F(TxnTest, ARangeCompareHoldsForEveryKey) {
    put("a", "1");
    put("b", "1");
    Compare all = value_is("a", "1");
    all.set_range_end("c");
    EXPECT_TRUE(holds(all));
    put("b", "2");
    EXPECT_FALSE(holds(all));
    Compare none = compare("x", Compare::VERSION, Compare::EQUAL, 0);
    none.set_range_end("z");
    EXPECT_TRUE(holds(none));
}

TEST_F(TxnTest, UnsetAndForeignUnionMembersCountAsZero) {
    put("a", "1");
    Compare unset;
    unset.set_key("a");
    unset.set_target(Compare::VERSION);
    unset.set_result(Compare::GREATER);
    EXPECT_TRUE(holds(unset));
    unset.set_mod_revision(100);  // not what the target asks about
    EXPECT_TRUE(holds(unset));
}

TEST_F(TxnTest, AllChangesShareOneRevisionAndRangesSeeThem) {
    put("a", "old");
    TxnRequest request;
    add_put(request.add_success(), "a", "new");
    request.add_success()->mutable_request_range()->set_key("a");
    request.add_success()->mutable_request_delete_range()->set_key("a");
    request.add_success()->mutable_request_range()->set_key("a");
    add_put(request.add_success(), "b", "1");
    const TxnResponse response = txn(request);
    EXPECT_TRUE(response.succeeded());
    EXPECT_EQ(response.header().revision(), 3);
    ASSERT_EQ(response.responses_size(), 5);
    EXPECT_EQ(response.responses(0).response_put().header().revision(), 3);
    EXPECT_EQ(response.responses(1).response_range().kvs(0).value(), "new");
    EXPECT_EQ(response.responses(1).response_range().kvs(0).mod_revision(), 3);
    EXPECT_EQ(response.responses(2).response_delete_range().deleted(), 1);
    EXPECT_EQ(response.responses(3).response_range().count(), 0);
    EXPECT_EQ(store_->current_revision(), 3);
}

TEST_F(TxnTest, ATxnThatChangesNothingTakesNoRevision) {
    put("a", "1");
    TxnRequest request;
    request.add_success()->mutable_request_delete_range()->set_key("none");
    EXPECT_EQ(txn(request).header().revision(), 2);
    EXPECT_EQ(store_->current_revision(), 2);
}

TEST_F(TxnTest, NestedComparesSeeTheStateBefore) {
    TxnRequest request;
    add_put(request.add_success(), "a", "1");
    TxnRequest* inner = request.add_success()->mutable_request_txn();
    *inner->add_compare() = compare("a", Compare::VERSION, Compare::GREATER, 0);
    add_put(inner->add_success(), "seen", "yes");
    add_put(inner->add_failure(), "seen", "no");
    const TxnResponse response = txn(request);
    EXPECT_FALSE(response.responses(1).response_txn().succeeded());
    EXPECT_TRUE(response.responses(1).response_txn().has_header());
    EXPECT_EQ(value("seen"), "no");
    EXPECT_EQ(value("a"), "1");
}

TEST_F(TxnTest, TheWholePathIsCheckedBeforeAnythingIsWritten) {
    put("a", "1");
    TxnRequest request;
    add_put(request.add_success(), "b", "2");
    TxnRequest* inner = request.add_success()->mutable_request_txn();
    add_put(inner->add_success(), "c", "3");
    inner->mutable_success(0)->mutable_request_put()->set_lease(99);
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kLeaseNotFound));
    inner->mutable_success(0)->mutable_request_put()->clear_lease();
    inner->add_success()->mutable_request_range()->set_key("a");
    inner->mutable_success(1)->mutable_request_range()->set_revision(50);
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kFutureRev));
    EXPECT_EQ(value("b"), "(none)");
    EXPECT_EQ(store_->current_revision(), 2);
    // The branch that is not taken is not looked at.
    *request.add_compare() = compare("a", Compare::VERSION, Compare::EQUAL, 77);
    EXPECT_FALSE(txn(request).succeeded());
}

TEST_F(TxnTest, OfTwoMistakesTheFirstIsToldOf) {
    TxnRequest request;
    auto* range = request.add_success()->mutable_request_range();
    range->set_key("a");
    range->set_revision(50);
    add_put(request.add_success(), "b", "2");
    auto* wrong = request.mutable_success(1)->mutable_request_put();
    wrong->set_lease(99);
    wrong->set_value("");
    wrong->set_ignore_value(true);
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kFutureRev));
    request.mutable_success()->SwapElements(0, 1);
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kLeaseNotFound));
    request.mutable_success(0)->mutable_request_put()->clear_lease();
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kKeyNotFound));
}

TEST_F(TxnTest, IgnoreValueNeedsTheKeyBeforeTheTxn) {
    TxnRequest request;
    request.add_success()->mutable_request_txn();
    auto* put_again = request.add_success()->mutable_request_put();
    put_again->set_key("a");
    put_again->set_ignore_value(true);
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kKeyNotFound));
    put("a", "kept");
    txn(request);
    EXPECT_EQ(value("a"), "kept");
}

TEST_F(TxnTest, AKeyDeletedByTheTxnItselfHasNothingToKeep) {
    put("a", "1");
    TxnRequest request;
    auto* erase_all = request.add_success()->mutable_request_delete_range();
    erase_all->set_key("a");
    erase_all->set_range_end(std::string(1, '\0'));
    auto* keep = request.add_success()->mutable_request_put();
    keep->set_key("a");
    keep->set_ignore_lease(true);
    EXPECT_TRUE(run(CommandKind::kTxn, request).status.is(errors::kKeyNotFound));
    EXPECT_EQ(value("a"), "1");
    // Without anything to keep it is an ordinary put.
    keep->set_ignore_lease(false);
    keep->set_value("2");
    txn(request);
    EXPECT_EQ(value("a"), "2");
}

TEST_F(TxnTest, LeasesFollowTheKeysOfATxn) {
    grant(10);
    TxnRequest request;
    add_put(request.add_success(), "a", "1");
    request.mutable_success(0)->mutable_request_put()->set_lease(10);
    txn(request);
    EXPECT_EQ(lessor_.keys(10), std::vector<Bytes>{"a"});
    TxnRequest erase;
    erase.add_success()->mutable_request_delete_range()->set_key("a");
    txn(erase);
    EXPECT_TRUE(lessor_.keys(10).empty());
}

}  // namespace
}  // namespace quorate::apply
