// SPDX-License-Identifier: Apache-2.0
//
// Listener: one bound address. Bound and closed on the start-stop thread, accepted from on one
// loop.
#pragma once

#include "plugin/abi/transport.h"
#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/service.h"
#include "plugins/transport/http/tls_reloader.h"
#include "plugins/transport/http/unique_fd.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::http {

class Listener {
  public:
    // Binds and listens at once; the error names the address. A socket's file that nobody listens
    // on any more is replaced.
    static plugin::Status open(const quorate_listen& where, uint32_t id, const Options& options,
                               TlsReloader& tls, std::unique_ptr<Listener>& ret_listener);
    // Takes the socket's file away.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    const Service& service() const { return service_; }
    uint16_t port() const { return port_; }
    int fd() const { return fd_.get(); }
    const TlsSource* tls() const { return tls_.get(); }
    // Beside TLS, on a listener that has it; the first byte of a connection tells.
    bool takes_plain() const { return takes_plain_; }
    bool checks_address() const { return tls_ && tls_->settings().check_address; }
    // What the log says of a connection that is not served.
    const std::string& rejected() const { return rejected_; }

    // Any thread: the connections that are there.
    uint64_t count() const { return connections_.load(std::memory_order_relaxed); }
    void add_connection() const { connections_.fetch_add(1, std::memory_order_relaxed); }
    void remove_connection() const { connections_.fetch_sub(1, std::memory_order_relaxed); }

  private:
    explicit Listener(const Service& service) : service_(service) {}
    plugin::Status bind(const std::string& host, uint32_t port, bool reuse_port);

    const Service service_;
    uint16_t port_ = 0;
    UniqueFd fd_;
    std::string socket_path_;  // not empty: to be removed in the end
    std::shared_ptr<const TlsSource> tls_;
    bool takes_plain_ = false;
    std::string rejected_ = "rejected connection";
    mutable std::atomic<uint64_t> connections_{0};
};

// A connection on its way to the loop that will own it.
struct Accepted {
    UniqueFd fd;
    std::string peer;
    std::string host;                    // of the peer, without the port
    const Listener* listener = nullptr;  // lives until the loops are joined
};

enum class AcceptResult : uint8_t { kOk, kNothing, kAgain, kNoDescriptors };

// One connection, non-blocking and without Nagle's delay.
AcceptResult accept_one(const Listener& listener, Accepted& ret_accepted);

}  // namespace quorate::http
