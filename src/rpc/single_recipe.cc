// SPDX-License-Identifier: Apache-2.0
#include "rpc/single_recipe.h"

#include "base/errors.h"
#include "rpc/parse.h"
#include "rpc/recipe_requests.h"
#include "v3election.pb.h"
#include "v3lock.pb.h"

#include <functional>
#include <utility>

namespace quorate::rpc {
namespace {

using etcdserverpb::TxnResponse;
using transport::CancelReason;
using transport::Reply;

using Request = std::unique_ptr<google::protobuf::MessageLite>;
using Convert = std::function<Result<Bytes>(ByteView answer)>;

template <typename Message>
Request box(Message message) {
    return std::make_unique<Message>(std::move(message));
}

// The call's answer turned into the recipe's.
class SingleRecipe final : public Recipe {
  public:
    SingleRecipe(const char* path, Request request, Convert convert, Reply reply)
        : path_(path),
          request_(std::move(request)),
          convert_(std::move(convert)),
          reply_(std::move(reply)) {}

    void start(RecipeHost& host) override { host.call(path_, *request_); }
    void refuse(const Status& status) override { reply_.finish(status); }

    void on_answer(RecipeHost&, const Status& status, ByteView message) override {
        if (!status.ok()) {
            reply_.finish(as_unknown(status));
            return;
        }
        const Result<Bytes> answer = convert_(message);
        if (answer) {
            reply_.reply(*answer);
        } else {
            reply_.finish(answer.error());
        }
    }

    void on_cancel(RecipeHost&, CancelReason reason) override { reply_.finish(cancelled(reason)); }
    bool done() const override { return !reply_; }

  private:
    const char* const path_;
    const Request request_;
    const Convert convert_;
    Reply reply_;
};

// A proclamation without a lease gets one first.
class ProclaimRecipe final : public Recipe {
  public:
    ProclaimRecipe(v3electionpb::ProclaimRequest request, Reply reply)
        : request_(std::move(request)), reply_(std::move(reply)) {}

    void start(RecipeHost& host) override {
        granting_ = request_.leader().lease() == 0;
        if (granting_) {
            host.call(kLeaseGrantPath, session_lease());
        } else {
            put(host);
        }
    }
    void refuse(const Status& status) override { reply_.finish(status); }

    void on_answer(RecipeHost& host, const Status& status, ByteView message) override {
        if (!status.ok()) {
            reply_.finish(as_unknown(status));
        } else if (std::exchange(granting_, false)) {
            const auto granted = decode<etcdserverpb::LeaseGrantResponse>(message);
            request_.mutable_leader()->set_lease(granted.id());
            put(host);
        } else {
            answer(decode<TxnResponse>(message));
        }
    }

    void on_cancel(RecipeHost&, CancelReason reason) override { reply_.finish(cancelled(reason)); }
    bool done() const override { return !reply_; }

  private:
    void put(RecipeHost& host) {
        const v3electionpb::LeaderKey& leader = request_.leader();
        host.call(kTxnPath, proclaim(leader.key(), leader.rev(), request_.value(), leader.lease()));
    }

    void answer(const TxnResponse& txn) {
        if (!txn.succeeded()) {
            reply_.finish({errors::kUnknown, "election: not leader"});
            return;
        }
        v3electionpb::ProclaimResponse response;
        *response.mutable_header() = txn.header();
        reply_.reply(response.SerializeAsString());
    }

    v3electionpb::ProclaimRequest request_;
    Reply reply_;
    bool granting_ = false;
};

Status missing_leader() {
    return {errors::kUnknown, "\"leader\" field must be provided"};
}

}  // namespace

std::unique_ptr<Recipe> make_unlock(ByteView message, Reply reply) {
    v3lockpb::UnlockRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return nullptr;
    }
    etcdserverpb::DeleteRangeRequest remove;
    remove.set_key(request.key());
    const auto convert = [](ByteView answer) -> Result<Bytes> {
        v3lockpb::UnlockResponse response;
        *response.mutable_header() = decode<etcdserverpb::DeleteRangeResponse>(answer).header();
        return response.SerializeAsString();
    };
    return std::make_unique<SingleRecipe>(kDeleteRangePath, box(std::move(remove)), convert,
                                          std::move(reply));
}

std::unique_ptr<Recipe> make_proclaim(ByteView message, Reply reply) {
    v3electionpb::ProclaimRequest request;
    Status checked = parse(message, request);
    if (checked.ok() && !request.has_leader()) {
        checked = missing_leader();
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return nullptr;
    }
    return std::make_unique<ProclaimRecipe>(std::move(request), std::move(reply));
}

std::unique_ptr<Recipe> make_leader(ByteView message, Reply reply) {
    v3electionpb::LeaderRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return nullptr;
    }
    const auto convert = [](ByteView answer) -> Result<Bytes> {
        const auto found = decode<etcdserverpb::RangeResponse>(answer);
        if (found.kvs().empty()) {
            return Status(errors::kUnknown, "election: no leader");
        }
        v3electionpb::LeaderResponse response;
        *response.mutable_header() = found.header();
        *response.mutable_kv() = found.kvs(0);
        return response.SerializeAsString();
    };
    return std::make_unique<SingleRecipe>(kRangePath, box(first_created(request.name() + '/')),
                                          convert, std::move(reply));
}

std::unique_ptr<Recipe> make_resign(ByteView message, Reply reply) {
    v3electionpb::ResignRequest request;
    Status checked = parse(message, request);
    if (checked.ok() && !request.has_leader()) {
        checked = missing_leader();
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return nullptr;
    }
    // Who is no leader any more has nothing to resign from, which is fine.
    const auto convert = [](ByteView answer) -> Result<Bytes> {
        v3electionpb::ResignResponse response;
        *response.mutable_header() = decode<TxnResponse>(answer).header();
        return response.SerializeAsString();
    };
    return std::make_unique<SingleRecipe>(
        kTxnPath, box(resign(request.leader().key(), request.leader().rev())), convert,
        std::move(reply));
}

}  // namespace quorate::rpc
