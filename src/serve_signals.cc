// SPDX-License-Identifier: Apache-2.0
#include "serve_signals.h"

#include "base/log.h"

#include <pthread.h>
#include <unistd.h>

namespace quorate {
namespace {

constexpr int kEndSignal = SIGUSR2;  // from ourselves

}  // namespace

sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, kEndSignal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return signals;
}

bool end_is_asked_for() {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

void EndNotice::give(node::EndReason reason) {
    reason_.store(static_cast<int>(reason));
    kill(getpid(), kEndSignal);
}

std::optional<node::EndReason> EndNotice::reason() const {
    const int reason = reason_.load();
    return reason < 0 ? std::nullopt : std::optional(static_cast<node::EndReason>(reason));
}

void wait_for_end(const sigset_t& signals, const EndNotice& notice,
                  const std::function<void()>& reload) {
    while (true) {
        int signal = 0;
        if (sigwait(&signals, &signal) != 0) {
            continue;
        }
        if (signal == kEndSignal) {
            if (notice.reason()) {
                return;
            }
            continue;
        }
        if (signal == SIGHUP) {
            log::info("received signal", {{"signal", "hangup"}});
            reload();
            continue;
        }
        log::info("received signal; shutting down",
                  {{"signal", signal == SIGTERM ? "terminated" : "interrupt"}});
        return;
    }
}

}  // namespace quorate
