// SPDX-License-Identifier: Apache-2.0
//
// The node as a member among others: being known to them, becoming ready, leaving.
#include "base/errors.h"
#include "base/log.h"
#include "cluster/version.h"
#include "command.pb.h"
#include "config/version.h"
#include "node/node.h"

#include <chrono>
#include <thread>
#include <utility>

namespace quorate::node {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kPublishAgain_ns = 1000 * kMillisecond_ns;
// How long a leader waits for the founders' versions before it gives the cluster one.
constexpr int64_t kFoundersPatience_ns = 1000 * kMillisecond_ns;
// Watchers who want a leader are told after so many election timeouts without one.
constexpr int64_t kLostLeaderTimeouts = 3;

std::vector<std::string> client_urls(const config::Config& config) {
    std::vector<std::string> urls;
    for (const Url& url : config.urls.advertise_client) {
        urls.push_back(url.to_string());
    }
    return urls;
}

}  // namespace

std::shared_ptr<const cluster::List> Node::members() const {
    const std::lock_guard lock(members_mutex_);
    return members_;
}

// Apply loop.
void Node::show_members(std::shared_ptr<const cluster::List> members) {
    const cluster::Member* self = members->find(booted_.identity.member_id);
    // One that has joined and does not know the members yet is none that could vote.
    status_.is_learner = self == nullptr ? members->members.empty() : self->is_learner;
    show_cluster_version(members->cluster_version);
    {
        const std::lock_guard lock(members_mutex_);
        members_ = members;
    }
    raft_inbox_.push_always(RaftTask([members = std::move(members)](RaftLoop& loop) mutable {
        loop.set_members(std::move(members));
    }));
}

std::shared_ptr<const auth::Rules> Node::rules() const {
    const std::lock_guard lock(rules_mutex_);
    return rules_;
}

// Apply loop. The flag comes last when it is set: whoever sees it finds rules that are enabled.
void Node::show_rules(std::shared_ptr<const auth::Rules> rules) {
    const bool enabled = rules->enabled;
    const uint64_t revision = rules->revision;
    {
        const std::lock_guard lock(rules_mutex_);
        rules_ = std::move(rules);
    }
    status_.auth_revision = revision;
    status_.auth_enabled = enabled;
}

// The first read that is confirmed is one behind everything that was committed before this start.
// Without a quorum it is asked for again and again, until there is one or the end.
void Node::become_ready() {
    confirm_read([this](const Status& confirmed) {
        if (confirmed.ok()) {
            caught_up_.store(true);
            core_thread_.waker().wake();
        } else if (!confirmed.is(errors::kStopped)) {
            become_ready();
        }
    });
}

// The members' names and client URLs are part of the replicated state, so each puts its own into
// the log until it finds them applied.
void Node::publish_if_due(int64_t now_ns) {
    const auto list = members();
    const cluster::Member* self = list->find(booted_.identity.member_id);
    const bool published = self != nullptr && self->name == config_.member.name &&
                           self->client_urls == client_urls(config_) &&
                           self->server_version == config::kEtcdVersion;
    if (published && caught_up_.load() && !data_check_holds_ready_ && ready_) {
        read_pool_.inbox().push_always([ready = std::move(ready_)]() mutable { ready(Status()); });
    }
    if (published || now_ns < next_publish_ns_ || status_.leader.load() == raft::kNobody ||
        self == nullptr) {
        return;
    }
    next_publish_ns_ = now_ns + kPublishAgain_ns;
    wire::MemberAttributes attributes;
    attributes.set_member_id(booted_.identity.member_id);
    attributes.set_name(config_.member.name);
    for (const std::string& url : client_urls(config_)) {
        attributes.add_client_urls(url);
    }
    attributes.set_server_version(std::string(config::kEtcdVersion));
    propose_own(wire::CommandKind::kMemberAttributes, attributes.SerializeAsString());
}

// The leader's part (cluster/version.h): it proposes until it finds its proposal applied.
void Node::follow_version_if_due(int64_t now_ns) {
    if (!status_.leads()) {
        founders_due_ns_ = 0;
        return;
    }
    if (founders_due_ns_ == 0) {
        founders_due_ns_ = now_ns + kFoundersPatience_ns;
    }
    if (now_ns < next_version_ns_) {
        return;
    }
    const auto list = members();
    const auto own = cluster::parse_version(config::kEtcdVersion);
    QUORATE_ASSERT(own.has_value());
    auto next = cluster::next_cluster_version(*list, {booted_.identity.member_id, *own});
    if (!next && list->cluster_version.empty() && now_ns >= founders_due_ns_) {
        next = cluster::kEveryVersion;
    }
    if (next) {
        next_version_ns_ = now_ns + kPublishAgain_ns;
        wire::ClusterVersion version;
        version.set_version(cluster::full_text(*next));
        propose_own(wire::CommandKind::kClusterVersion, version.SerializeAsString());
    }
    const int64_t interval_ns = config_.cluster.downgrade_check_interval_ns;
    if (interval_ns > 0 && now_ns >= next_downgrade_check_ns_) {
        next_downgrade_check_ns_ = now_ns + interval_ns;
        if (cluster::is_downgraded(*list)) {
            log::info("the cluster has been downgraded",
                      {{"cluster-version", list->downgrade_target}});
            propose_own(wire::CommandKind::kDowngrade, wire::Downgrade().SerializeAsString());
        }
    }
}

// For whoever has lost root's password: who may start a member with other options owns its data. It
// goes through the log like any other change, so all members agree, and happens once.
void Node::disable_auth_if_forced(int64_t now_ns) {
    if (!config_.auth.force_disable || auth_disabled_ || !caught_up_.load()) {
        return;
    }
    if (!status_.auth_enabled.load()) {
        auth_disabled_ = true;
        log::warn(
            "authentication is off, as --force-auth-disable wants it; start without it again");
        return;
    }
    if (now_ns >= next_auth_disable_ns_) {
        next_auth_disable_ns_ = now_ns + kPublishAgain_ns;
        propose_own(wire::CommandKind::kAuthDisable, {});
    }
}

void Node::tell_watchers_of_lost_leader(int64_t now_ns) {
    if (status_.leader.load() != raft::kNobody) {
        told_of_lost_leader_ = false;
        return;
    }
    const int64_t patience_ns =
        kLostLeaderTimeouts * int64_t{config_.raft.election_timeout_ms} * kMillisecond_ns;
    if (!told_of_lost_leader_ && now_ns - status_.leader_lost_ns.load() > patience_ns) {
        told_of_lost_leader_ = true;
        watch_inbox_.push_always(WatchLeaderLost{});
        on_leader_lost_();
    }
}

void Node::warn_of_full_space() {
    const uint64_t stored = status_.stored_bytes.load();
    const int64_t quota = config_.limits.quota_backend_bytes;
    if (const auto percent = space_watch_.reached(stored, quota)) {
        log::warn(
            "database space is running out; compact old revisions, delete keys or raise "
            "--quota-backend-bytes before writes stop",
            {{"used-percent", *percent}, {"stored-bytes", stored}, {"quota-size-bytes", quota}});
    }
}

// Not at once: a leader that removed itself first tells the others, and names who is to follow it;
// and who hears of it by a refusal may have a client that asked for just that, and still has to
// apply it to answer.
void Node::end_if_removed(int64_t now_ns) {
    if (!status_.refused_as_removed.load() &&
        !members()->removed.contains(booted_.identity.member_id)) {
        return;
    }
    if (removed_ns_ == 0) {
        removed_ns_ = now_ns;
        log::warn("the member has been permanently removed from the cluster; it stops",
                  {{"member-id", cluster::format_id(booted_.identity.member_id)}});
    }
    if (now_ns - removed_ns_ >= int64_t{config_.raft.election_timeout_ms} * kMillisecond_ns) {
        environment_.on_end(EndReason::kRemoved);
    }
}

void Node::call_leader(ByteView path, ByteView request, LeaderCall::Twice twice,
                       LeaderCall::Outcome outcome) {
    Admission::Ticket ticket = reads_.enter(0);
    if (!ticket) {
        outcome.answered(Status(errors::kRequestTooManyRequests));
        return;
    }
    const auto call = std::make_shared<LeaderCall>(
        raft_inbox_, environment_.clock, std::move(ticket),
        LeaderCall::Request{Bytes(path), Bytes(request),
                            environment_.clock.monotonic_ns() + request_timeout_ns_,
                            int64_t{config_.raft.election_timeout_ms} * kMillisecond_ns, twice},
        std::move(outcome));
    raft_inbox_.push_always(RaftTask([call](RaftLoop& loop) { call->make(loop); }));
}

void Node::hand_over_leadership() {
    if (!status_.leads()) {
        return;
    }
    const int64_t deadline_ns = environment_.clock.monotonic_ns() +
                                int64_t{config_.raft.election_timeout_ms} * kMillisecond_ns;
    const auto nobody = std::make_shared<std::atomic<bool>>(false);
    raft_inbox_.push_always(RaftTask([nobody, deadline_ns](RaftLoop& loop) {
        const raft::MemberId successor = loop.best_successor();
        if (successor == raft::kNobody) {
            nobody->store(true);
            return;
        }
        log::info("handing leadership over before the stop",
                  {{"successor", cluster::format_id(successor)}});
        loop.transfer_leadership(successor, transport::Reply(), deadline_ns);
    }));
    while (status_.leads() && !nobody->load() && environment_.clock.monotonic_ns() < deadline_ns) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace quorate::node
