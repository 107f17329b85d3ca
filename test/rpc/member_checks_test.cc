// SPDX-License-Identifier: Apache-2.0
//
// The numbers are etcd's: see MemberAdd and MemberRemove in its documentation.
#include "rpc/member_checks.h"

#include "base/errors.h"

#include <gtest/gtest.h>

#include <map>

namespace quorate::rpc {
namespace {

using cluster::Change;
using cluster::ChangeKind;

class MemberChecksTest : public testing::Test {
  protected:
    void voters(uint64_t count) {
        for (uint64_t id = 1; id <= count; ++id) {
            list_.members.push_back(
                {id, "m" + std::to_string(id), {"http://" + std::to_string(id)}, {}, false});
        }
    }
    void down(uint64_t id) { contacts_[id] = Contact::kNone; }
    void just_connected(uint64_t id) { contacts_[id] = Contact::kRecent; }

    Status check(ChangeKind kind, uint64_t id) {
        Change change{kind, {}};
        change.member.id = id;
        change.member.peer_urls = {"http://new" + std::to_string(id)};
        return check_member_change(list_, change, rules_, [this](uint64_t member) {
            const auto it = contacts_.find(member);
            return it == contacts_.end() ? Contact::kSteady : it->second;
        });
    }

    cluster::List list_;
    std::map<uint64_t, Contact> contacts_;  // steady where nothing else is said
    ReconfigRules rules_;
};

TEST_F(MemberChecksTest, ASingleMemberMayAlwaysAdd) {
    voters(1);
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).ok());
    EXPECT_TRUE(check(ChangeKind::kAddLearner, 9).ok());
}

TEST_F(MemberChecksTest, ThreeWithOneDownAddNobody) {
    voters(3);
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).ok());
    down(3);
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).is(errors::kUnhealthy));
    EXPECT_TRUE(check(ChangeKind::kAddLearner, 9).is(errors::kUnhealthy));
}

TEST_F(MemberChecksTest, FourOrFiveWithOneDownMayAdd) {
    voters(4);
    down(4);
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).ok());
    list_.members.clear();
    voters(5);
    down(4);
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).ok());
    down(5);
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).is(errors::kUnhealthy));
}

TEST_F(MemberChecksTest, MembersThatNeverStartedDoNotCount) {
    voters(2);
    list_.members[1].name.clear();
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).is(errors::kMemberNotEnoughStarted));
    EXPECT_TRUE(check(ChangeKind::kRemove, 1).is(errors::kMemberNotEnoughStarted));
    EXPECT_TRUE(check(ChangeKind::kRemove, 2).ok());
}

TEST_F(MemberChecksTest, TheOnlyMemberStays) {
    voters(1);
    EXPECT_TRUE(check(ChangeKind::kRemove, 1).is(errors::kMemberNotEnoughStarted));
    rules_.strict = false;
    EXPECT_TRUE(check(ChangeKind::kRemove, 1).is(errors::kMemberNotEnoughStarted));
}

TEST_F(MemberChecksTest, WhoIsDownMayGoAndWhoIsNeededMayNot) {
    voters(3);
    EXPECT_TRUE(check(ChangeKind::kRemove, 3).ok());
    down(3);
    EXPECT_TRUE(check(ChangeKind::kRemove, 3).ok());
    EXPECT_TRUE(check(ChangeKind::kRemove, 2).is(errors::kUnhealthy));
    rules_.strict = false;
    EXPECT_TRUE(check(ChangeKind::kRemove, 2).ok());
}

// Right after a start, or after its link broke, a healthy member must not pass for one that is
// down.
TEST_F(MemberChecksTest, WhoHasJustConnectedIsNeitherDownNorCountedOn) {
    voters(3);
    just_connected(2);
    EXPECT_TRUE(check(ChangeKind::kRemove, 2).is(errors::kUnhealthy));
    EXPECT_TRUE(check(ChangeKind::kRemove, 1).is(errors::kUnhealthy));
    EXPECT_TRUE(check(ChangeKind::kAdd, 9).is(errors::kUnhealthy));
    down(3);
    EXPECT_TRUE(check(ChangeKind::kRemove, 2).is(errors::kUnhealthy));
    EXPECT_TRUE(check(ChangeKind::kRemove, 3).ok());
}

TEST_F(MemberChecksTest, LearnersAreFewAndMayAlwaysGo) {
    voters(3);
    list_.members.push_back({8, "l", {"http://8"}, {}, true});
    EXPECT_TRUE(check(ChangeKind::kAddLearner, 9).is(errors::kTooManyLearners));
    rules_.max_learners = 2;
    EXPECT_TRUE(check(ChangeKind::kAddLearner, 9).ok());
    down(2);
    down(3);
    EXPECT_TRUE(check(ChangeKind::kRemove, 8).ok());
    EXPECT_TRUE(check(ChangeKind::kPromote, 8).is(errors::kUnhealthy));
    EXPECT_TRUE(check(ChangeKind::kPromote, 1).is(errors::kMemberNotLearner));
    EXPECT_TRUE(check(ChangeKind::kPromote, 77).is(errors::kMemberNotFound));
}

}  // namespace
}  // namespace quorate::rpc
