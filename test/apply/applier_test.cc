// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

namespace quorate::apply {
namespace {

using etcdserverpb::AlarmRequest;
using wire::CommandKind;

TEST_F(ApplyTest, PutAnswersWithTheNewRevision) {
    const auto first = parsed<etcdserverpb::PutResponse>(put("a", "1"));
    EXPECT_EQ(first.header().revision(), 2);
    EXPECT_EQ(first.header().cluster_id(), 1u);
    EXPECT_EQ(first.header().member_id(), 2u);
    EXPECT_EQ(first.header().raft_term(), 7u);
    etcdserverpb::PutRequest again;
    again.set_key("a");
    again.set_ignore_value(true);
    again.set_prev_kv(true);
    const auto second = parsed<etcdserverpb::PutResponse>(run(CommandKind::kPut, again));
    EXPECT_EQ(second.header().revision(), 3);
    EXPECT_EQ(second.prev_kv().value(), "1");
    EXPECT_EQ(value("a"), "1");
}

TEST_F(ApplyTest, ARefusedPutChangesNothing) {
    etcdserverpb::PutRequest request;
    request.set_key("missing");
    request.set_ignore_lease(true);
    EXPECT_TRUE(run(CommandKind::kPut, request).status.is(errors::kKeyNotFound));
    EXPECT_TRUE(put("a", "1", 99).status.is(errors::kLeaseNotFound));
    EXPECT_EQ(store_->current_revision(), 1);
}

TEST_F(ApplyTest, DeleteRangeGivesOnlyWhatWasThere) {
    put("a", "1");
    put("b", "2");
    etcdserverpb::DeleteRangeRequest request;
    request.set_key("a");
    request.set_range_end("z");
    request.set_prev_kv(true);
    const auto response =
        parsed<etcdserverpb::DeleteRangeResponse>(run(CommandKind::kDeleteRange, request));
    EXPECT_EQ(response.deleted(), 2);
    EXPECT_EQ(response.prev_kvs(1).value(), "2");
    EXPECT_EQ(response.header().revision(), 4);
    const auto nothing =
        parsed<etcdserverpb::DeleteRangeResponse>(run(CommandKind::kDeleteRange, request));
    EXPECT_EQ(nothing.deleted(), 0);
    EXPECT_EQ(nothing.header().revision(), 4);
}

TEST_F(ApplyTest, AKeyHangsOnOneLeaseAtMost) {
    grant(10);
    grant(11);
    put("k", "v", 10);
    EXPECT_EQ(lessor_.keys(10), std::vector<Bytes>{"k"});
    put("k", "v", 11);
    EXPECT_TRUE(lessor_.keys(10).empty());
    put("k", "v");
    EXPECT_TRUE(lessor_.keys(11).empty());
    put("k", "v", 10);
    etcdserverpb::DeleteRangeRequest erase;
    erase.set_key("k");
    run(CommandKind::kDeleteRange, erase);
    EXPECT_TRUE(lessor_.keys(10).empty());
}

TEST_F(ApplyTest, RevokingALeaseDeletesItsKeysInOneRevision) {
    EXPECT_EQ(parsed<etcdserverpb::LeaseGrantResponse>(grant(10, 1)).ttl(), 2);
    put("b", "v", 10);
    put("a", "v", 10);
    const int64_t before = store_->current_revision();
    etcdserverpb::LeaseRevokeRequest revoke;
    revoke.set_id(10);
    const auto response =
        parsed<etcdserverpb::LeaseRevokeResponse>(run(CommandKind::kLeaseRevoke, revoke));
    EXPECT_EQ(response.header().revision(), before + 1);
    EXPECT_EQ(value("a"), "(none)");
    EXPECT_EQ(value("b"), "(none)");
    EXPECT_TRUE(run(CommandKind::kLeaseRevoke, revoke).status.is(errors::kLeaseNotFound));
}

TEST_F(ApplyTest, ExpiredLeasesEachTakeARevisionAndUnknownOnesNone) {
    grant(10);
    grant(11);
    put("a", "v", 10);
    put("b", "v", 11);
    const int64_t before = store_->current_revision();
    wire::ExpiredLeases expired;
    expired.add_ids(10);
    expired.add_ids(4711);
    expired.add_ids(11);
    EXPECT_TRUE(run(CommandKind::kExpiredLeases, expired).status.ok());
    EXPECT_EQ(store_->current_revision(), before + 2);
    EXPECT_EQ(lessor_.size(), 0u);
}

TEST_F(ApplyTest, CompactionChecksItsRevision) {
    put("a", "1");
    put("a", "2");
    etcdserverpb::CompactionRequest request;
    request.set_revision(9);
    EXPECT_TRUE(run(CommandKind::kCompaction, request).status.is(errors::kFutureRev));
    request.set_revision(3);
    request.set_physical(true);
    const Outcome outcome = run(CommandKind::kCompaction, request);
    EXPECT_TRUE(outcome.after_compaction);
    EXPECT_EQ(parsed<etcdserverpb::CompactionResponse>(outcome).header().revision(), 3);
    EXPECT_TRUE(run(CommandKind::kCompaction, request).status.is(errors::kCompacted));
}

TEST_F(ApplyTest, NoSpaceStopsGrowthAndNothingElse) {
    grant(10);
    put("a", "1");
    AlarmRequest raise;
    raise.set_action(AlarmRequest::ACTIVATE);
    raise.set_memberid(2);
    raise.set_alarm(etcdserverpb::NOSPACE);
    EXPECT_EQ(parsed<etcdserverpb::AlarmResponse>(run(CommandKind::kAlarm, raise)).alarms_size(),
              1);

    EXPECT_TRUE(put("b", "2").status.is(errors::kNoSpace));
    EXPECT_TRUE(grant(11).status.is(errors::kNoSpace));
    etcdserverpb::TxnRequest txn;
    txn.add_failure()->mutable_request_put()->set_key("c");
    EXPECT_TRUE(run(CommandKind::kTxn, txn).status.is(errors::kNoSpace));

    etcdserverpb::TxnRequest erasing;
    erasing.add_success()->mutable_request_delete_range()->set_key("a");
    EXPECT_TRUE(run(CommandKind::kTxn, erasing).status.ok());
    etcdserverpb::LeaseRevokeRequest revoke;
    revoke.set_id(10);
    EXPECT_TRUE(run(CommandKind::kLeaseRevoke, revoke).status.ok());
    etcdserverpb::CompactionRequest compaction;
    compaction.set_revision(2);
    EXPECT_TRUE(run(CommandKind::kCompaction, compaction).status.ok());

    raise.set_action(AlarmRequest::DEACTIVATE);
    raise.set_memberid(0);  // no alarm has this id
    EXPECT_EQ(parsed<etcdserverpb::AlarmResponse>(run(CommandKind::kAlarm, raise)).alarms_size(),
              0);
    EXPECT_TRUE(put("b", "2").status.is(errors::kNoSpace));
    raise.set_memberid(2);
    EXPECT_EQ(parsed<etcdserverpb::AlarmResponse>(run(CommandKind::kAlarm, raise)).alarms_size(),
              1);
    EXPECT_TRUE(put("b", "2").status.ok());
}

TEST_F(ApplyTest, CorruptStopsDeletesToo) {
    AlarmRequest raise;
    raise.set_action(AlarmRequest::ACTIVATE);
    raise.set_memberid(2);
    raise.set_alarm(etcdserverpb::CORRUPT);
    run(CommandKind::kAlarm, raise);
    EXPECT_TRUE(put("b", "2").status.is(errors::kCorrupt));
    etcdserverpb::DeleteRangeRequest erase;
    erase.set_key("a");
    EXPECT_TRUE(run(CommandKind::kDeleteRange, erase).status.is(errors::kCorrupt));
}

TEST_F(ApplyTest, AlarmsSurviveARestart) {
    AlarmRequest raise;
    raise.set_action(AlarmRequest::ACTIVATE);
    raise.set_memberid(0xffffffffffffffff);
    raise.set_alarm(etcdserverpb::NOSPACE);
    run(CommandKind::kAlarm, raise);
    AlarmStore restored;
    auto view = backend_.view();
    ASSERT_TRUE(view.has_value());
    ASSERT_TRUE(restored.restore(**view).ok());
    ASSERT_EQ(restored.list(AlarmType::kNone).size(), 1u);
    EXPECT_EQ(restored.list(AlarmType::kNoSpace)[0].member_id, 0xffffffffffffffff);
    EXPECT_TRUE(restored.list(AlarmType::kCorrupt).empty());
}

TEST_F(ApplyTest, AnEntryThatIsNoCommandIsRefusedAndTheNextOnesGoOn) {
    raft::Entry entry;
    entry.id = {.term = 1, .index = ++index_};
    entry.payload = std::make_shared<const Bytes>("\xff\xff\xff");
    State state = this->state();
    EXPECT_EQ(applier_.apply(state, entry, 1).status.code(), Code::kInternal);
    EXPECT_TRUE(put("a", "1").status.ok());
}

}  // namespace
}  // namespace quorate::apply
