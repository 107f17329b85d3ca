// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/transport.h"

#include "plugins/transport/http/channel.h"

#include <sys/resource.h>

#include <cstdint>
#include <string>
#include <utility>

namespace quorate::http {
namespace {

// Descriptors for everything that is no connection: files of the engine above all.
constexpr uint64_t kDescriptorsReserved = 150;

uint64_t connections_max() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return UINT64_MAX;
    }
    return limit.rlim_cur > 2 * kDescriptorsReserved ? limit.rlim_cur - kDescriptorsReserved
                                                     : limit.rlim_cur / 2;
}

}  // namespace

using plugin::Status;

Transport::Transport(const quorate_host& host, const quorate_transport_events& events)
    : host_(host),
      events_(events),
      tls_(host_, options_),
      environment_{host_, options_, events_, resolver_, connections_max()} {}

Transport::~Transport() {
    stop(0);
}

Status Transport::open(const quorate_option* options, size_t option_count) {
    const Status parsed = options_.parse(options, option_count);
    if (!parsed.ok()) {
        return parsed;
    }
    for (uint64_t i = 0; i < options_.threads; ++i) {
        // Thread names end at 15 characters.
        loops_.push_back(std::make_unique<Loop>(environment_, "http-" + std::to_string(i)));
        const Status opened = loops_.back()->open();
        if (!opened.ok()) {
            return opened;
        }
    }
    return {};
}

Status Transport::listen(const quorate_listen& where, quorate_listening& ret_listening) {
    if (started_) {
        return {QUORATE_FAILED_PRECONDITION, "listen comes before start"};
    }
    std::unique_ptr<Listener> listener;
    const Status opened =
        Listener::open(where, static_cast<uint32_t>(listeners_.size()), options_, tls_, listener);
    if (!opened.ok()) {
        return opened;
    }
    ret_listening.id = listener->service().listener;
    ret_listening.port = listener->port();
    listeners_.push_back(std::move(listener));
    return {};
}

Status Transport::dial(const quorate_dial& where, const quorate_client_events& events,
                       quorate_connection*& ret_connection) {
    std::shared_ptr<const Target> target;
    const Status made = make_target(where, options_, tls_, target);
    if (!made.ok()) {
        return made;
    }
    Loop& loop = *loops_[next_dial_.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
    // Its own until it is hung up.
    ret_connection = std::make_unique<Channel>(loop, std::move(target), events).release();
    return {};
}

Status Transport::start() {
    if (started_) {
        return {QUORATE_FAILED_PRECONDITION, "started already"};
    }
    started_ = true;
    loops_.front()->accept_for(listeners_, loops_);
    for (const auto& loop : loops_) {
        loop->start();
    }
    return {};
}

void Transport::stop(uint32_t drain_ms) {
    if (stopped_) {
        return;
    }
    stopped_ = true;
    tls_.stop();
    if (!started_) {
        for (const auto& loop : loops_) {
            loop->stop_unstarted();
        }
        return;
    }
    for (const auto& loop : loops_) {
        loop->begin_stop(drain_ms);
    }
    for (const auto& loop : loops_) {
        loop->join();
    }
    resolver_.stop();
    listeners_.clear();
}

void Transport::flush() {
    for (const auto& loop : loops_) {
        if (!loop->on_own_thread()) {
            loop->flush();
        }
    }
}

void Transport::stats(quorate_transport_stats& ret_stats) const {
    ret_stats.received_bytes = 0;
    ret_stats.sent_bytes = 0;
    ret_stats.connections = 0;
    ret_stats.streams = 0;
    for (const auto& loop : loops_) {
        const LoopCounters& counters = loop->counters();
        ret_stats.received_bytes += counters.received_bytes.value();
        ret_stats.sent_bytes += counters.sent_bytes.value();
        ret_stats.connections += counters.connections.value();
        ret_stats.streams += counters.streams.value();
    }
}

}  // namespace quorate::http
