// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/poll_window.h"

#include <algorithm>

namespace quorate::http {

void PollWindow::on_turn(const void* peer, int64_t waited_ns) {
    if (peer == nullptr || peer != peer_) {
        peer_ = peer;
        trust_ = 0;
        return;
    }
    // Asleep, a thread learns of its input late, and its peer needs longer to send it.
    const int64_t soon_ns = poll_ns() > 0 ? window_ns_ : 2 * window_ns_;
    if (waited_ns < soon_ns) {
        trust_ = std::min(trust_ + 1, kTrustMax);
    } else {
        trust_ = std::max(trust_ - kLost, 0);
    }
}

}  // namespace quorate::http
