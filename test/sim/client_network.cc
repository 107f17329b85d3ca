// SPDX-License-Identifier: Apache-2.0
#include "sim/client_network.h"

#include "base/errors.h"

#include <algorithm>

namespace quorate::sim {

ClientNetwork::ClientNetwork(Scheduler& scheduler, Loops& loops, uint64_t seed)
    : scheduler_(scheduler), loops_(loops), random_(seed, "client network") {}

ClientNetwork::~ClientNetwork() = default;

bool ClientNetwork::is_lost(int64_t client, const Member& member) {
    return cut.contains({client, &member}) || random_.permille(weather.lost_permille);
}

void ClientNetwork::deliver(Member& member, int64_t client, const std::function<void()>& arrive,
                            const std::function<void()>& lose) {
    const bool lost = is_lost(client, member);
    scheduler_.after(latency_ns(), [this, &member, lost, arrive, lose] {
        if (lost || !member.is_up()) {
            lose();
            return;
        }
        const int64_t held_until_ns = member.process().held_until_ns;
        if (held_until_ns > scheduler_.now_ns()) {
            scheduler_.at(held_until_ns, [this, &member, run = member.runs(), arrive, lose] {
                if (member.is_up() && member.runs() == run) {
                    loops_.run_as(member.process(), arrive);
                } else {
                    lose();
                }
            });
            return;
        }
        loops_.run_as(member.process(), arrive);
    });
}

// The channel that the server answers to. Lives as long as either side needs it.
class ClientNetwork::UnaryCall final : public transport::Reply::Channel,
                                       public std::enable_shared_from_this<UnaryCall> {
  public:
    UnaryCall(ClientNetwork& network, Member& member, Request request, Done done)
        : network_(network),
          member_(member),
          request_(std::move(request)),
          done_(std::move(done)) {}

    void begin() {
        const auto self = shared_from_this();
        network_.deliver(
            member_, request_.client, [self] { self->arrive(); },
            [self] { self->end(errors::kStopped, {}); });
        network_.scheduler_.after(request_.timeout_ns, [self] { self->end(errors::kTimeout, {}); });
    }

    bool is_at(const Member& member) const { return run_ != 0 && &member_ == &member; }
    void end(const Status& status, const Bytes& answer) {
        if (const Done done = std::exchange(done_, nullptr)) {
            done(status, answer);
        }
    }

    transport::SendResult send(ByteView message) override {
        answer({}, Bytes(message));
        return transport::SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        leave();
        answer(status, {});
    }
    void reply(ByteView message) override {
        leave();
        answer({}, Bytes(message));
    }
    void hold(bool) override {}

  private:
    void arrive() {
        if (done_ == nullptr) {
            return;  // too late
        }
        run_ = member_.runs();
        call_ = member_.begin_call(request_.path, shared_from_this());
        if (call_ != nullptr) {
            call_->on_message(request_.message);
        }
        if (call_ != nullptr) {
            call_->on_half_close();
        }
    }

    void answer(const Status& status, const Bytes& message) {
        if (std::exchange(answered_, true)) {
            return;
        }
        const bool lost = network_.is_lost(request_.client, member_);
        network_.scheduler_.after(network_.latency_ns(),
                                  [self = shared_from_this(), lost, status, message] {
                                      self->end(lost ? Status(errors::kStopped) : status, message);
                                  });
    }

    // The call has ended for the server; its side goes when nothing of it is on the stack.
    void leave() {
        network_.scheduler_.after(0, [self = shared_from_this()] {
            if (self->member_.is_up() && self->member_.runs() == self->run_) {
                self->member_.end_call(std::exchange(self->call_, nullptr));
            }
        });
    }

    ClientNetwork& network_;
    Member& member_;
    const Request request_;
    Done done_;
    uint64_t run_ = 0;
    transport::Call* call_ = nullptr;
    bool answered_ = false;
};

void ClientNetwork::call(Member& member, Request request, Done done) {
    const auto call =
        std::make_shared<UnaryCall>(*this, member, std::move(request), std::move(done));
    std::erase_if(unary_, [](const auto& other) { return other.expired(); });
    unary_.push_back(call);
    call->begin();
}

// Both ends of a stream. Messages keep their order.
class ClientNetwork::ServerStream final : public transport::Reply::Channel,
                                          public std::enable_shared_from_this<ServerStream> {
  public:
    ServerStream(ClientNetwork& network, Member& member, int64_t client, std::string path,
                 StreamHandlers handlers)
        : network_(network),
          member_(member),
          client_(client),
          path_(std::move(path)),
          handlers_(std::move(handlers)) {}

    void begin() {
        to_server([this] {
            run_ = member_.runs();
            call_ = member_.begin_call(path_, shared_from_this());
        });
    }

    void send_to_server(const Bytes& message) {
        to_server([this, message] {
            if (call_ != nullptr) {
                call_->on_message(message);
            }
        });
    }

    // The client has gone.
    void abandon() {
        handlers_ = {};
        to_server([this] {
            if (call_ != nullptr) {
                call_->on_cancel(transport::CancelReason::kPeer);
            }
        });
    }

    bool is_at(const Member& member) const { return &member_ == &member; }
    void break_off(const Status& status) {
        call_ = nullptr;
        tell_end(status);
    }

    transport::SendResult send(ByteView message) override {
        to_client([this, message = Bytes(message)] {
            // The handler may end the stream, and with it itself.
            if (const auto on_message = handlers_.on_message) {
                on_message(message);
            }
        });
        if (!network_.random_.permille(network_.weather.busy_permille)) {
            return transport::SendResult::kOk;
        }
        network_.scheduler_.after(network_.random_.skewed(1'000'000, 8),
                                  [self = shared_from_this()] { self->room(); });
        return transport::SendResult::kBusy;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        network_.scheduler_.after(0, [self = shared_from_this()] {
            if (self->is_served()) {
                self->member_.end_call(std::exchange(self->call_, nullptr));
            }
        });
        tell_end(status);
    }
    void reply(ByteView message) override {
        (void)send(message);
        finish({});
    }
    void hold(bool) override {}

  private:
    bool is_served() const { return call_ != nullptr && member_.is_up() && member_.runs() == run_; }

    // Once, behind everything that was sent.
    void tell_end(const Status& status) {
        to_client([this, status] {
            const StreamHandlers handlers = std::exchange(handlers_, {});
            if (handlers.on_end) {
                handlers.on_end(status);
            }
        });
    }

    void room() {
        if (is_served()) {
            network_.loops_.run_as(member_.process(), [this] { call_->on_writable(); });
        }
    }

    void to_server(const std::function<void()>& what) {
        to_server_ns_ =
            std::max(to_server_ns_ + 1, network_.scheduler_.now_ns() + network_.latency_ns());
        network_.scheduler_.at(to_server_ns_, [self = shared_from_this(), what] {
            const bool opens = self->run_ == 0;
            if (!self->member_.is_up() || (!opens && !self->is_served())) {
                self->break_off(errors::kStopped);
            } else if (self->network_.is_lost(self->client_, self->member_)) {
                self->cancel();
                self->break_off(errors::kStopped);
            } else {
                self->network_.loops_.run_as(self->member_.process(), what);
            }
        });
    }

    void cancel() {
        if (is_served()) {
            network_.loops_.run_as(member_.process(),
                                   [this] { call_->on_cancel(transport::CancelReason::kPeer); });
        }
    }

    void to_client(const std::function<void()>& what) {
        to_client_ns_ =
            std::max(to_client_ns_ + 1, network_.scheduler_.now_ns() + network_.latency_ns());
        network_.scheduler_.at(to_client_ns_, [self = shared_from_this(), what] { what(); });
    }

    ClientNetwork& network_;
    Member& member_;
    const int64_t client_;
    const std::string path_;
    StreamHandlers handlers_;
    uint64_t run_ = 0;
    transport::Call* call_ = nullptr;
    int64_t to_server_ns_ = 0;
    int64_t to_client_ns_ = 0;
};

class ClientNetwork::ClientStream final : public Stream {
  public:
    explicit ClientStream(std::shared_ptr<ServerStream> stream) : stream_(std::move(stream)) {}
    ~ClientStream() override { stream_->abandon(); }
    void send(const Bytes& message) override { stream_->send_to_server(message); }

  private:
    const std::shared_ptr<ServerStream> stream_;
};

std::unique_ptr<ClientNetwork::Stream> ClientNetwork::open_stream(Member& member, int64_t client,
                                                                  std::string path,
                                                                  StreamHandlers handlers) {
    auto stream =
        std::make_shared<ServerStream>(*this, member, client, std::move(path), std::move(handlers));
    std::erase_if(streams_, [](const auto& other) { return other.expired(); });
    streams_.push_back(stream);
    stream->begin();
    return std::make_unique<ClientStream>(std::move(stream));
}

void ClientNetwork::member_ended(const Member& member) {
    for (const auto& weak : unary_) {
        if (const auto call = weak.lock(); call != nullptr && call->is_at(member)) {
            scheduler_.after(latency_ns(), [call] { call->end(errors::kStopped, {}); });
        }
    }
    for (const auto& weak : streams_) {
        if (const auto stream = weak.lock(); stream != nullptr && stream->is_at(member)) {
            stream->break_off(errors::kStopped);
        }
    }
}

}  // namespace quorate::sim
