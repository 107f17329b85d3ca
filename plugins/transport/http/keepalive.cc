// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/keepalive.h"

#include "plugins/transport/http/loop.h"

namespace quorate::http {

Keepalive::Keepalive(Loop& loop, Times times, Peer& peer)
    : loop_(loop), times_(times), peer_(peer) {}

Keepalive::~Keepalive() {
    stop();
}

void Keepalive::start() {
    if (times_.interval_ms > 0 && !armed()) {
        last_ms_ = loop_.now_ms();
        loop_.timers().arm(*this, last_ms_ + times_.interval_ms);
    }
}

void Keepalive::stop() {
    pinging_ = false;
    loop_.timers().cancel(*this);
}

void Keepalive::on_received() {
    last_ms_ = loop_.now_ms();
    pinging_ = false;
}

void Keepalive::on_timer() {
    if (pinging_) {
        peer_.on_keepalive_lost();
        return;
    }
    // The timer is not moved for every byte, so it may be early.
    const int64_t due_ms = last_ms_ + times_.interval_ms;
    if (loop_.now_ms() < due_ms) {
        loop_.timers().arm(*this, due_ms);
        return;
    }
    pinging_ = true;
    loop_.timers().arm(*this, loop_.now_ms() + times_.timeout_ms);
    peer_.send_keepalive_ping();
}

}  // namespace quorate::http
