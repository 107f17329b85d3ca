// SPDX-License-Identifier: Apache-2.0
//
// Connection: one socket, accepted or made. It carries bytes between the socket and a session,
// which the first bytes of an accepted one choose: HTTP/2 by its preface, else HTTP/1. On a
// connection that we make it is always HTTP/2. The loop's thread.
//
//   accepted: handshaking -> (checking) -> detecting -> serving -> lingering -> closed
//   made:     connecting -> handshaking -> greeting  -> serving -> lingering -> closed
//
// Checking: the name in a peer's certificate is looked up. Until its first whole request an
// accepted connection is in the loop's waiting room, and may have to make room for others.
//
// Lingering: our side has said everything and is shut; what the peer still sends is thrown away for
// a moment, because closing over unread input would destroy what the peer has not read yet.
#pragma once

#include "plugins/transport/http/byte_stream.h"
#include "plugins/transport/http/connector.h"
#include "plugins/transport/http/listener.h"
#include "plugins/transport/http/resolver.h"
#include "plugins/transport/http/session.h"
#include "plugins/transport/http/target.h"
#include "plugins/transport/http/timer_heap.h"
#include "plugins/transport/http/waiting_room.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::http {

class Channel;
class Http2ClientSession;
class Loop;

class Connection final : public Carrier,
                         private Connector::Owner,
                         private LookupOwner,
                         private Timer {
  public:
    // An accepted one; `stream` lies over accepted.fd.
    Connection(Loop& loop, Accepted&& accepted, std::unique_ptr<ByteStream> stream);
    // One to make for `channel`, from start() on.
    Connection(Loop& loop, Channel& channel, std::shared_ptr<const Target> target);
    ~Connection() override;

    void start();
    void on_ready(uint32_t epoll_events);
    // Goes on with the handshake of an accepted connection, whose turn it is.
    void go_on_shaking_hands();
    // An accepted connection leaves the waiting room for the benefit of another.
    void make_room();
    // Goes on reading without waiting for the socket.
    void read_more();
    // Sends what the session has, once per turn.
    void flush();
    void drain();
    // The server stops: ends all calls and closes; the peer is told as far as the socket takes it
    // at once.
    void end();

    // Of a connection that we make.
    Http2ClientSession& client_session();
    int fd() const { return fd_.get(); }
    const Listener* listener() const { return listener_; }
    bool closed() const { return state_ == State::kClosed; }
    size_t place = 0;  // in the loop's list

    void on_output() override;
    void on_input_wanted() override;
    void on_greeted() override;
    void on_request() override { waiting_.leave(); }
    void on_failed(std::string_view why) override;
    std::string_view peer() const override { return peer_; }
    std::string_view tls_common_name() const override { return stream_->common_name(); }

  private:
    enum class State : uint8_t {
        kConnecting,
        kHandshaking,
        kChecking,
        kDetecting,
        kGreeting,
        kServing,
        kLingering,
        kClosed
    };

    void on_connected(UniqueFd fd) override;
    void on_connect_failed(std::string why) override;
    void on_resolved(Resolved&& resolved) override;
    void on_timer() override;
    bool made() const { return target_ != nullptr; }
    // Bytes flow between the socket and the session.
    bool carries() const { return state_ == State::kGreeting || state_ == State::kServing; }
    void shake_hands();
    void on_hands_shaken();
    void check_address();
    void forget_lookup();
    void begin_detecting();
    void read();
    void take(std::string_view bytes);
    void detect(std::string_view bytes);
    void on_peer_closed();
    void refuse(std::string_view why);
    bool blocked() const;  // the socket is full
    // These answer false when the socket is full or gone.
    bool send_unsent();
    bool send_produced();
    bool handle_write(IoResult written, std::string_view bytes);
    void linger();
    void close(std::string_view why = {});
    void update_watch();

    Loop& loop_;
    UniqueFd fd_;
    const std::string peer_;
    const std::string host_;                      // of peer_, without the port
    const Listener* const listener_ = nullptr;    // null: we make the connection
    const std::shared_ptr<const Target> target_;  // null: it was accepted
    std::unique_ptr<Connector> connector_;
    std::unique_ptr<ByteStream> stream_;
    std::unique_ptr<Session> session_;
    State state_ = State::kHandshaking;
    uint32_t watched_ = 0;
    WaitingRoom::Place waiting_;
    bool shakes_later_ = false;
    uint64_t ticket_ = 0;                  // of a lookup under way
    std::vector<std::string> names_ = {};  // that are looked up
    bool dirty_ = false;
    bool unread_ = false;
    bool peer_closed_ = false;
    std::string first_bytes_;
    std::string unsent_;
};

}  // namespace quorate::http
