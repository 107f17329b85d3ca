// SPDX-License-Identifier: Apache-2.0
#include "rpc/observe_recipe.h"

#include "base/errors.h"
#include "rpc/parse.h"
#include "rpc/recipe_requests.h"
#include "v3election.pb.h"

#include <deque>
#include <utility>

namespace quorate::rpc {
namespace {

using etcdserverpb::ResponseHeader;
using etcdserverpb::WatchCreateRequest;
using etcdserverpb::WatchResponse;
using mvccpb::KeyValue;
using transport::CancelReason;
using transport::Reply;
using transport::SendResult;

class ObserveRecipe final : public Recipe {
  public:
    ObserveRecipe(const Bytes& name, Reply reply) : prefix_(name + '/'), reply_(std::move(reply)) {}

    void start(RecipeHost& host) override { find(host); }
    void refuse(const Status& status) override { reply_.finish(status); }

    void on_answer(RecipeHost& host, const Status& status, ByteView message) override {
        if (!status.ok()) {
            close();
            return;
        }
        const auto found = decode<etcdserverpb::RangeResponse>(message);
        if (found.kvs().empty()) {
            await_leader(host, found.header().revision());
            return;
        }
        tell(found.header(), found.kvs(0));
        follow(host, found.kvs(0).key(), found.header().revision() + 1);
    }

    void on_events(RecipeHost& host, const WatchResponse& response) override {
        waiting_.push_back(response);
        tell_waiting(host);
    }

    void on_watch_end(RecipeHost&, const Status&) override { close(); }

    void on_cancel(RecipeHost&, CancelReason reason) override {
        if (reply_) {
            reply_.finish(cancelled(reason));
        }
    }

    void on_writable(RecipeHost& host) override {
        busy_ = false;
        tell_waiting(host);
    }

    bool done() const override { return !reply_; }
    bool full() const override { return !waiting_.empty(); }

  private:
    void find(RecipeHost& host) {
        waiting_.clear();
        host.unwatch();
        host.call(kRangePath, first_created(prefix_));
    }

    void await_leader(RecipeHost& host, int64_t revision) {
        followed_.clear();
        WatchCreateRequest create;
        create.set_key(prefix_);
        create.set_range_end(prefix_end(prefix_));
        create.set_start_revision(revision);
        create.add_filters(WatchCreateRequest::NODELETE);
        host.watch(create);
    }

    void follow(RecipeHost& host, const Bytes& key, int64_t revision) {
        waiting_.clear();
        followed_ = key;
        WatchCreateRequest create;
        create.set_key(key);
        create.set_start_revision(revision);
        host.watch(create);
    }

    // As many as the caller takes.
    void tell_waiting(RecipeHost& host) {
        while (reply_ && !busy_ && !waiting_.empty()) {
            const WatchResponse response = std::move(waiting_.front());
            waiting_.pop_front();
            tell_response(host, response);
        }
    }

    void tell_response(RecipeHost& host, const WatchResponse& response) {
        if (response.canceled()) {
            // Compaction has overtaken the watch: who leads now is what matters.
            response.compact_revision() != 0 ? find(host) : close();
            return;
        }
        for (const mvccpb::Event& event : response.events()) {
            if (event.type() == mvccpb::Event::DELETE) {
                find(host);
                return;
            }
            ResponseHeader header = response.header();
            header.set_revision(event.kv().mod_revision());
            tell(header, event.kv());
            if (followed_.empty()) {
                follow(host, event.kv().key(), event.kv().mod_revision() + 1);
                return;
            }
        }
    }

    void tell(const ResponseHeader& header, const KeyValue& kv) {
        if (!reply_) {
            return;
        }
        v3electionpb::LeaderResponse response;
        *response.mutable_header() = header;
        *response.mutable_kv() = kv;
        switch (reply_.send(response.SerializeAsString())) {
            case SendResult::kOk:
                break;
            case SendResult::kBusy:
                busy_ = true;
                break;
            case SendResult::kGone:
                reply_.finish(errors::kContextCanceled);
                break;
        }
    }

    void close() {
        if (reply_) {
            reply_.finish({errors::kUnknown, "election: observe closed early"});
        }
    }

    const Bytes prefix_;
    Reply reply_;
    Bytes followed_;  // empty: no leader is known
    bool busy_ = false;
    std::deque<WatchResponse> waiting_;  // as many as a watch may have unseen
};

}  // namespace

std::unique_ptr<Recipe> make_observe(ByteView message, Reply reply) {
    v3electionpb::LeaderRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return nullptr;
    }
    return std::make_unique<ObserveRecipe>(request.name(), std::move(reply));
}

}  // namespace quorate::rpc
