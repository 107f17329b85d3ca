// SPDX-License-Identifier: Apache-2.0
#include "sim/peer_network.h"

#include "base/errors.h"
#include "wire/peer_message.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace quorate::sim {
namespace {

constexpr size_t kAnswersKept = 8;
constexpr ByteView kMessagesPath = "/quorate.peer.Peer/Messages";

// Only these may be treated badly one by one; the rest of a connection keeps its order or ends.
std::optional<raft::Message> raft_message(const Bytes& message) {
    auto decoded = wire::decode_peer_message(message);
    if (!decoded || !std::holds_alternative<raft::Message>(*decoded)) {
        return std::nullopt;
    }
    return std::get<raft::Message>(std::move(*decoded));
}

}  // namespace

PeerNetwork::PeerNetwork(Scheduler& scheduler, Loops& loops, uint64_t seed)
    : scheduler_(scheduler), loops_(loops), random_(seed, "peer network") {}

PeerNetwork::~PeerNetwork() = default;

// One call, with what both of its ends hold. The network keeps it until neither does.
class PeerNetwork::Call final : public transport::Request::Channel,
                                public std::enable_shared_from_this<Call> {
  public:
    Call(PeerNetwork& network, Member& from, Member& to, const transport::CallStart& start,
         std::unique_ptr<transport::ClientCall> receiver)
        : network_(network),
          from_(from),
          to_(to),
          from_run_(from.runs()),
          path_(start.path),
          receiver_(std::move(receiver)) {
        for (const transport::Header& header : start.headers) {
            headers_.emplace_back(std::string(header.name), std::string(header.value));
        }
    }

    void begin(uint64_t timeout_ms) {
        to_server({}, [this] {
            to_run_ = to_.runs();
            std::vector<transport::Header> headers;
            for (const auto& [name, value] : headers_) {
                headers.push_back({name, value});
            }
            served_ = to_.begin_peer_call(path_, headers,
                                          std::make_shared<ServerEnd>(shared_from_this()));
        });
        if (timeout_ms != 0) {
            network_.scheduler_.after(static_cast<int64_t>(timeout_ms) * 1'000'000,
                                      [self = shared_from_this()] {
                                          self->break_off("deadline", Code::kDeadlineExceeded);
                                      });
        }
    }

    // The caller's end.
    transport::SendResult send(ByteView message) override { return caller_sends(Bytes(message)); }
    void half_close() override {
        to_server({}, [this] {
            if (served_ != nullptr) {
                served_->on_half_close();
            }
        });
    }
    void hold(bool) override {}
    void close() override {
        requested_ = false;
        if (!ended_) {
            cancel_server();
            end({Code::kCanceled, "canceled", false});
        }
    }
    void detach() override { requested_ = false; }

    // The server's end.
    void answer(const Bytes& message) {
        to_client([this, message] { receiver_->on_message(message); });
    }
    void finish(const Status& status) {
        leave_server();
        to_client([this, status] { end_now({status.code(), status.message(), false}); });
    }

    // A stream from one to the other over which all that is sent gets through.
    bool carries_messages(const Member& from, const Member& to) const {
        return &from == &from_ && &to == &to_ && path_ == kMessagesPath && !ended_ && is_served();
    }
    void repeat(const Bytes& message) {
        to_server({.overtakes = true}, [this, message] {
            if (served_ != nullptr) {
                served_->on_message(message);
            }
        });
    }

    bool is_over() const { return ended_ && !requested_ && !is_served(); }
    // One of the processes is gone.
    void member_ended(const Member& member) {
        if (&member == &from_ && from_.runs() == from_run_) {
            // Its memory is as it was; nobody will look at it again.
            static_cast<void>(receiver_.release());
            requested_ = false;
            if (std::exchange(ended_, true)) {
                return;
            }
            // What it has said is on its way and arrives, although it may have forgotten it.
            is_legacy_ = true;
            to_server({}, [this] {
                is_legacy_ = false;
                cancel_server();
            });
        } else if (&member == &to_) {
            served_ = nullptr;
            is_broken_ = true;
            break_off("connection reset", Code::kUnavailable);
        }
    }

  private:
    class ServerEnd final : public transport::Reply::Channel {
      public:
        explicit ServerEnd(std::shared_ptr<Call> call) : call_(std::move(call)) {}

        transport::SendResult send(ByteView message) override {
            call_->answer(Bytes(message));
            return transport::SendResult::kOk;
        }
        void respond(uint32_t, const std::vector<transport::Header>&) override {}
        void finish(const Status& status) override { call_->finish(status); }
        void reply(ByteView message) override {
            call_->answer(Bytes(message));
            call_->finish({});
        }
        void hold(bool) override {}

      private:
        const std::shared_ptr<Call> call_;
    };

    bool caller_lives() const { return from_.is_up() && from_.runs() == from_run_; }
    bool is_served() const { return served_ != nullptr && to_.is_up() && to_.runs() == to_run_; }
    bool is_cut(const Member& from, const Member& to) const {
        return network_.cut.contains({&from, &to});
    }

    transport::SendResult caller_sends(const Bytes& message) {
        if (ended_) {
            return transport::SendResult::kGone;
        }
        const auto deliver = [this, message] {
            if (served_ != nullptr) {
                served_->on_message(message);
            }
        };
        Rng& random = network_.random_;
        const PeerWeather& now = network_.weather;
        if (path_ != kMessagesPath) {
            to_server({}, deliver);
            return transport::SendResult::kOk;
        }
        if (random.permille(now.breaks)) {
            break_off("connection reset", Code::kUnavailable);
            return transport::SendResult::kOk;
        }
        const auto sent = raft_message(message);
        const bool is_raft = sent.has_value();
        if (is_raft && network_.on_sent) {
            network_.on_sent(from_, *sent);
        }
        if (is_raft) {
            network_.repeat_an_answer(to_, from_);
            network_.keep(from_, to_, *sent, message);
        }
        if (is_cut(from_, to_) || random.permille(now.lost)) {
            return transport::SendResult::kOk;
        }
        to_server({.overtakes = is_raft && random.permille(now.overtakes)}, deliver);
        if (is_raft && random.permille(now.doubled)) {
            to_server({.overtakes = true}, deliver);
        }
        return transport::SendResult::kOk;
    }

    struct Way {
        bool overtakes = false;  // what was sent before
    };
    void to_server(Way way, const std::function<void()>& what) {
        int64_t at_ns = network_.scheduler_.now_ns() + network_.latency_ns();
        if (!way.overtakes) {
            at_ns = to_server_ns_ = std::max(to_server_ns_ + 1, at_ns);
        }
        network_.scheduler_.at(at_ns, [self = shared_from_this(), what] { self->at_server(what); });
    }

    void at_server(const std::function<void()>& what) {
        const bool opens = to_run_ == 0;
        if ((ended_ && !is_legacy_) || (opens && is_broken_)) {
            return;
        }
        if (!to_.is_up() || (!opens && to_.runs() != to_run_) || (opens && is_cut(from_, to_))) {
            break_off("connection refused", Code::kUnavailable);
            return;
        }
        if (const int64_t held_ns = to_.process().held_until_ns;
            held_ns > network_.scheduler_.now_ns()) {
            network_.scheduler_.at(held_ns + 1,
                                   [self = shared_from_this(), what] { self->at_server(what); });
            return;
        }
        network_.loops_.run_as(to_.process(), what);
    }

    void to_client(const std::function<void()>& what) {
        if (is_cut(to_, from_)) {
            break_off("connection lost", Code::kUnavailable);
            return;
        }
        to_client_ns_ =
            std::max(to_client_ns_ + 1, network_.scheduler_.now_ns() + network_.latency_ns());
        network_.scheduler_.at(to_client_ns_, [self = shared_from_this(), what] {
            if (!self->ended_ && self->caller_lives()) {
                self->network_.loops_.run_as(self->from_.process(), what);
            }
        });
    }

    // Both ends hear of it, each after a while.
    void break_off(const char* why, Code code) {
        if (ended_ || !caller_lives()) {
            return;
        }
        is_broken_ = true;
        cancel_server();
        end({code, why, false});
    }

    // The call goes when its reply ends, which somebody may hold still.
    void cancel_server() {
        network_.scheduler_.after(network_.latency_ns(), [self = shared_from_this()] {
            if (self->is_served()) {
                self->network_.loops_.run_as(self->to_.process(), [&] {
                    self->served_->on_cancel(transport::CancelReason::kPeer);
                });
            }
        });
    }

    void leave_server() {
        network_.scheduler_.after(0, [self = shared_from_this()] {
            if (self->is_served()) {
                self->to_.end_call(std::exchange(self->served_, nullptr));
            }
        });
    }

    struct End {
        Code code;
        std::string text;
        bool never_sent;
    };
    void end(const End& end) {
        network_.scheduler_.after(network_.latency_ns(), [self = shared_from_this(), end] {
            if (!self->ended_ && self->caller_lives()) {
                self->network_.loops_.run_as(self->from_.process(), [&] { self->end_now(end); });
            }
        });
    }
    void end_now(const End& end) {
        if (!std::exchange(ended_, true)) {
            receiver_->on_end({end.code, end.text, end.never_sent});
            receiver_.reset();
        }
    }

    PeerNetwork& network_;
    Member& from_;
    Member& to_;
    const uint64_t from_run_;
    const std::string path_;
    std::vector<std::pair<std::string, std::string>> headers_;
    std::unique_ptr<transport::ClientCall> receiver_;
    uint64_t to_run_ = 0;
    transport::Call* served_ = nullptr;
    bool requested_ = true;   // the caller holds its Request
    bool ended_ = false;      // the receiver has heard
    bool is_broken_ = false;  // its connection is: it reaches no server any more
    bool is_legacy_ = false;  // the caller has died, and its last words are not heard yet
    int64_t to_server_ns_ = 0;
    int64_t to_client_ns_ = 0;
};

class PeerNetwork::Connection final : public transport::Connection {
  public:
    Connection(PeerNetwork& network, Member& from, Member* to)
        : network_(network), from_(from), to_(to) {}
    ~Connection() override {
        for (const auto& weak : calls_) {
            if (const auto call = weak.lock()) {
                call->close();
            }
        }
    }

    Result<transport::Request> call(const transport::CallStart& start,
                                    std::unique_ptr<transport::ClientCall> receiver) override {
        if (to_ == nullptr) {
            return Status(errors::kUnavailable, "no such host");
        }
        std::erase_if(network_.calls_, [](const auto& call) { return call->is_over(); });
        std::erase_if(calls_, [](const auto& call) { return call.expired(); });
        auto call = std::make_shared<Call>(network_, from_, *to_, start, std::move(receiver));
        network_.calls_.push_back(call);
        calls_.push_back(call);
        call->begin(start.timeout_ms);
        return transport::Request(call.get());
    }

  private:
    PeerNetwork& network_;
    Member& from_;
    Member* const to_;
    std::list<std::weak_ptr<Call>> calls_;
};

class PeerNetwork::Client final : public PeerClient {
  public:
    Client(PeerNetwork& network, Member& from) : network_(network), from_(from) {}

    Result<std::unique_ptr<transport::Connection>> dial(
        const transport::DialOptions& options) override {
        const auto it = network_.members_.find(options.host);
        Member* const to = it == network_.members_.end() ? nullptr : it->second;
        return std::unique_ptr<transport::Connection>(
            std::make_unique<Connection>(network_, from_, to));
    }

  private:
    PeerNetwork& network_;
    Member& from_;
};

std::unique_ptr<PeerClient> PeerNetwork::client_of(Member& member) {
    return std::make_unique<Client>(*this, member);
}

void PeerNetwork::keep(const Member& from, const Member& to, const raft::Message& message,
                       const Bytes& encoded) {
    const auto* vote = std::get_if<raft::VoteResponse>(&message.body);
    const bool is_answer = std::holds_alternative<raft::AppendResponse>(message.body) ||
                           std::holds_alternative<raft::HeartbeatResponse>(message.body);
    if (!is_answer && (vote == nullptr || !vote->granted)) {
        return;
    }
    Answers& answers = answers_[{&from, &to}];
    std::deque<Bytes>& kept = vote != nullptr ? answers.votes : answers.others;
    kept.push_back(encoded);
    if (kept.size() > kAnswersKept) {
        kept.pop_front();
    }
}

void PeerNetwork::repeat_an_answer(const Member& from, const Member& to) {
    if (!random_.permille(old_answers)) {
        return;
    }
    const auto it = answers_.find({&from, &to});
    if (it == answers_.end()) {
        return;
    }
    Answers& answers = it->second;
    for (const std::deque<Bytes>* kept : {&answers.votes, &answers.others}) {
        if (!kept->empty()) {
            send_again(from, to, (*kept)[random_.below(kept->size())]);
        }
    }
}

// As if it had waited for a connection all the time; to a process that began later, too.
void PeerNetwork::send_again(const Member& from, const Member& to, const Bytes& message) {
    const auto it = std::find_if(calls_.begin(), calls_.end(), [&](const auto& call) {
        return call->carries_messages(from, to);
    });
    if (it != calls_.end()) {
        (*it)->repeat(message);
    }
}

void PeerNetwork::member_ended(const Member& member) {
    const std::list<std::shared_ptr<Call>> calls = calls_;
    for (const auto& call : calls) {
        call->member_ended(member);
    }
}

}  // namespace quorate::sim
