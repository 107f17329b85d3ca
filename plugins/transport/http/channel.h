// SPDX-License-Identifier: Apache-2.0
//
// Channel: what the ABI's quorate_connection points to: a target, and the connections to it that
// are there. At most one of them takes new calls; others, which their peer drains, finish theirs.
//
// call and hang_up may be called from any thread and become commands of the loop, in order, so that
// nothing refers to the channel once hang_up is carried out. The rest is the loop's thread's.
#pragma once

#include "plugin/abi/transport_client.h"
#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/mailbox.h"
#include "plugins/transport/http/target.h"
#include "plugins/transport/http/tls_reloader.h"

#include <memory>
#include <vector>

struct quorate_connection {};

namespace quorate::http {

class Call;
class Http2ClientSession;
class Loop;

class Channel final : public quorate_connection {
  public:
    Channel(Loop& loop, std::shared_ptr<const Target> target, const quorate_client_events& events);
    ~Channel();

    static Channel& of(quorate_connection* handle) { return *static_cast<Channel*>(handle); }

    // --- any thread ------------------------------------------------------------------------------
    // False when the loop does not run. `ret_request` is set before the first callback can come.
    [[nodiscard]] bool call(const quorate_call_start& start, void* user,
                            quorate_request*& ret_request);
    // May free the channel.
    void hang_up();

    // --- the loop's thread -----------------------------------------------------------------------
    void begin(Call& call, std::unique_ptr<CallOpening> opening);
    // Carries hang_up out. Frees the channel.
    void end();
    // The session takes no new calls.
    void retire(const Http2ClientSession& session);
    // The session is gone.
    void forget(const Http2ClientSession& session);

  private:
    Http2ClientSession& usable_session();

    Loop& loop_;
    const std::shared_ptr<const Target> target_;
    const quorate_client_events& events_;
    std::vector<Http2ClientSession*> sessions_;
    Http2ClientSession* current_ = nullptr;  // takes new calls
};

// Checks the settings and reads the TLS files.
plugin::Status make_target(const quorate_dial& where, const Options& options, TlsReloader& tls,
                           std::shared_ptr<const Target>& ret_target);

}  // namespace quorate::http
