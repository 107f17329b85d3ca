// SPDX-License-Identifier: Apache-2.0
#include "rpc/recipe_loop.h"

#include "base/errors.h"

#include <utility>

namespace quorate::rpc {
namespace {

using transport::Call;
using transport::CancelReason;
using transport::Reply;
using transport::SendResult;

constexpr int64_t kAsleep_ns = 1'000'000'000;
// Beginnings and what clients do; what recipes themselves have asked for is always taken.
constexpr size_t kInboxMax = 2 * kRecipesMax;
constexpr ByteView kWatchPath = "/etcdserverpb.Watch/Watch";

// Responses that are on their way to a recipe or wait there.
struct Flow {
    std::atomic<int> unseen{0};
};

}  // namespace

Status as_unknown(const Status& status) {
    return {errors::kUnknown, status.message()};
}

Status cancelled(CancelReason reason) {
    switch (reason) {
        case CancelReason::kPeer:
            return errors::kContextCanceled;
        case CancelReason::kDeadline:
            return errors::kContextDeadline;
        case CancelReason::kShutdown:
            return errors::kStopped;
    }
    return errors::kStopped;
}

// The client's side of a call, on the transport's thread.
class RecipeLoop::Caller final : public Call {
  public:
    Caller(RecipeLoop& loop, const CallContext& context, Reply reply, Make make)
        : loop_(loop), context_(context), reply_(std::move(reply)), make_(make) {}

    void on_message(ByteView message) override {
        if (!reply_) {
            return;
        }
        std::unique_ptr<Recipe> recipe = make_(message, std::move(reply_));
        if (recipe == nullptr) {
            return;
        }
        key_ = loop_.next_key_.fetch_add(1);
        Input start = Start{key_, context_, std::move(recipe)};
        if (!loop_.inbox_.push(std::move(start))) {
            std::get<Start>(start).recipe->refuse(errors::kRequestTooManyRequests);
            key_ = 0;
        }
    }

    void on_half_close() override {
        if (reply_) {
            reply_.finish({errors::kInternal, "the call ended without a request message"});
        }
    }

    void on_cancel(CancelReason reason) override {
        if (reply_) {
            reply_.finish(cancelled(reason));
        } else if (key_ != 0) {
            loop_.inbox_.push_always(Cancel{key_, reason});
        }
    }

    void on_writable() override {
        if (key_ != 0) {
            loop_.inbox_.push_always(Writable{key_});
        }
    }

  private:
    RecipeLoop& loop_;
    const KeptContext context_;
    Reply reply_;
    const Make make_;
    Key key_ = 0;  // 0: not in the loop
};

// Takes the answer to a recipe's call back to the loop. Owned by the Reply above it.
class RecipeLoop::AnswerChannel final : public Reply::Channel {
  public:
    AnswerChannel(Mailbox<Input>& inbox, Key key) : inbox_(inbox), key_(key) {}

    SendResult send(ByteView message) override {
        message_ = Bytes(message);
        return SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        const std::unique_ptr<AnswerChannel> self(this);
        inbox_.push_always(Answered{key_, status, std::move(message_)});
    }
    void reply(ByteView message) override {
        message_ = Bytes(message);
        finish({});
    }
    void hold(bool) override {}  // there is one message, and it has been delivered

  private:
    Mailbox<Input>& inbox_;
    const Key key_;
    Bytes message_;
};

// The same for a watch's responses.
class RecipeLoop::WatchChannel final : public Reply::Channel {
  public:
    WatchChannel(Mailbox<Input>& inbox, Key key, uint64_t watch, std::shared_ptr<Flow> flow)
        : inbox_(inbox), key_(key), watch_(watch), flow_(std::move(flow)) {}

    SendResult send(ByteView message) override {
        const bool busy = flow_->unseen.fetch_add(1) + 1 >= kUnseenResponsesMax;
        inbox_.push_always(Watched{key_, watch_, Bytes(message)});
        return busy ? SendResult::kBusy : SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        const std::unique_ptr<WatchChannel> self(this);
        inbox_.push_always(WatchEnded{key_, watch_, status});
    }
    void reply(ByteView message) override {
        send(message);
        finish({});
    }
    void hold(bool) override {}

  private:
    Mailbox<Input>& inbox_;
    const Key key_;
    const uint64_t watch_;
    const std::shared_ptr<Flow> flow_;  // with the loop's side
};

// One recipe and what it has asked for.
class RecipeLoop::Running final : public RecipeHost {
  public:
    Running(RecipeLoop& loop, Start& start)
        : loop_(loop), key_(start.key), context_(start.context), recipe_(std::move(start.recipe)) {}

    Recipe& recipe() { return *recipe_; }

    void call(std::string_view path, const google::protobuf::MessageLite& request) override {
        auto channel = std::make_unique<AnswerChannel>(loop_.inbox_, key_);
        loop_.router_.call(path, context_.view(), request.SerializeAsString(),
                           Reply(channel.release()));
    }

    void watch(const etcdserverpb::WatchCreateRequest& create) override {
        unwatch();
        flow_ = std::make_shared<Flow>();
        auto channel = std::make_unique<WatchChannel>(loop_.inbox_, key_, ++watch_, flow_);
        watching_ = loop_.router_.open(kWatchPath, context_.view(), Reply(channel.release()));
        etcdserverpb::WatchRequest request;
        *request.mutable_create_request() = create;
        if (watching_ != nullptr) {
            watching_->on_message(request.SerializeAsString());
        }
    }

    void unwatch() override {
        if (watching_ != nullptr) {
            watching_->on_cancel(CancelReason::kPeer);
            watching_.reset();
        }
        flow_.reset();
        ++watch_;  // what is still on its way is of no interest
    }

    bool watches(uint64_t watch) const { return watch == watch_ && flow_ != nullptr; }

    // A response has reached the recipe; the watch goes on when it had to rest and the recipe has
    // room again.
    void seen() {
        ++seen_;
        go_on();
    }
    void go_on() {
        if (flow_ == nullptr || recipe_->full() || seen_ == 0) {
            return;
        }
        const int seen = std::exchange(seen_, 0);
        if (flow_->unseen.fetch_sub(seen) >= kUnseenResponsesMax && watching_ != nullptr) {
            watching_->on_writable();
        }
    }

    void watch_ended() {
        watching_.reset();
        flow_.reset();
    }

  private:
    RecipeLoop& loop_;
    const Key key_;
    const KeptContext context_;
    const std::unique_ptr<Recipe> recipe_;
    uint64_t watch_ = 0;
    std::unique_ptr<Call> watching_;
    std::shared_ptr<Flow> flow_;  // with the watch's channel
    int seen_ = 0;
};

RecipeLoop::RecipeLoop(Router& router) : router_(router), inbox_(kInboxMax, thread_.waker()) {}

RecipeLoop::~RecipeLoop() {
    stop();
}

void RecipeLoop::start(std::function<void()> flush) {
    flush_ = std::move(flush);
    thread_.start([this] { return turn(); });
}

void RecipeLoop::stop() {
    thread_.stop();
    for (const auto& [key, running] : running_) {
        running->recipe().on_cancel(*running, CancelReason::kShutdown);
        running->unwatch();
    }
    if (!running_.empty()) {
        flush_();
    }
    running_.clear();
}

std::unique_ptr<Call> RecipeLoop::begin(const CallContext& context, Reply reply, Make make) {
    return std::make_unique<Caller>(*this, context, std::move(reply), make);
}

int64_t RecipeLoop::turn() {
    inbox_.take(inputs_);
    for (Input& input : inputs_) {
        std::visit([this](auto& one) { take(one); }, input);
    }
    if (!inputs_.empty()) {
        flush_();
    }
    inputs_.clear();
    return kAsleep_ns;
}

RecipeLoop::Running* RecipeLoop::find(Key key) {
    const auto it = running_.find(key);
    return it == running_.end() ? nullptr : it->second.get();
}

void RecipeLoop::drop_if_done(Key key) {
    const auto it = running_.find(key);
    if (it != running_.end() && it->second->recipe().done()) {
        it->second->unwatch();
        running_.erase(it);
    }
}

void RecipeLoop::take(Start& start) {
    if (running_.size() >= kRecipesMax) {
        start.recipe->refuse(errors::kRequestTooManyRequests);
        return;
    }
    auto running = std::make_unique<Running>(*this, start);
    Running& made = *running;
    running_.emplace(start.key, std::move(running));
    made.recipe().start(made);
    drop_if_done(start.key);
}

void RecipeLoop::take(Cancel& cancel) {
    if (Running* running = find(cancel.key)) {
        running->recipe().on_cancel(*running, cancel.reason);
        drop_if_done(cancel.key);
    }
}

void RecipeLoop::take(Writable& writable) {
    if (Running* running = find(writable.key)) {
        running->recipe().on_writable(*running);
        running->go_on();
        drop_if_done(writable.key);
    }
}

void RecipeLoop::take(Answered& answered) {
    if (Running* running = find(answered.key)) {
        running->recipe().on_answer(*running, answered.status, answered.message);
        drop_if_done(answered.key);
    }
}

void RecipeLoop::take(Watched& watched) {
    Running* running = find(watched.key);
    if (running == nullptr || !running->watches(watched.watch)) {
        return;
    }
    etcdserverpb::WatchResponse response;
    const bool parsed = response.ParseFromString(watched.response);
    QUORATE_ASSERT(parsed);
    if (!response.created() || response.canceled()) {
        running->recipe().on_events(*running, response);
    }
    running->seen();
    drop_if_done(watched.key);
}

void RecipeLoop::take(WatchEnded& ended) {
    Running* running = find(ended.key);
    if (running == nullptr || !running->watches(ended.watch)) {
        return;
    }
    running->watch_ended();
    running->recipe().on_watch_end(*running, ended.status);
    drop_if_done(ended.key);
}

}  // namespace quorate::rpc
