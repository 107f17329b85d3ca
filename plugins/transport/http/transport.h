// SPDX-License-Identifier: Apache-2.0
//
// Transport: the listeners and loops of one quorate_transport. All on the start-stop thread but
// dial, reload, flush and stats, which any thread may call.
#pragma once

#include "plugin/abi/transport_client.h"
#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/listener.h"
#include "plugins/transport/http/loop.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

struct quorate_transport {};

namespace quorate::http {

class Transport final : public quorate_transport {
  public:
    Transport(const quorate_host& host, const quorate_transport_events& events);
    // The core has finished all calls by then.
    ~Transport();

    static Transport& of(quorate_transport* handle) { return *static_cast<Transport*>(handle); }

    // Reads the options and makes the loops. Once, first.
    plugin::Status open(const quorate_option* options, size_t option_count);
    plugin::Status listen(const quorate_listen& where, quorate_listening& ret_listening);
    // Any thread.
    plugin::Status dial(const quorate_dial& where, const quorate_client_events& events,
                        quorate_connection*& ret_connection);
    plugin::Status start();
    // Any thread.
    plugin::Status reload() { return tls_.reload(); }
    // Idempotent.
    void stop(uint32_t drain_ms);

    void flush();
    void stats(quorate_transport_stats& ret_stats) const;

  private:
    const Host host_;
    const quorate_transport_events events_;
    Options options_;
    Resolver resolver_;
    TlsReloader tls_;
    LoopEnvironment environment_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::unique_ptr<Loop>> loops_;
    std::atomic<size_t> next_dial_{0};  // which loop gets the next channel
    bool started_ = false;
    bool stopped_ = false;
};

}  // namespace quorate::http
