// SPDX-License-Identifier: Apache-2.0
#include "wire/member_change.h"

namespace quorate::wire {

void to_proto(const cluster::Member& member, etcdserverpb::Member& out) {
    out.set_id(member.id);
    out.set_name(member.name);
    out.set_islearner(member.is_learner);
    for (const std::string& url : member.peer_urls) {
        out.add_peerurls(url);
    }
    for (const std::string& url : member.client_urls) {
        out.add_clienturls(url);
    }
}

cluster::Member from_proto(const etcdserverpb::Member& member) {
    cluster::Member out;
    out.id = member.id();
    out.name = member.name();
    out.is_learner = member.islearner();
    out.peer_urls.assign(member.peerurls().begin(), member.peerurls().end());
    out.client_urls.assign(member.clienturls().begin(), member.clienturls().end());
    return out;
}

MemberChange to_proto(const cluster::Change& change) {
    MemberChange out;
    out.set_kind(static_cast<MemberChange::Kind>(change.kind));
    to_proto(change.member, *out.mutable_member());
    return out;
}

std::optional<cluster::Change> from_proto(const MemberChange& change) {
    if (change.kind() < MemberChange::ADD || change.kind() > MemberChange::UPDATE) {
        return std::nullopt;
    }
    return cluster::Change{static_cast<cluster::ChangeKind>(change.kind()),
                           from_proto(change.member())};
}

std::optional<cluster::Change> member_change_of(ByteView command) {
    Command decoded;
    if (!decoded.ParseFromArray(command.data(), static_cast<int>(command.size())) ||
        !decoded.has_member_change()) {
        return std::nullopt;
    }
    return from_proto(decoded.member_change());
}

}  // namespace quorate::wire
