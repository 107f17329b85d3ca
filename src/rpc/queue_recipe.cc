// SPDX-License-Identifier: Apache-2.0
#include "rpc/queue_recipe.h"

#include "base/errors.h"
#include "rpc/parse.h"
#include "rpc/recipe_requests.h"
#include "v3election.pb.h"
#include "v3lock.pb.h"

#include <algorithm>
#include <utility>

namespace quorate::rpc {
namespace {

using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using etcdserverpb::WatchResponse;
using transport::CancelReason;
using transport::Reply;

enum class Purpose : uint8_t { kLock, kCampaign };

struct Line {
    Purpose purpose;
    Bytes name;
    int64_t lease;  // 0: to be granted
    Bytes value;
};

class QueueRecipe final : public Recipe {
  public:
    QueueRecipe(Line line, Reply reply)
        : line_(std::move(line)), prefix_(line_.name + '/'), reply_(std::move(reply)) {}

    void start(RecipeHost& host) override {
        if (line_.lease == 0) {
            ask(host, Step::kGrant, kLeaseGrantPath, session_lease());
        } else {
            join(host);
        }
    }

    void refuse(const Status& status) override { reply_.finish(status); }

    void on_answer(RecipeHost& host, const Status& status, ByteView message) override {
        asking_ = false;
        if (step_ == Step::kLeave) {
            end();
        } else if (!status.ok()) {
            fail(host, as_unknown(status));
        } else {
            go_on(host, message);
        }
    }

    void on_events(RecipeHost& host, const WatchResponse& response) override {
        if (response.canceled() && response.compact_revision() == 0) {
            fail(host, {errors::kUnknown, response.cancel_reason()});
            return;
        }
        // Compaction has overtaken the watch: what counts is who is there now.
        const bool deleted = std::any_of(
            response.events().begin(), response.events().end(),
            [](const mvccpb::Event& event) { return event.type() == mvccpb::Event::DELETE; });
        if (deleted || response.canceled()) {
            host.unwatch();
            look(host);
        }
    }

    void on_watch_end(RecipeHost& host, const Status& status) override {
        fail(host, status.ok() ? Status(errors::kUnknown, "lost watcher waiting for delete")
                               : as_unknown(status));
    }

    void on_cancel(RecipeHost& host, CancelReason reason) override {
        if (!reply_) {
            return;
        }
        reply_.finish(cancelled(reason));
        // When the server ends, the lease decides over the key.
        if (reason == CancelReason::kShutdown || step_ == Step::kGrant) {
            end();
            return;
        }
        host.unwatch();
        if (!asking_) {
            leave(host);
        }
    }

    bool done() const override { return step_ == Step::kDone; }

  private:
    enum class Step : uint8_t { kGrant, kJoin, kProclaim, kLook, kWait, kConfirm, kLeave, kDone };

    void ask(RecipeHost& host, Step step, const char* path,
             const google::protobuf::MessageLite& request) {
        step_ = step;
        asking_ = true;
        host.call(path, request);
    }

    void go_on(RecipeHost& host, ByteView message) {
        switch (step_) {
            case Step::kGrant:
                line_.lease = decode<etcdserverpb::LeaseGrantResponse>(message).id();
                join(host);
                return;
            case Step::kJoin:
                joined(host, decode<TxnResponse>(message));
                return;
            case Step::kProclaim:
                if (decode<TxnResponse>(message).succeeded()) {
                    look(host);
                } else {
                    fail(host, {errors::kUnknown, "election: not leader"});
                }
                return;
            case Step::kLook:
                looked(host, decode<RangeResponse>(message));
                return;
            case Step::kConfirm: {
                const auto own = decode<RangeResponse>(message);
                if (own.kvs().empty()) {
                    fail(host, {errors::kUnknown, "mutex: session is expired"});
                    return;
                }
                header_ = own.header();
                answer(host);
                return;
            }
            case Step::kWait:
            case Step::kLeave:
            case Step::kDone:
                break;
        }
        QUORATE_ASSERT(false && "an answer that nobody asked for");
    }

    void join(RecipeHost& host) {
        key_ = queue_key(prefix_, line_.lease);
        TxnRequest txn;
        compare_created(txn, key_, 0);
        then_put(txn, key_, line_.value, line_.lease);
        *txn.add_failure()->mutable_request_range() = just(key_);
        if (line_.purpose == Purpose::kLock) {
            // Who has the lock: most of the time this call, which is then over.
            *txn.add_success()->mutable_request_range() = first_created(prefix_);
            *txn.add_failure()->mutable_request_range() = first_created(prefix_);
        }
        ask(host, Step::kJoin, kTxnPath, txn);
    }

    void joined(RecipeHost& host, const TxnResponse& response) {
        header_ = response.header();
        created_ = header_.revision();
        bool says_something_else = false;
        if (!response.succeeded()) {
            const auto& own = response.responses(0).response_range().kvs(0);
            created_ = own.create_revision();
            says_something_else = own.value() != line_.value;
        }
        if (!reply_) {
            // Cancelled meanwhile. A key that was there before is not this call's to take away.
            response.succeeded() ? leave(host) : end();
            return;
        }
        if (line_.purpose == Purpose::kLock) {
            const auto& first = response.responses(1).response_range().kvs();
            if (first.empty() || first.Get(0).create_revision() == created_) {
                answer(host);
                return;
            }
        } else if (says_something_else) {
            ask(host, Step::kProclaim, kTxnPath,
                proclaim(key_, created_, line_.value, line_.lease));
            return;
        }
        look(host);
    }

    void look(RecipeHost& host) {
        if (!reply_) {
            leave(host);
            return;
        }
        ask(host, Step::kLook, kRangePath, last_created(prefix_, created_ - 1));
    }

    void looked(RecipeHost& host, const RangeResponse& response) {
        if (!reply_) {
            leave(host);
        } else if (!response.kvs().empty()) {
            step_ = Step::kWait;
            etcdserverpb::WatchCreateRequest create;
            create.set_key(response.kvs(0).key());
            create.set_start_revision(response.header().revision());
            create.add_filters(etcdserverpb::WatchCreateRequest::NOPUT);
            host.watch(create);
        } else if (line_.purpose == Purpose::kLock) {
            ask(host, Step::kConfirm, kRangePath, just(key_));
        } else {
            answer(host);
        }
    }

    void answer(RecipeHost& host) {
        if (!reply_) {
            leave(host);
            return;
        }
        if (line_.purpose == Purpose::kLock) {
            v3lockpb::LockResponse response;
            *response.mutable_header() = header_;
            response.set_key(key_);
            reply_.reply(response.SerializeAsString());
        } else {
            v3electionpb::CampaignResponse response;
            *response.mutable_header() = header_;
            v3electionpb::LeaderKey& leader = *response.mutable_leader();
            leader.set_name(line_.name);
            leader.set_key(key_);
            leader.set_rev(created_);
            leader.set_lease(line_.lease);
            reply_.reply(response.SerializeAsString());
        }
        end();
    }

    // A lock's waiter that fails takes its key with it, and a candidate that could not say what it
    // stands for; other candidates stay in line until their lease ends.
    void fail(RecipeHost& host, const Status& status) {
        const bool in_line = step_ != Step::kGrant && step_ != Step::kJoin;
        const bool leaves = line_.purpose == Purpose::kLock || step_ == Step::kProclaim || !reply_;
        failure_ = status;
        host.unwatch();
        if (in_line && leaves) {
            leave(host);
        } else {
            end();
        }
    }

    void leave(RecipeHost& host) {
        if (line_.purpose == Purpose::kCampaign) {
            ask(host, Step::kLeave, kTxnPath, resign(key_, created_));
            return;
        }
        etcdserverpb::DeleteRangeRequest request;
        request.set_key(key_);
        ask(host, Step::kLeave, kDeleteRangePath, request);
    }

    void end() {
        if (reply_) {
            reply_.finish(failure_);
        }
        step_ = Step::kDone;
    }

    Line line_;
    const Bytes prefix_;
    Reply reply_;  // empty: answered, or the caller has gone
    Step step_ = Step::kGrant;
    bool asking_ = false;
    Bytes key_;
    int64_t created_ = 0;  // our key's create_revision
    etcdserverpb::ResponseHeader header_;
    Status failure_;
};

}  // namespace

std::unique_ptr<Recipe> make_lock(ByteView message, Reply reply) {
    v3lockpb::LockRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return nullptr;
    }
    return std::make_unique<QueueRecipe>(
        Line{Purpose::kLock, request.name(), request.lease(), Bytes()}, std::move(reply));
}

std::unique_ptr<Recipe> make_campaign(ByteView message, Reply reply) {
    v3electionpb::CampaignRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return nullptr;
    }
    return std::make_unique<QueueRecipe>(
        Line{Purpose::kCampaign, request.name(), request.lease(), request.value()},
        std::move(reply));
}

}  // namespace quorate::rpc
