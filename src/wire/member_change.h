// SPDX-License-Identifier: Apache-2.0
//
// Members and their changes as protobuf messages. Pure functions, any thread.
#pragma once

#include "base/bytes.h"
#include "cluster/member.h"
#include "cluster/membership.h"
#include "command.pb.h"

#include <optional>

namespace quorate::wire {

void to_proto(const cluster::Member& member, etcdserverpb::Member& out);
cluster::Member from_proto(const etcdserverpb::Member& member);

MemberChange to_proto(const cluster::Change& change);
// Nothing for a kind that this version does not know.
std::optional<cluster::Change> from_proto(const MemberChange& change);

// The change in an encoded Command; nothing when it holds none.
std::optional<cluster::Change> member_change_of(ByteView command);

}  // namespace quorate::wire
