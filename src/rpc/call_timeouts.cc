// SPDX-License-Identifier: Apache-2.0
#include "rpc/call_timeouts.h"

#include "base/errors.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace quorate::rpc {
namespace {

using transport::Call;
using transport::CancelReason;
using transport::Reply;
using transport::SendResult;

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kIdle_ns = 3600 * kSecond_ns;

int64_t unit_ns(char unit) {
    switch (unit) {
        case 'H':
            return 3600 * kSecond_ns;
        case 'M':
            return 60 * kSecond_ns;
        case 'S':
            return kSecond_ns;
        case 'm':
            return 1'000'000;
        case 'u':
            return 1000;
        case 'n':
            return 1;
        default:
            return 0;
    }
}

}  // namespace

std::optional<int64_t> parse_gateway_timeout(ByteView text) {
    if (text.size() < 2) {
        return std::nullopt;
    }
    const int64_t unit = unit_ns(text.back());
    text.remove_suffix(1);
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) {
            return std::nullopt;
        }
    }
    int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (unit == 0 || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return static_cast<int64_t>(static_cast<uint64_t>(count) * static_cast<uint64_t>(unit));
}

// One call. The method's side is under a mutex of its own, which is taken first: it may answer
// while it is told something.
class CallTimeouts::Timed {
  public:
    Timed(CallTimeouts& owner, Reply reply) : owner_(owner), reply_(std::move(reply)) {}

    // Before anybody else knows of it.
    void set_key(const Key& key) { key_ = key; }

    void open(Reply reply, const Open& open) {
        const std::lock_guard lock(call_mutex_);
        call_ = open(std::move(reply));
        if (call_ != nullptr && expired_) {
            call_->on_cancel(CancelReason::kDeadline);
        }
    }

    // What the client sends and what becomes of it.
    void tell(const std::function<void(Call&)>& event) {
        if (owner_.clock_.monotonic_ns() >= key_.first) {
            expire();
        }
        const std::lock_guard lock(call_mutex_);
        if (call_ != nullptr && !expired_) {
            event(*call_);
        }
    }

    void expire() {
        Reply reply = take_reply();
        if (!reply) {
            return;
        }
        reply.finish(errors::kContextDeadline);
        const std::lock_guard lock(call_mutex_);
        expired_ = true;
        if (call_ != nullptr) {
            call_->on_cancel(CancelReason::kDeadline);
        }
    }

    void close() {
        const std::lock_guard lock(call_mutex_);
        call_ = nullptr;
    }

    SendResult send(ByteView message) {
        const std::lock_guard lock(reply_mutex_);
        return reply_ ? reply_.send(message) : SendResult::kGone;
    }
    void hold(bool held) {
        const std::lock_guard lock(reply_mutex_);
        if (reply_) {
            reply_.hold(held);
        }
    }
    // Empty when the call has been answered.
    Reply take_reply() {
        owner_.remove(key_);
        const std::lock_guard lock(reply_mutex_);
        return std::move(reply_);
    }

  private:
    CallTimeouts& owner_;
    Key key_;
    std::mutex call_mutex_;
    std::unique_ptr<Call> call_;
    bool expired_ = false;
    std::mutex reply_mutex_;
    Reply reply_;
};

// What the method answers on. Owned by the Reply above it.
class CallTimeouts::Channel final : public Reply::Channel {
  public:
    explicit Channel(std::shared_ptr<Timed> timed) : timed_(std::move(timed)) {}

    SendResult send(ByteView message) override { return timed_->send(message); }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        const std::unique_ptr<Channel> self(this);
        if (Reply reply = timed_->take_reply()) {
            reply.finish(status);
        }
    }
    void reply(ByteView message) override {
        const std::unique_ptr<Channel> self(this);
        if (Reply reply = timed_->take_reply()) {
            reply.reply(message);
        }
    }
    void hold(bool held) override { timed_->hold(held); }

  private:
    const std::shared_ptr<Timed> timed_;
};

// What the client's side calls.
class CallTimeouts::Front final : public Call {
  public:
    explicit Front(std::shared_ptr<Timed> timed) : timed_(std::move(timed)) {}
    ~Front() override { timed_->close(); }

    void on_message(ByteView message) override {
        timed_->tell([message](Call& call) { call.on_message(message); });
    }
    void on_half_close() override {
        timed_->tell([](Call& call) { call.on_half_close(); });
    }
    void on_cancel(CancelReason reason) override {
        timed_->tell([reason](Call& call) { call.on_cancel(reason); });
    }
    void on_writable() override {
        timed_->tell([](Call& call) { call.on_writable(); });
    }

  private:
    const std::shared_ptr<Timed> timed_;
};

CallTimeouts::~CallTimeouts() {
    stop();
}

void CallTimeouts::start(std::function<void()> flush) {
    flush_ = std::move(flush);
    thread_.start([this] { return turn(); });
}

void CallTimeouts::stop() {
    thread_.stop();
}

std::unique_ptr<Call> CallTimeouts::begin(int64_t timeout_ns, Reply reply, const Open& open) {
    const auto timed = std::make_shared<Timed>(*this, std::move(reply));
    add(timeout_ns, timed);
    timed->open(Reply(std::make_unique<Channel>(timed).release()), open);
    return std::make_unique<Front>(timed);
}

void CallTimeouts::add(int64_t timeout_ns, const std::shared_ptr<Timed>& timed) {
    const int64_t now_ns = clock_.monotonic_ns();
    const int64_t latest_ns = std::numeric_limits<int64_t>::max();
    const int64_t due_ns = timeout_ns > latest_ns - now_ns ? latest_ns : now_ns + timeout_ns;
    bool is_first = false;
    {
        const std::lock_guard lock(mutex_);
        const Key key{due_ns, next_id_++};
        timed->set_key(key);
        waiting_.emplace(key, timed);
        is_first = waiting_.begin()->first == key;
    }
    if (is_first) {
        thread_.waker().wake();
    }
}

void CallTimeouts::remove(const Key& key) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(key);
}

int64_t CallTimeouts::turn() {
    const int64_t now_ns = clock_.monotonic_ns();
    std::vector<std::shared_ptr<Timed>> due;
    int64_t sleep_ns = kIdle_ns;
    {
        const std::lock_guard lock(mutex_);
        while (!waiting_.empty() && waiting_.begin()->first.first <= now_ns) {
            if (auto timed = waiting_.begin()->second.lock()) {
                due.push_back(std::move(timed));
            }
            waiting_.erase(waiting_.begin());
        }
        if (!waiting_.empty()) {
            sleep_ns = std::min(sleep_ns, waiting_.begin()->first.first - now_ns);
        }
    }
    for (const std::shared_ptr<Timed>& timed : due) {
        timed->expire();
    }
    if (!due.empty()) {
        flush_();
    }
    return sleep_ns;
}

}  // namespace quorate::rpc
