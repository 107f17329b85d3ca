// SPDX-License-Identifier: Apache-2.0
//
// PollWindow: whether a loop looks for input for a moment before it sleeps. To send a thread to
// sleep and wake it costs its peer's send and itself 30 to 80 us in a virtual machine, more than
// all other work on a get. One client that asks again as soon as it has its answer pays that with
// every request, and its next one comes sooner than a sleeping thread gets up. So the loop polls,
// but for that client alone: as long as turn after turn brings one request, of the same peer as
// before, that is answered in its turn, and most of them come within the window. With several
// peers, with answers that other threads bring, and with a peer that takes its time, it sleeps.
// What polling may cost in vain is one window in about nine waits. Pure; the loop's thread.
#pragma once

#include <cstdint>

namespace quorate::http {

class PollWindow {
  public:
    // 0: never polls.
    explicit PollWindow(int64_t window_ns) : window_ns_(window_ns) {}

    // How long to poll before the next sleep; 0: not at all.
    int64_t poll_ns() const { return trust_ >= kTrusted ? window_ns_ : 0; }

    // A turn is over, whose input came `waited_ns` after the loop had nothing left to do. `peer`
    // alone had any and has been answered; null: it was otherwise.
    void on_turn(const void* peer, int64_t waited_ns);

  private:
    static constexpr int kTrusted = 16;
    static constexpr int kTrustMax = 32;
    static constexpr int kLost = 8;  // by a request that polling did not live to see

    const int64_t window_ns_;
    const void* peer_ = nullptr;
    int trust_ = 0;
};

}  // namespace quorate::http
