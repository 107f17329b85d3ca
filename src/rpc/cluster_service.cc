// SPDX-License-Identifier: Apache-2.0
#include "rpc/cluster_service.h"

#include "apply/authorize.h"
#include "base/errors.h"
#include "base/url.h"
#include "rpc.pb.h"
#include "rpc/member_checks.h"
#include "rpc/on_behalf.h"
#include "rpc/parse.h"
#include "rpc/peer_service.h"
#include "wire/member_change.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace quorate::rpc {
namespace {

using transport::Reply;

constexpr int64_t kSecond_ns = 1'000'000'000;
// A member can be counted on when it has been connected for this long.
constexpr int64_t kHealthInterval_ns = 5 * kSecond_ns;
constexpr ByteView kPromotePath = "/quorate.peer.Peer/MemberPromote";

// Sorted. Nothing when one is no URL that a member can have.
template <typename Urls>
std::optional<std::vector<std::string>> peer_urls(const Urls& urls) {
    std::vector<std::string> out;
    for (const std::string& text : urls) {
        const auto url = Url::parse(text);
        if (!url) {
            return std::nullopt;
        }
        out.push_back(url->to_string());
    }
    std::sort(out.begin(), out.end());
    return out.empty() ? std::nullopt : std::optional(out);
}

Status check_root(const auth::Rules& rules, const auth::Caller& caller) {
    return apply::authorize(rules, caller, {.who = apply::Who::kRoot}, nullptr);
}

// Whether a learner has so much of the log that it can vote without slowing anybody down.
bool is_in_sync(const raft::Raft& raft, uint64_t learner) {
    const raft::Progress* progress = raft.progress(learner);
    return progress != nullptr && progress->match() * 10 >= raft.last_index() * 9;
}

}  // namespace

// Counts what becomes of a promotion on the way to whoever asked for it. Owned by the Reply above.
class ClusterService::CountedPromotion final : public Reply::Channel {
  public:
    CountedPromotion(ClusterService& service, Reply inner)
        : service_(service), inner_(std::move(inner)) {}

    transport::SendResult send(ByteView message) override { return inner_.send(message); }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        const std::unique_ptr<CountedPromotion> self(this);
        service_.count_promotion(status);
        inner_.finish(status);
    }
    void reply(ByteView message) override {
        const std::unique_ptr<CountedPromotion> self(this);
        service_.count_promotion({});
        inner_.reply(message);
    }
    void hold(bool held) override { inner_.hold(held); }

  private:
    ClusterService& service_;
    Reply inner_;
};

ClusterService::ClusterService(node::Node& node)
    : node_(node),
      promotions_(node.metrics().counter(
          "etcd_server_learner_promote_successes",
          "The total number of successful learner promotions while this member is leader.")) {}

void ClusterService::count_promotion(const Status& outcome) {
    if (outcome.ok()) {
        promotions_.add();
        return;
    }
    node_.metrics()
        .counter("etcd_server_learner_promote_failures",
                 "The total number of failed learner promotions (likely learner not ready) while "
                 "this member is leader.",
                 {{"Reason", outcome.message()}})
        .add();
}

void ClusterService::register_methods(Router& router) {
    const auto unary = [&](const char* path,
                           void (ClusterService::*method)(const CallContext&, ByteView, Reply)) {
        router.add_unary(path,
                         [this, method](const CallContext& context, ByteView message, Reply reply) {
                             (this->*method)(context, message, std::move(reply));
                         });
    };
    unary("/etcdserverpb.Cluster/MemberList", &ClusterService::member_list);
    unary("/etcdserverpb.Cluster/MemberAdd", &ClusterService::member_add);
    unary("/etcdserverpb.Cluster/MemberRemove", &ClusterService::member_remove);
    unary("/etcdserverpb.Cluster/MemberUpdate", &ClusterService::member_update);
    unary("/etcdserverpb.Cluster/MemberPromote", &ClusterService::member_promote);
}

void ClusterService::register_peer_methods(PeerService& peers) {
    peers.add_unary("MemberPromote", [this](ByteView message, Reply reply) {
        etcdserverpb::MemberPromoteRequest request;
        auth::Caller caller;
        if (Status s = parse_on_behalf(message, request, caller); !s.ok()) {
            reply.finish(s);
        } else if (!node_.status().leads()) {
            reply.finish(errors::kNotLeader);
        } else {
            promote_here(request.id(), caller, std::move(reply));
        }
    });
}

// The header of this service carries no revision.
Bytes ClusterService::encode_member_list() const {
    etcdserverpb::MemberListResponse response;
    const wire::Header header = node_.header(0);
    response.mutable_header()->set_cluster_id(header.cluster_id);
    response.mutable_header()->set_member_id(header.member_id);
    response.mutable_header()->set_raft_term(header.raft_term);
    for (const cluster::Member& member : node_.members()->members) {
        wire::to_proto(member, *response.add_members());
    }
    return response.SerializeAsString();
}

void ClusterService::member_list(const CallContext&, ByteView message, Reply reply) {
    etcdserverpb::MemberListRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    if (!request.linearizable() || node_.reads_confirmed()) {
        reply.reply(encode_member_list());
        return;
    }
    node_.confirm_read([this, reply = std::move(reply)](const Status& confirmed) mutable {
        if (confirmed.ok()) {
            reply.reply(encode_member_list());
        } else {
            reply.finish(confirmed);
        }
    });
}

// Checked with what this member sees of the others; the log decides between changes that were
// asked for at the same time.
void ClusterService::propose_checked(cluster::Change change, const Result<auth::Caller>& caller,
                                     Reply reply) {
    if (!caller) {
        reply.finish(caller.error());
        return;
    }
    auto shared = std::make_shared<Reply>(std::move(reply));
    const bool taken = node_.run_on_raft([this, shared, change = std::move(change),
                                          asking = *caller](node::RaftLoop& loop) {
        const auto list = node_.members();
        const int64_t now_ns = node_.clock().monotonic_ns();
        const auto contact_with = [&](uint64_t member) {
            if (member == node_.identity().member_id) {
                return Contact::kSteady;
            }
            const auto since_ns = loop.peers().connected_since_ns(member);
            if (!since_ns) {
                return Contact::kNone;
            }
            return now_ns - *since_ns >= kHealthInterval_ns ? Contact::kSteady : Contact::kRecent;
        };
        const config::ClusterConfig& config = node_.config().cluster;
        Status checked = check_member_change(
            *list, change, {config.strict_reconfig_check, config.max_learners}, contact_with);
        if (checked.ok() && change.kind == cluster::ChangeKind::kPromote &&
            !is_in_sync(loop.raft(), change.member.id)) {
            checked = errors::kLearnerNotReady;
        }
        if (checked.ok()) {
            node_.propose_member_change(change, wire::Origin::of(asking), std::move(*shared));
        } else {
            shared->finish(checked);
        }
    });
    if (!taken) {
        shared->finish(errors::kRequestTooManyRequests);
    }
}

void ClusterService::member_add(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::MemberAddRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    auto urls = peer_urls(request.peerurls());
    if (!urls) {
        reply.finish(errors::kMemberBadURLs);
        return;
    }
    cluster::Change change;
    change.kind =
        request.islearner() ? cluster::ChangeKind::kAddLearner : cluster::ChangeKind::kAdd;
    // The time makes it another id when a member comes back at the same address.
    change.member.id =
        cluster::derive_member_id(*urls, node_.identity().cluster_token +
                                             std::to_string(node_.clock().unix_ns() / kSecond_ns));
    change.member.peer_urls = std::move(*urls);
    change.member.is_learner = request.islearner();
    if (!context.caller) {
        reply.finish(context.caller.error());
        return;
    }
    // Who may is asked after what, as in etcd. A right may be too new for this member to know of.
    const auto decide = [this, change = std::move(change), caller = *context.caller](
                            const Status& confirmed, Reply to) {
        const Status refused = confirmed.ok() ? check_root(*node_.rules(), caller) : confirmed;
        if (refused.ok()) {
            propose_checked(change, caller, std::move(to));
        } else {
            to.finish(refused);
        }
    };
    if (node_.reads_confirmed() || check_root(*node_.rules(), *context.caller).ok()) {
        decide({}, std::move(reply));
        return;
    }
    node_.confirm_read([decide, reply = std::move(reply)](const Status& confirmed) mutable {
        decide(confirmed, std::move(reply));
    });
}

void ClusterService::member_remove(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::MemberRemoveRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    cluster::Change change{cluster::ChangeKind::kRemove, {}};
    change.member.id = request.id();
    propose_checked(std::move(change), context.caller, std::move(reply));
}

void ClusterService::member_update(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::MemberUpdateRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    auto urls = peer_urls(request.peerurls());
    if (!urls) {
        reply.finish(errors::kMemberBadURLs);
        return;
    }
    cluster::Change change{cluster::ChangeKind::kUpdate, {}};
    change.member.id = request.id();
    change.member.peer_urls = std::move(*urls);
    propose_checked(std::move(change), context.caller, std::move(reply));
}

// Only the leader knows how far a learner is.
void ClusterService::member_promote(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::MemberPromoteRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    if (!context.caller) {
        reply.finish(context.caller.error());
        return;
    }
    if (node_.status().leads()) {
        promote_here(request.id(), *context.caller, std::move(reply));
        return;
    }
    auto shared = std::make_shared<Reply>(std::move(reply));
    // Who was promoted by the first try would be refused by the second.
    node_.call_leader(kPromotePath, encode_on_behalf(*context.caller, message),
                      node::LeaderCall::Twice::kMustNot,
                      {[shared](const Result<Bytes>& answer) {
                           if (answer) {
                               shared->reply(*answer);
                           } else {
                               shared->finish(answer.error());
                           }
                       },
                       [this, shared, id = request.id(), caller = *context.caller] {
                           promote_here(id, caller, std::move(*shared));
                       }});
}

void ClusterService::promote_here(uint64_t member, const auth::Caller& caller, Reply reply) {
    cluster::Change change{cluster::ChangeKind::kPromote, {}};
    change.member.id = member;
    propose_checked(std::move(change), caller,
                    Reply(std::make_unique<CountedPromotion>(*this, std::move(reply)).release()));
}

}  // namespace quorate::rpc
