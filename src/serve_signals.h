// SPDX-License-Identifier: Apache-2.0
//
// Signals, and the other reason to end: that the node can't go on. Main thread where nothing else
// is said.
#pragma once

#include "node/node.h"

#include <atomic>
#include <csignal>
#include <functional>
#include <optional>

namespace quorate {

// Signals are taken here and nowhere else: blocked before the first thread starts, they stay
// blocked in all of them.
sigset_t block_signals();

// Nobody waits for signals before the server runs; they are blocked and stay pending.
bool end_is_asked_for();

// Why the node can't go on, from whichever thread finds out; seen by who waits for signals.
class EndNotice {
  public:
    void give(node::EndReason reason);  // any thread
    std::optional<node::EndReason> reason() const;

  private:
    std::atomic<int> reason_{-1};
};

// Returns for a signal that ends the server, or a notice. `reload` is called for each hangup.
void wait_for_end(const sigset_t& signals, const EndNotice& notice,
                  const std::function<void()>& reload);

}  // namespace quorate
