// SPDX-License-Identifier: Apache-2.0
#include "cluster/membership.h"

#include "base/errors.h"
#include "cluster/member_codec.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

Member member(uint64_t id, const std::string& url, bool learner = false) {
    return {id, "", {url}, {}, learner};
}

class MembershipTest : public testing::Test {
  protected:
    MembershipTest() {
        membership_.reset({member(2, "http://two"), member(1, "http://one")}, batch_);
    }

    Status change(ChangeKind kind, const Member& subject) {
        Status checked = membership_.check({kind, subject});
        if (checked.ok()) {
            membership_.apply({kind, subject}, batch_);
        }
        return checked;
    }

    // What a restart finds.
    List stored() {
        storage::MemBackend backend;
        EXPECT_TRUE(backend.write(batch_, storage::Durability::kSynced).ok());
        auto view = backend.view();
        Membership restored;
        EXPECT_TRUE(restored.restore(**view).ok());
        return restored.list();
    }

    static std::vector<uint64_t> ids(const List& list) {
        std::vector<uint64_t> out;
        for (const Member& one : list.members) {
            out.push_back(one.id);
        }
        return out;
    }

    Membership membership_;
    storage::WriteBatch batch_;
};

TEST_F(MembershipTest, TheFirstMembersAreStoredById) {
    EXPECT_EQ(ids(membership_.list()), (std::vector<uint64_t>{1, 2}));
    EXPECT_EQ(ids(stored()), (std::vector<uint64_t>{1, 2}));
}

TEST_F(MembershipTest, ALearnerIsAddedAndPromoted) {
    ASSERT_TRUE(change(ChangeKind::kAddLearner, member(9, "http://nine")).ok());
    EXPECT_EQ(membership_.list().learners(), 1u);
    EXPECT_EQ(membership_.list().voters(), 2u);
    ASSERT_TRUE(change(ChangeKind::kPromote, member(9, "")).ok());
    EXPECT_EQ(membership_.list().voters(), 3u);
    EXPECT_TRUE(change(ChangeKind::kPromote, member(9, "")).is(errors::kMemberNotLearner));
    EXPECT_FALSE(stored().find(9)->is_learner);
}

TEST_F(MembershipTest, ARemovedMemberNeverComesBack) {
    ASSERT_TRUE(change(ChangeKind::kRemove, member(2, "")).ok());
    EXPECT_TRUE(change(ChangeKind::kRemove, member(2, "")).is(errors::kMemberNotFound));
    EXPECT_TRUE(change(ChangeKind::kAdd, member(2, "http://new")).is(errors::kMemberExist));
    const List list = stored();
    EXPECT_EQ(ids(list), (std::vector<uint64_t>{1}));
    EXPECT_EQ(list.removed, (std::set<uint64_t>{2}));
}

TEST_F(MembershipTest, UrlsAndIdsAreNotShared) {
    EXPECT_TRUE(change(ChangeKind::kAdd, member(1, "http://other")).is(errors::kMemberExist));
    EXPECT_TRUE(change(ChangeKind::kAdd, member(3, "http://two")).is(errors::kPeerURLExist));
    EXPECT_TRUE(change(ChangeKind::kUpdate, member(1, "http://two")).is(errors::kPeerURLExist));
    EXPECT_TRUE(change(ChangeKind::kUpdate, member(7, "http://x")).is(errors::kMemberNotFound));
    EXPECT_TRUE(change(ChangeKind::kUpdate, member(1, "http://one")).ok());
}

TEST_F(MembershipTest, AMemberPublishesItselfOnce) {
    Member self = member(1, "");
    self.name = "one";
    self.client_urls = {"http://client"};
    EXPECT_TRUE(membership_.publish(self, batch_));
    EXPECT_FALSE(membership_.publish(self, batch_));
    EXPECT_EQ(stored().find(1)->client_urls, self.client_urls);
    EXPECT_EQ(stored().find(1)->peer_urls, (std::vector<std::string>{"http://one"}));
    self.server_version = "3.7.1";
    EXPECT_TRUE(membership_.publish(self, batch_));
    EXPECT_EQ(stored().find(1)->server_version, "3.7.1");
    self.id = 77;
    EXPECT_FALSE(membership_.publish(self, batch_));
}

TEST_F(MembershipTest, ADowngradeIsKeptUntilItEnds) {
    membership_.set_downgrade("3.6.0", batch_);
    EXPECT_EQ(membership_.list().downgrade_target, "3.6.0");
    EXPECT_EQ(stored().downgrade_target, "3.6.0");
    membership_.set_downgrade("", batch_);
    EXPECT_EQ(membership_.list().downgrade_target, "");
    EXPECT_EQ(stored().downgrade_target, "");
}

TEST_F(MembershipTest, AListThatWasHandedOutDoesNotChange) {
    const auto before = membership_.snapshot();
    ASSERT_TRUE(change(ChangeKind::kAdd, member(3, "http://three")).ok());
    EXPECT_EQ(before->members.size(), 2u);
    EXPECT_NE(before, membership_.snapshot());
}

TEST_F(MembershipTest, ADamagedRowIsRefused) {
    batch_.put("c12345678", "no member");
    storage::MemBackend backend;
    ASSERT_TRUE(backend.write(batch_, storage::Durability::kSynced).ok());
    auto view = backend.view();
    Membership restored;
    EXPECT_TRUE(restored.restore(**view).is(errors::kDamaged));
}

TEST(MemberCodec, TakesBackWhatItWroteAndNothingElse) {
    const Member before{0x1234, "a name", {"http://p1", "http://p2"}, {"http://c"}, true};
    const Bytes encoded = encode_member(before);
    const auto after = decode_member(encoded);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->id, before.id);
    EXPECT_EQ(after->name, before.name);
    EXPECT_EQ(after->peer_urls, before.peer_urls);
    EXPECT_EQ(after->client_urls, before.client_urls);
    EXPECT_TRUE(after->is_learner);
    for (size_t cut = 0; cut < encoded.size(); ++cut) {
        EXPECT_FALSE(decode_member(encoded.substr(0, cut)).has_value()) << cut;
    }
    EXPECT_FALSE(decode_member(encoded + "x").has_value());
    Member versioned = before;
    versioned.server_version = "3.7.1";
    const Bytes longer = encode_member(versioned);
    EXPECT_EQ(decode_member(longer)->server_version, "3.7.1");
    EXPECT_FALSE(decode_member(longer.substr(0, longer.size() - 1)).has_value());
    Bytes endless = encoded;
    endless[9] = '\xff';  // a name of 4 GB
    EXPECT_FALSE(decode_member(endless).has_value());
}

}  // namespace
}  // namespace quorate::cluster
