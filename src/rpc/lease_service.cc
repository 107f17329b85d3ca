// SPDX-License-Identifier: Apache-2.0
#include "rpc/lease_service.h"

#include "apply/gates.h"
#include "base/errors.h"
#include "rpc.pb.h"
#include "rpc/on_behalf.h"
#include "rpc/on_state.h"
#include "rpc/parse.h"
#include "rpc/peer_service.h"
#include "rpc/permit.h"
#include "wire/header.h"

#include <atomic>
#include <memory>
#include <utility>

namespace quorate::rpc {
// The answering side of a keep-alive stream. Apply loop, but for `unanswered`. It is shared by the
// call and by all answers that are on their way, some of them from the leader: when the client has
// said that it asks no more, the stream ends in order with the last of these.
struct KeepAliveStream {
    KeepAliveStream() = default;
    KeepAliveStream(const KeepAliveStream&) = delete;
    KeepAliveStream& operator=(const KeepAliveStream&) = delete;
    ~KeepAliveStream() {
        // Without one of the answers the reply is dropped, which says why.
        if (asked_for_all && reply && unanswered.load() == 0) {
            reply.finish({});
        }
    }

    transport::Reply reply;
    std::atomic<int> unanswered{0};
    bool asked_for_all = false;  // set by the call as it lets go, read when everybody has
};

namespace {

using transport::Reply;

// Keep-alives of one stream that the apply loop has not answered yet; a client that sends more
// without reading is cut off.
constexpr int kUnansweredMax = 16 * 1024;
constexpr size_t kStreamsSweptMin = 64;

constexpr ByteView kRenewPath = "/quorate.peer.Peer/LeaseRenew";
constexpr ByteView kTimeToLivePath = "/quorate.peer.Peer/LeaseTimeToLive";

// Answers without their header, which is the addressed member's own. The leader only.
Result<Bytes> renewal(node::Node& node, metrics::Counter& renewed, apply::State& state,
                      const auth::Caller& caller,
                      const etcdserverpb::LeaseKeepAliveRequest& request) {
    if (Status s = permit(state, caller, apply::needs_of(request)); !s.ok()) {
        return s;
    }
    const int64_t id = request.id();
    Bytes response;
    wire::append_int(response, 2, id);
    const lease::KeepAlive kept = state.lessor.keep_alive(id, state.now_ms);
    wire::append_int(response, 3, kept.ttl_seconds);
    if (kept.ttl_seconds > 0) {
        renewed.add();
    }
    if (kept.clear_checkpoint) {
        etcdserverpb::LeaseCheckpointRequest checkpoint;
        checkpoint.add_checkpoints()->set_id(id);
        node.propose_as_leader(state.led_term, wire::CommandKind::kLeaseCheckpoint,
                               checkpoint.SerializeAsString());
    }
    return response;
}

Result<Bytes> time_left(const apply::State& state, const Result<auth::Caller>& caller,
                        const etcdserverpb::LeaseTimeToLiveRequest& request) {
    if (Status s = permit(state, caller, apply::needs_of(request)); !s.ok()) {
        return s;
    }
    Bytes response;
    wire::append_int(response, 2, request.id());
    const auto time = state.lessor.time_to_live(request.id(), state.now_ms);
    wire::append_int(response, 3, time ? time->remaining_seconds.value_or(0) : -1);
    if (time) {
        wire::append_int(response, 4, time->granted_seconds);
    }
    if (time && request.keys()) {
        for (const Bytes& key : state.lessor.keys(request.id())) {
            wire::append_message(response, 5, key);
        }
    }
    return response;
}

class KeepAliveCall final : public transport::Call {
  public:
    KeepAliveCall(node::Node& node, const Login& login, const CallContext& context,
                  metrics::Counter& renewed, std::shared_ptr<KeepAliveStream> stream)
        : node_(node),
          login_(login),
          context_(context),
          renewed_(renewed),
          stream_(std::move(stream)) {}

    void on_message(ByteView message) override {
        if (ended_) {
            return;
        }
        etcdserverpb::LeaseKeepAliveRequest request;
        if (Status s = parse(message, request); !s.ok()) {
            end(s);
            return;
        }
        // Each time: a stream may live longer than its token.
        auto caller = login_.identify(context_.view());
        if (!caller) {
            end(caller.error());
            return;
        }
        if (stream_->unanswered.fetch_add(1) >= kUnansweredMax) {
            end(errors::kRequestTooManyRequests);
            return;
        }
        const bool taken =
            node_.run_on_state([&node = node_, &renewed = renewed_, stream = stream_,
                                caller = std::move(*caller), request](apply::State& state) {
                renew(node, renewed, stream, state, caller, request);
            });
        if (!taken) {
            end(errors::kRequestTooManyRequests);
        }
    }

    void on_half_close() override {
        if (!std::exchange(ended_, true)) {
            stream_->asked_for_all = true;
            stream_.reset();
        }
    }
    void on_cancel(transport::CancelReason) override { end(errors::kContextCanceled); }

  private:
    static void renew(node::Node& node, metrics::Counter& renewed,
                      const std::shared_ptr<KeepAliveStream>& stream, apply::State& state,
                      const auth::Caller& caller,
                      const etcdserverpb::LeaseKeepAliveRequest& request) {
        if (state.lessor.is_primary() && node.may_renew_leases(state.now_ms)) {
            answer(node, *stream, state, renewal(node, renewed, state, caller, request));
            return;
        }
        if (state.lessor.is_primary()) {
            node.confirm_read([=, &node, &renewed](const Status& confirmed) {
                static_cast<void>(node.run_on_state([=, &node, &renewed](apply::State& now) {
                    if (confirmed.ok()) {
                        renew(node, renewed, stream, now, caller, request);
                    } else {
                        answer(node, *stream, now, confirmed);
                    }
                }));
            });
            return;
        }
        // Only the leader's clock counts. Where too many wait, nothing is done: the client asks
        // again in good time.
        node.call_leader(
            kRenewPath, encode_on_behalf(caller, request.SerializeAsString()),
            node::LeaderCall::Twice::kMay,
            {[&node, stream](const Result<Bytes>& renewal) {
                 static_cast<void>(node.run_on_state([&node, stream, renewal](apply::State& now) {
                     answer(node, *stream, now, renewal);
                 }));
             },
             [&node, &renewed, stream, caller, request] {
                 static_cast<void>(node.run_on_state([=, &node, &renewed](apply::State& now) {
                     renew(node, renewed, stream, now, caller, request);
                 }));
             }});
    }

    static void answer(const node::Node& node, KeepAliveStream& stream, const apply::State& state,
                       const Result<Bytes>& renewal) {
        stream.unanswered.fetch_sub(1);
        if (!stream.reply) {
            return;
        }
        if (!renewal) {
            stream.reply.finish(renewal.error());
            return;
        }
        Bytes response;
        wire::append_header(response, node.header(state.store.current_revision()));
        response += *renewal;
        stream.reply.send(response);
    }

    // Behind the answers that are still on their way.
    void end(Status status) {
        if (std::exchange(ended_, true)) {
            return;
        }
        const bool taken = node_.run_on_state([stream = stream_, status](apply::State&) {
            if (stream->reply) {
                stream->reply.finish(status);
            }
        });
        // Refused: the last answer's task drops the stream, and with it the reply.
        static_cast<void>(taken);
    }

    node::Node& node_;
    const Login& login_;
    const KeptContext context_;
    metrics::Counter& renewed_;
    std::shared_ptr<KeepAliveStream> stream_;  // null once the client asks no more
    bool ended_ = false;
};

}  // namespace

LeaseService::LeaseService(node::Node& node, Quota& quota, const Login& login)
    : node_(node),
      quota_(quota),
      login_(login),
      renewed_(node.metrics().counter("etcd_debugging_lease_renewed_total",
                                      "The number of renewed leases seen by the leader.")) {}

void LeaseService::register_methods(Router& router) {
    const auto unary = [&](const char* path,
                           void (LeaseService::*method)(const CallContext&, ByteView, Reply)) {
        router.add_unary(path,
                         [this, method](const CallContext& context, ByteView message, Reply reply) {
                             (this->*method)(context, message, std::move(reply));
                         });
    };
    unary("/etcdserverpb.Lease/LeaseGrant", &LeaseService::grant);
    unary("/etcdserverpb.Lease/LeaseRevoke", &LeaseService::revoke);
    unary("/etcdserverpb.Lease/LeaseTimeToLive", &LeaseService::time_to_live);
    unary("/etcdserverpb.Lease/LeaseLeases", &LeaseService::leases);
    router.add_bidi_stream("/etcdserverpb.Lease/LeaseKeepAlive", [this](const CallContext& context,
                                                                        Reply reply) {
        auto stream = std::make_shared<KeepAliveStream>();
        stream->reply = std::move(reply);
        if (context.requires_leader) {
            end_without_leader(stream);
        }
        return std::make_unique<KeepAliveCall>(node_, login_, context, renewed_, std::move(stream));
    });
    node_.set_on_leader_lost([this] { leader_lost(); });
}

// What has ended since is forgotten whenever the list has doubled.
void LeaseService::end_without_leader(const std::shared_ptr<KeepAliveStream>& stream) {
    const std::lock_guard lock(streams_mutex_);
    if (streams_.size() >= streams_swept_at_) {
        std::erase_if(streams_, [](const auto& one) { return one.expired(); });
        streams_swept_at_ = 2 * streams_.size() + kStreamsSweptMin;
    }
    streams_.push_back(stream);
}

void LeaseService::leader_lost() {
    std::vector<std::weak_ptr<KeepAliveStream>> streams;
    {
        const std::lock_guard lock(streams_mutex_);
        streams.swap(streams_);
    }
    const bool taken = node_.run_on_state([streams = std::move(streams)](apply::State&) {
        for (const auto& one : streams) {
            const auto stream = one.lock();
            if (stream != nullptr && stream->reply) {
                stream->reply.finish(errors::kNoLeader);
            }
        }
    });
    // Refused: a member with so much waiting answers their next renewal with the same error.
    static_cast<void>(taken);
}

namespace {

void give(const Result<Bytes>& answer, Reply& to) {
    if (answer) {
        to.reply(*answer);
    } else {
        to.finish(answer.error());
    }
}

}  // namespace

void LeaseService::register_peer_methods(PeerService& peers) {
    peers.add_unary("LeaseRenew", [this](ByteView message, Reply reply) {
        etcdserverpb::LeaseKeepAliveRequest request;
        auth::Caller caller;
        if (Status s = parse_on_behalf(message, request, caller); !s.ok()) {
            reply.finish(s);
            return;
        }
        answer_on_state(node_, std::move(reply),
                        [this, request, caller](apply::State& state, Reply& to) {
                            renew_for_peer(state, caller, request, to);
                        });
    });
    peers.add_unary("LeaseTimeToLive", [this](ByteView message, Reply reply) {
        etcdserverpb::LeaseTimeToLiveRequest request;
        auth::Caller caller;
        if (Status s = parse_on_behalf(message, request, caller); !s.ok()) {
            reply.finish(s);
            return;
        }
        answer_on_confirmed_state(
            node_, std::move(reply), [request, caller](apply::State& state, Reply& to) {
                give(state.lessor.is_primary() ? time_left(state, caller, request)
                                               : Result<Bytes>(errors::kNoLeader),
                     to);
            });
    });
}

void LeaseService::renew_for_peer(apply::State& state, const auth::Caller& caller,
                                  const etcdserverpb::LeaseKeepAliveRequest& request, Reply& to) {
    if (!state.lessor.is_primary()) {
        to.finish(errors::kNoLeader);
    } else if (node_.may_renew_leases(state.now_ms)) {
        give(renewal(node_, renewed_, state, caller, request), to);
    } else {
        answer_on_confirmed_state(node_, std::move(to),
                                  [this, caller, request](apply::State& now, Reply& confirmed) {
                                      renew_for_peer(now, caller, request, confirmed);
                                  });
    }
}

void LeaseService::grant(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::LeaseGrantRequest request;
    Status checked = parse(message, request);
    if (checked.ok()) {
        checked = quota_.check(apply::kLeaseCost);
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return;
    }
    if (request.id() == 0) {
        // Chosen before it goes into the log, so that every member gives the same one.
        request.set_id(static_cast<int64_t>(node_.next_id()));
    }
    propose(node_, context, wire::CommandKind::kLeaseGrant, request.SerializeAsString(),
            std::move(reply));
}

void LeaseService::revoke(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::LeaseRevokeRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    propose(node_, context, wire::CommandKind::kLeaseRevoke, message, std::move(reply));
}

void LeaseService::time_to_live(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::LeaseTimeToLiveRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    if (node_.status().leads()) {
        time_to_live_here(request, context.caller, std::move(reply));
        return;
    }
    if (!context.caller) {
        reply.finish(context.caller.error());
        return;
    }
    auto shared = std::make_shared<Reply>(std::move(reply));
    node_.call_leader(
        kTimeToLivePath, encode_on_behalf(*context.caller, message), node::LeaderCall::Twice::kMay,
        {[this, shared](Result<Bytes> answer) {
             answer_on_state(node_, std::move(*shared),
                             [this, rest = std::move(answer)](apply::State& state, Reply& to) {
                                 reply_with_header(state, rest, to);
                             });
         },
         [this, shared, request, caller = context.caller] {
             time_to_live_here(request, caller, std::move(*shared));
         }});
}

void LeaseService::time_to_live_here(const etcdserverpb::LeaseTimeToLiveRequest& request,
                                     const Result<auth::Caller>& caller, Reply reply) {
    answer_on_confirmed_state(node_, std::move(reply),
                              [this, request, caller](apply::State& state, Reply& to) {
                                  reply_with_header(state, time_left(state, caller, request), to);
                              });
}

void LeaseService::reply_with_header(const apply::State& state, const Result<Bytes>& rest,
                                     Reply& to) const {
    if (!rest) {
        to.finish(rest.error());
        return;
    }
    Bytes response;
    wire::append_header(response, node_.header(state.store.current_revision()));
    response += *rest;
    to.reply(response);
}

void LeaseService::leases(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::LeaseLeasesRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    // Of what this member knows, which needs no quorum.
    answer_on_state(node_, std::move(reply),
                    [this, caller = context.caller](apply::State& state, Reply& to) {
                        // Only while it counts: it looks at all leases.
                        const Status permitted =
                            state.auth.enabled()
                                ? permit(state, caller, apply::needs_of_lease_list(state.lessor))
                                : Status();
                        if (!permitted.ok()) {
                            to.finish(permitted);
                            return;
                        }
                        Bytes response;
                        wire::append_header(response, node_.header(state.store.current_revision()));
                        for (const lease::LeaseId id : state.lessor.list()) {
                            Bytes status;
                            wire::append_int(status, 1, id);
                            wire::append_message(response, 2, status);
                        }
                        to.reply(response);
                    });
}

}  // namespace quorate::rpc
