// SPDX-License-Identifier: Apache-2.0
#include "node/peers.h"

#include "base/errors.h"
#include "base/log.h"
#include "node/snapshot_sender.h"

#include <utility>

namespace quorate::node {
namespace {

constexpr size_t kStrangersMax = 16;
// Long enough for what was sent to leave, as a rule; a member that does not hear of its removal is
// told when it calls.
constexpr int64_t kLeaving_ns = 1'000'000'000;

}  // namespace

Peers::Peers(Options options, const PeerContext& context)
    : options_(std::move(options)),
      settings_{options_.client,
                context.raft,
                context.identity.cluster_id,
                context.identity.member_id,
                own_urls_,
                options_.local_address,
                options_.tls,
                [&status = context.status] { status.refused_as_removed = true; },
                options_.metrics,
                options_.clock},
      snapshots_(std::make_unique<SnapshotSender>(settings_, context.backend, options_.flush)) {
    // Who joined knows the others by these until the state has come.
    follow(context.identity.members);
}

Peers::~Peers() = default;

void Peers::set_members(std::shared_ptr<const cluster::List> members) {
    std::erase_if(strangers_, [&](const auto& stranger) {
        return members->find(stranger.first) != nullptr ||
               members->removed.contains(stranger.first);
    });
    if (!members->members.empty()) {
        follow(members->members);
    }
}

// Why strangers get links:
// 1. This member is down. Another one joins, and the leader is removed.
// 2. The one that joined is elected, by members that all know it.
// 3. This member comes back. Its log ends before the new one joined, so it knows no such member;
//    without a link, its answers to the new leader are lost.
// 4. So the leader never finds the place where the logs agree, and never sends the entries that
//    would say who it is: this member would be out until another one leads.
void Peers::meet(cluster::Member stranger) {
    if (stranger.id == settings_.self || links_.contains(stranger.id) ||
        strangers_.size() >= kStrangersMax) {
        return;
    }
    log::info("met a member that is not known here yet",
              {{"peer-id", cluster::format_id(stranger.id)}});
    links_.emplace(stranger.id, std::make_unique<PeerLink>(settings_, stranger));
    strangers_.emplace(stranger.id, std::move(stranger));
}

void Peers::follow(const std::vector<cluster::Member>& members) {
    std::map<raft::MemberId, std::unique_ptr<PeerLink>> links;
    for (const auto& [id, stranger] : strangers_) {
        links.emplace(id, std::move(links_.at(id)));
    }
    for (const cluster::Member& member : members) {
        if (member.id == settings_.self) {
            own_urls_ = join_urls(member.peer_urls);
            continue;
        }
        const auto known = links_.find(member.id);
        if (known != links_.end() && known->second->peer().peer_urls == member.peer_urls) {
            links.emplace(member.id, std::move(known->second));
        } else {
            links.emplace(member.id, std::make_unique<PeerLink>(settings_, member));
        }
    }
    // The leader removes a link as soon as it has applied the removal: with the notice that this is
    // committed maybe still in its queue, which the removed member needs to answer its own client.
    for (auto& [id, link] : links_) {
        if (link != nullptr && !links.contains(id)) {
            leaving_.push_back({std::move(link), now_ns_ + kLeaving_ns});
        }
    }
    links_ = std::move(links);
}

PeerLink* Peers::find(raft::MemberId member) {
    const auto it = links_.find(member);
    return it == links_.end() ? nullptr : it->second.get();
}

bool Peers::send(const raft::Message& message) {
    PeerLink* link = find(message.to);
    sent_ = true;
    if (link == nullptr) {
        return false;
    }
    const auto* append = std::get_if<raft::AppendRequest>(&message.body);
    if (append != nullptr && !append->entries.empty()) {
        return link->send(message.priority(), encode_append(message, *append));
    }
    return link->send(message.priority(), wire::encode_peer_message(message));
}

// Within one leader's term an entry's place tells its content.
const Bytes& Peers::encode_append(const raft::Message& message, const raft::AppendRequest& append) {
    const raft::EntryId last = append.entries.back().id;
    if (!append_.bytes.empty() && append_.term == message.term &&
        append_.previous == append.previous && append_.commit == append.commit &&
        append_.last == last) {
        wire::readdress(append_.bytes, message.to);
    } else {
        append_ = {message.term, append.previous, append.commit, last,
                   wire::encode_peer_message(message)};
    }
    return append_.bytes;
}

bool Peers::send(const wire::Proposals& proposals) {
    PeerLink* link = find(proposals.to);
    sent_ = true;
    return link != nullptr &&
           link->send(raft::Priority::kEntries, wire::encode_peer_message(proposals));
}

bool Peers::send(const wire::ProposalsRefused& refused) {
    PeerLink* link = find(refused.to);
    sent_ = true;
    return link != nullptr &&
           link->send(raft::Priority::kEntries, wire::encode_peer_message(refused));
}

void Peers::send_snapshot(const raft::Message& request) {
    if (const PeerLink* link = find(request.to)) {
        snapshots_->send(*link, request);
    } else {
        settings_.raft.push_always(SnapshotSent{request.to, false});
    }
}

void Peers::call(raft::MemberId member, ByteView path, ByteView request, uint64_t timeout_ms,
                 Done done) {
    sent_ = true;
    if (PeerLink* link = find(member)) {
        link->call(path, request, timeout_ms, std::move(done));
    } else {
        done(Status(errors::kNoLeader));
    }
}

std::optional<int64_t> Peers::connected_since_ns(raft::MemberId member) const {
    const auto it = links_.find(member);
    return it == links_.end() ? std::nullopt : it->second->connected_since_ns();
}

void Peers::flush() {
    append_ = {};
    if (std::exchange(sent_, false)) {
        options_.flush();
    }
}

void Peers::tick(int64_t now_ns) {
    now_ns_ = now_ns;
    std::erase_if(leaving_, [&](const LeavingLink& one) { return one.until_ns <= now_ns; });
    sent_ = true;  // streams that open
    for (const auto& [member, link] : links_) {
        link->tick(now_ns);
    }
}

}  // namespace quorate::node
