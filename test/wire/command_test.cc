// SPDX-License-Identifier: Apache-2.0
#include "wire/command.h"

#include "command.pb.h"

#include <gtest/gtest.h>

namespace quorate::wire {
namespace {

TEST(Command, WrapsTheClientsBytesAsANestedMessage) {
    etcdserverpb::PutRequest put;
    put.set_key("k");
    put.set_value(std::string(1000, 'v'));
    put.set_lease(-7);
    const Bytes encoded = encode_command(42, {}, CommandKind::kPut, put.SerializeAsString());

    Command command;
    ASSERT_TRUE(command.ParseFromString(encoded));
    EXPECT_EQ(command.id(), 42u);
    ASSERT_EQ(command.request_case(), Command::kPut);
    EXPECT_EQ(command.put().SerializeAsString(), put.SerializeAsString());
    // It is what protobuf itself would have written.
    EXPECT_EQ(command.SerializeAsString(), encoded);
}

TEST(Command, SaysWhoAsks) {
    const Bytes of_user =
        encode_command(1, Origin::of({"alice", 7}), CommandKind::kDeleteRange, {});
    Command command;
    ASSERT_TRUE(command.ParseFromString(of_user));
    EXPECT_EQ(command.user(), "alice");
    EXPECT_EQ(command.auth_revision(), 7u);
    EXPECT_FALSE(command.by_member());
    EXPECT_EQ(command.SerializeAsString(), of_user);

    const Bytes of_member = encode_command(1, Origin::of_member(), CommandKind::kAlarm, {});
    ASSERT_TRUE(command.ParseFromString(of_member));
    EXPECT_TRUE(command.by_member());
    EXPECT_EQ(command.user(), "");
    EXPECT_EQ(command_id(of_member), 1u);
}

TEST(Command, KindsHaveTheNumbersOfTheProto) {
    EXPECT_EQ(static_cast<int>(CommandKind::kPut), Command::kPut);
    EXPECT_EQ(static_cast<int>(CommandKind::kDeleteRange), Command::kDeleteRange);
    EXPECT_EQ(static_cast<int>(CommandKind::kTxn), Command::kTxn);
    EXPECT_EQ(static_cast<int>(CommandKind::kCompaction), Command::kCompaction);
    EXPECT_EQ(static_cast<int>(CommandKind::kLeaseGrant), Command::kLeaseGrant);
    EXPECT_EQ(static_cast<int>(CommandKind::kLeaseRevoke), Command::kLeaseRevoke);
    EXPECT_EQ(static_cast<int>(CommandKind::kLeaseCheckpoint), Command::kLeaseCheckpoint);
    EXPECT_EQ(static_cast<int>(CommandKind::kAlarm), Command::kAlarm);
    EXPECT_EQ(static_cast<int>(CommandKind::kExpiredLeases), Command::kExpiredLeases);
    EXPECT_EQ(static_cast<int>(CommandKind::kMemberAttributes), Command::kMemberAttributes);
    EXPECT_EQ(static_cast<int>(CommandKind::kClusterVersion), Command::kClusterVersion);
    EXPECT_EQ(static_cast<int>(CommandKind::kMemberChange), Command::kMemberChange);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthEnable), Command::kAuthEnable);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthDisable), Command::kAuthDisable);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthToken), Command::kAuthToken);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthUserAdd), Command::kAuthUserAdd);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthUserDelete), Command::kAuthUserDelete);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthPassword), Command::kAuthPassword);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthUserGrantRole), Command::kAuthUserGrantRole);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthUserRevokeRole), Command::kAuthUserRevokeRole);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthRoleAdd), Command::kAuthRoleAdd);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthRoleDelete), Command::kAuthRoleDelete);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthRoleGrantPermission),
              Command::kAuthRoleGrantPermission);
    EXPECT_EQ(static_cast<int>(CommandKind::kAuthRoleRevokePermission),
              Command::kAuthRoleRevokePermission);
}

TEST(Command, IdIsReadWithoutDecoding) {
    const uint64_t id = 0xfedcba9876543210;
    EXPECT_EQ(command_id(encode_command(id, {}, CommandKind::kTxn, {})), id);
    EXPECT_FALSE(command_id("").has_value());
    EXPECT_FALSE(command_id("short").has_value());
    EXPECT_FALSE(command_id(std::string(20, 'x')).has_value());
}

}  // namespace
}  // namespace quorate::wire
