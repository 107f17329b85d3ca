// SPDX-License-Identifier: Apache-2.0
//
// Who may do what to which keys, through the applier, as entries of the log. The holes that were
// found in etcd in 2026 are each a test with the advisory's name.
#include "apply/authorize.h"

#include "fixture.h"

#include <set>

namespace quorate::apply {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using wire::CommandKind;

// alice reads and writes a/..., reads shared, writes drop; everything else is not hers.
class AuthorizeTest : public ApplyTest {
  protected:
    AuthorizeTest() {
        EXPECT_TRUE(auth_.add_user({"root", "h", {}, false}, batch_).ok());
        EXPECT_TRUE(auth_.grant_role("root", "root", batch_).ok());
        EXPECT_TRUE(auth_.add_user({"alice", "h", {}, false}, batch_).ok());
        EXPECT_TRUE(auth_.add_role("r", batch_).ok());
        allow(auth::Grant::kReadWrite, "a/", "a0");
        allow(auth::Grant::kRead, "shared", "");
        allow(auth::Grant::kWrite, "drop", "");
        EXPECT_TRUE(auth_.grant_role("alice", "r", batch_).ok());
        EXPECT_TRUE(auth_.enable(batch_).ok());
    }

    void allow(auth::Grant grant, const std::string& key, const std::string& end) {
        EXPECT_TRUE(auth_.grant_permission("r", {grant, key, end}, batch_).ok());
    }

    wire::Origin as(ByteView user) const { return {user, auth_.rules().revision}; }

    template <typename Request>
    Status run_as(ByteView user, CommandKind kind, const Request& request) {
        return run(kind, request, as(user)).status;
    }

    static etcdserverpb::PutRequest put_of(const std::string& key) {
        etcdserverpb::PutRequest request;
        request.set_key(key);
        return request;
    }

    // A transaction with one operation, which alice may do, next to what the test adds.
    static TxnRequest harmless() {
        TxnRequest txn;
        *txn.add_success()->mutable_request_put() = put_of("a/1");
        return txn;
    }

    void expect_denied(const TxnRequest& txn) {
        EXPECT_TRUE(run_as("alice", CommandKind::kTxn, txn).is(errors::kPermissionDenied));
        // The same inside another, and in the branch that is not taken.
        TxnRequest outer = harmless();
        *outer.add_failure()->mutable_request_txn() = txn;
        EXPECT_TRUE(run_as("alice", CommandKind::kTxn, outer).is(errors::kPermissionDenied));
        TxnRequest third = harmless();
        *third.add_success()->mutable_request_txn() = outer;
        EXPECT_TRUE(run_as("alice", CommandKind::kTxn, third).is(errors::kPermissionDenied));
        EXPECT_TRUE(run_as("root", CommandKind::kTxn, txn).ok());
    }
};

TEST_F(AuthorizeTest, PutsNeedTheRightToWrite) {
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, put_of("a/1")).ok());
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, put_of("drop")).ok());
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, put_of("shared")).is(errors::kPermissionDenied));
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, put_of("b")).is(errors::kPermissionDenied));
    EXPECT_TRUE(run_as("root", CommandKind::kPut, put_of("b")).ok());
    EXPECT_TRUE(run_as("nobody", CommandKind::kPut, put_of("a/1")).is(errors::kPermissionDenied));
    EXPECT_TRUE(run(CommandKind::kPut, put_of("a/1")).status.is(errors::kUserEmpty));
    EXPECT_EQ(value("shared"), "(none)");
}

TEST_F(AuthorizeTest, AnOldRevisionIsRefusedAtApply) {
    const uint64_t before = auth_.rules().revision;
    ASSERT_TRUE(auth_.add_role("another", batch_).ok());
    EXPECT_TRUE(run(CommandKind::kPut, put_of("a/1"), {"alice", before})
                    .status.is(errors::kAuthOldRevision));
    EXPECT_TRUE(run(CommandKind::kPut, put_of("a/1"), as("alice")).status.ok());
}

TEST_F(AuthorizeTest, DeletesNeedTheWholeRange) {
    etcdserverpb::DeleteRangeRequest request;
    request.set_key("a/");
    request.set_range_end("a0");
    EXPECT_TRUE(run_as("alice", CommandKind::kDeleteRange, request).ok());
    request.set_range_end("b");
    EXPECT_TRUE(run_as("alice", CommandKind::kDeleteRange, request).is(errors::kPermissionDenied));
    request.set_range_end(std::string(1, '\0'));
    EXPECT_TRUE(run_as("alice", CommandKind::kDeleteRange, request).is(errors::kPermissionDenied));
}

TEST_F(AuthorizeTest, ThePreviousPairNeedsTheRightToRead) {
    etcdserverpb::PutRequest request = put_of("drop");
    request.set_prev_kv(true);
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, request).is(errors::kPermissionDenied));
    etcdserverpb::DeleteRangeRequest erase;
    erase.set_key("drop");
    erase.set_prev_kv(true);
    EXPECT_TRUE(run_as("alice", CommandKind::kDeleteRange, erase).is(errors::kPermissionDenied));
    erase.set_prev_kv(false);
    EXPECT_TRUE(run_as("alice", CommandKind::kDeleteRange, erase).ok());
}

TEST_F(AuthorizeTest, Cve202633343NestedTransactionsAreLookedThrough) {
    TxnRequest put;
    *put.add_success()->mutable_request_put() = put_of("b");
    expect_denied(put);
    TxnRequest range;
    range.add_failure()->mutable_request_range()->set_key("b");
    expect_denied(range);
    TxnRequest erase;
    erase.add_success()->mutable_request_delete_range()->set_key("b");
    expect_denied(erase);
    EXPECT_EQ(value("a/1"), "(none)");
}

TEST_F(AuthorizeTest, ConditionsNeedTheRightToReadTheirWholeRange) {
    TxnRequest txn;
    Compare* compare = txn.add_compare();
    compare->set_key("b");
    compare->set_target(Compare::VALUE);
    expect_denied(txn);
    compare->set_key("a/");
    compare->set_range_end("b");
    expect_denied(txn);
    compare->set_range_end(std::string(1, '\0'));
    expect_denied(txn);
    compare->set_range_end("a0");
    EXPECT_TRUE(run_as("alice", CommandKind::kTxn, txn).ok());
}

TEST_F(AuthorizeTest, Cve202644283PrevKvInATransactionNeedsTheRightToRead) {
    TxnRequest txn;
    *txn.add_success()->mutable_request_put() = put_of("drop");
    EXPECT_TRUE(run_as("alice", CommandKind::kTxn, txn).ok());
    txn.mutable_success(0)->mutable_request_put()->set_prev_kv(true);
    expect_denied(txn);
    TxnRequest erase;
    erase.add_failure()->mutable_request_delete_range()->set_key("drop");
    EXPECT_TRUE(run_as("alice", CommandKind::kTxn, erase).ok());
    erase.mutable_failure(0)->mutable_request_delete_range()->set_prev_kv(true);
    expect_denied(erase);
}

// Who may end a lease ends its keys: a put may not tie its key to one with keys of others.
TEST_F(AuthorizeTest, Cve202644283ALeaseInATransactionNeedsTheRightToItsKeys) {
    ASSERT_TRUE(run(
                    CommandKind::kLeaseGrant,
                    [] {
                        etcdserverpb::LeaseGrantRequest request;
                        request.set_id(7);
                        request.set_ttl(60);
                        return request;
                    }(),
                    as("alice"))
                    .status.ok());
    etcdserverpb::PutRequest mine = put_of("a/1");
    mine.set_lease(7);
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, mine).ok());
    etcdserverpb::PutRequest others = put_of("b");
    others.set_lease(7);
    EXPECT_TRUE(run_as("root", CommandKind::kPut, others).ok());
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, mine).is(errors::kPermissionDenied));
    TxnRequest txn;
    *txn.add_success()->mutable_request_put() = mine;
    expect_denied(txn);

    etcdserverpb::LeaseRevokeRequest revoke;
    revoke.set_id(7);
    EXPECT_TRUE(run_as("alice", CommandKind::kLeaseRevoke, revoke).is(errors::kPermissionDenied));
    etcdserverpb::DeleteRangeRequest erase;
    erase.set_key("b");
    EXPECT_TRUE(run_as("root", CommandKind::kDeleteRange, erase).ok());
    EXPECT_TRUE(run_as("alice", CommandKind::kLeaseRevoke, revoke).ok());
    EXPECT_TRUE(run_as("alice", CommandKind::kLeaseRevoke, revoke).is(errors::kLeaseNotFound));
}

// Methods that had no check at all: nobody without a login, and none but root where it is root's.
TEST_F(AuthorizeTest, Cve202633413EveryCommandAsksWhoItIsFrom) {
    const auto* oneof = wire::Command::descriptor()->FindOneofByName("request");
    ASSERT_NE(oneof, nullptr);
    const std::set<std::string> for_users = {"put", "delete_range", "txn", "lease_grant",
                                             "lease_revoke"};
    const std::set<std::string> for_members = {
        "lease_checkpoint", "expired_leases", "member_attributes", "cluster_version", "auth_token"};
    for (int i = 0; i < oneof->field_count(); ++i) {
        const auto* field = oneof->field(i);
        SCOPED_TRACE(field->name());
        wire::Command command;
        command.GetReflection()->MutableMessage(&command, field);
        const Needs needs = needs_of(command);
        const auto ask = [&](ByteView user) {
            return authorize(auth_.rules(), {std::string(user), auth_.rules().revision}, needs,
                             &lessor_);
        };
        EXPECT_TRUE(ask("").is(errors::kUserEmpty));
        if (for_members.contains(field->name())) {
            EXPECT_TRUE(ask("root").is(errors::kPermissionDenied));
        } else {
            EXPECT_TRUE(ask("root").ok());
        }
        EXPECT_EQ(needs.who == Who::kUser, for_users.contains(field->name()));
        if (needs.who != Who::kUser) {
            EXPECT_TRUE(ask("alice").is(errors::kPermissionDenied));
        }
    }
}

TEST_F(AuthorizeTest, WhatIsNotKnownIsDenied) {
    EXPECT_TRUE(authorize(auth_.rules(), {"root", auth_.rules().revision},
                          needs_of(wire::Command()), &lessor_)
                    .is(errors::kPermissionDenied));
    TxnRequest txn = harmless();
    txn.add_success();  // an operation of a kind that a newer client knows
    EXPECT_TRUE(run_as("alice", CommandKind::kTxn, txn).is(errors::kPermissionDenied));
}

TEST_F(AuthorizeTest, GhsaXg4h6gfcH4m8WatchesNeedTheirWholeRange) {
    const auto ask = [&](const std::string& key, const std::string& end) {
        etcdserverpb::WatchCreateRequest request;
        request.set_key(key);
        request.set_range_end(end);
        return authorize(auth_.rules(), {"alice", auth_.rules().revision}, needs_of(request),
                         nullptr);
    };
    EXPECT_TRUE(ask("shared", "").ok());
    EXPECT_TRUE(ask("a/", "a0").ok());
    EXPECT_TRUE(ask("shared", std::string(1, '\0')).is(errors::kPermissionDenied));
    EXPECT_TRUE(ask("", std::string(1, '\0')).is(errors::kPermissionDenied));
    EXPECT_TRUE(ask("", "").is(errors::kPermissionDenied));
    EXPECT_TRUE(ask("a/", "b").is(errors::kPermissionDenied));
    EXPECT_TRUE(ask("drop", "").is(errors::kPermissionDenied));
}

TEST_F(AuthorizeTest, ReadOnlyTransactionsAreJudgedAlike) {
    TxnRequest txn;
    txn.add_success()->mutable_request_range()->set_key("shared");
    State state = this->state();
    const auth::Caller alice{"alice", auth_.rules().revision};
    EXPECT_TRUE(applier_.read_only_txn(state, txn, alice, 1).status.ok());
    txn.add_failure()->mutable_request_range()->set_key("b");
    EXPECT_TRUE(applier_.read_only_txn(state, txn, alice, 1).status.is(errors::kPermissionDenied));
    EXPECT_TRUE(applier_.read_only_txn(state, txn, {}, 1).status.is(errors::kUserEmpty));
}

TEST_F(AuthorizeTest, LeasesShowTheirKeysToWhoMayReadThem) {
    ASSERT_TRUE(grant(9).status.is(errors::kUserEmpty));
    etcdserverpb::LeaseGrantRequest granted;
    granted.set_id(9);
    granted.set_ttl(60);
    ASSERT_TRUE(run_as("alice", CommandKind::kLeaseGrant, granted).ok());
    etcdserverpb::PutRequest secret = put_of("b");
    secret.set_lease(9);
    ASSERT_TRUE(run_as("root", CommandKind::kPut, secret).ok());
    const auth::Caller alice{"alice", auth_.rules().revision};
    etcdserverpb::LeaseTimeToLiveRequest ask;
    ask.set_id(9);
    EXPECT_TRUE(authorize(auth_.rules(), alice, needs_of(ask), &lessor_).ok());
    ask.set_keys(true);
    EXPECT_TRUE(
        authorize(auth_.rules(), alice, needs_of(ask), &lessor_).is(errors::kPermissionDenied));
    EXPECT_TRUE(authorize(auth_.rules(), alice, needs_of_lease_list(lessor_), &lessor_)
                    .is(errors::kPermissionDenied));
    etcdserverpb::LeaseKeepAliveRequest renew;
    renew.set_id(9);
    EXPECT_TRUE(
        authorize(auth_.rules(), alice, needs_of(renew), &lessor_).is(errors::kPermissionDenied));
    renew.set_id(10);
    EXPECT_TRUE(authorize(auth_.rules(), alice, needs_of(renew), &lessor_).ok());
}

TEST_F(AuthorizeTest, EverybodyMayAskForThemselves) {
    const auth::Rules& rules = auth_.rules();
    const auth::Caller alice{"alice", rules.revision};
    EXPECT_TRUE(authorize_user_get(rules, alice, "alice").ok());
    EXPECT_TRUE(authorize_user_get(rules, alice, "root").is(errors::kPermissionDenied));
    EXPECT_TRUE(authorize_user_get(rules, {}, "").is(errors::kUserEmpty));
    EXPECT_TRUE(authorize_role_get(rules, alice, "r").ok());
    EXPECT_TRUE(authorize_role_get(rules, alice, "root").is(errors::kPermissionDenied));
    EXPECT_TRUE(authorize_role_get(rules, {"root", 0}, "r").ok());
    EXPECT_TRUE(authorize_role_get(rules, {}, "r").is(errors::kUserEmpty));
}

TEST_F(AuthorizeTest, MembersAskForThemselvesWhateverTheRules) {
    etcdserverpb::CompactionRequest request;
    request.set_revision(1);
    EXPECT_TRUE(run(CommandKind::kCompaction, request).status.is(errors::kUserEmpty));
    EXPECT_TRUE(run_as("alice", CommandKind::kCompaction, request).is(errors::kPermissionDenied));
    EXPECT_FALSE(run(CommandKind::kCompaction, request, wire::Origin::of_member())
                     .status.is(errors::kPermissionDenied));
}

TEST_F(AuthorizeTest, OffMeansOff) {
    auth_.disable(batch_);
    EXPECT_TRUE(run(CommandKind::kPut, put_of("b")).status.ok());
}

// Tokens and changes of users, as entries.

TEST_F(AuthorizeTest, ATokenIsInstalledForWhatWasChecked) {
    wire::AuthToken token;
    token.set_user("alice");
    token.set_token("alice.1");
    token.set_checked_revision(auth_.rules().revision);
    const auto response = parsed<etcdserverpb::AuthenticateResponse>(
        run(CommandKind::kAuthToken, token, wire::Origin::of_member()));
    EXPECT_EQ(response.token(), "alice.1");
    EXPECT_EQ(response.header().member_id(), 2u);
    EXPECT_TRUE(tokens_.verify("alice.1").has_value());
    token.set_checked_revision(auth_.rules().revision - 1);
    EXPECT_TRUE(run(CommandKind::kAuthToken, token, wire::Origin::of_member())
                    .status.is(errors::kAuthOldRevision));
    // From a client it is nothing.
    EXPECT_TRUE(run_as("root", CommandKind::kAuthToken, token).is(errors::kPermissionDenied));
}

TEST_F(AuthorizeTest, TokensGoWithTheirPassword) {
    tokens_.install("alice.1", "alice");
    tokens_.install("root.2", "root");
    wire::AuthPassword password;
    password.set_user("alice");
    password.set_password_hash("new");
    EXPECT_TRUE(run_as("root", CommandKind::kAuthPassword, password).ok());
    EXPECT_FALSE(tokens_.verify("alice.1").has_value());
    EXPECT_TRUE(tokens_.verify("root.2").has_value());
    EXPECT_EQ(auth_.rules().find_user("alice")->user.password_hash, "new");
    tokens_.install("alice.1", "alice");
    etcdserverpb::AuthUserDeleteRequest erase;
    erase.set_name("alice");
    EXPECT_TRUE(run_as("root", CommandKind::kAuthUserDelete, erase).ok());
    EXPECT_FALSE(tokens_.verify("alice.1").has_value());
    EXPECT_TRUE(run_as("root", CommandKind::kAuthDisable, etcdserverpb::AuthDisableRequest()).ok());
    EXPECT_FALSE(tokens_.verify("root.2").has_value());
}

TEST_F(AuthorizeTest, PermissionsAreGivenInFull) {
    etcdserverpb::AuthRoleGrantPermissionRequest request;
    request.set_name("r");
    EXPECT_TRUE(run_as("root", CommandKind::kAuthRoleGrantPermission, request)
                    .is(errors::kPermissionNotGiven));
    request.mutable_perm()->set_key("b");
    request.mutable_perm()->set_permtype(static_cast<authpb::Permission::Type>(9));
    EXPECT_TRUE(run_as("root", CommandKind::kAuthRoleGrantPermission, request)
                    .is(errors::kInvalidAuthMgmt));
    request.mutable_perm()->set_permtype(authpb::Permission::WRITE);
    EXPECT_TRUE(run_as("root", CommandKind::kAuthRoleGrantPermission, request).ok());
    EXPECT_TRUE(run_as("alice", CommandKind::kPut, put_of("b")).ok());
}

}  // namespace
}  // namespace quorate::apply
