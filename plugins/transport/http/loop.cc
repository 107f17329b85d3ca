// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/loop.h"

#include "plugins/transport/http/call.h"
#include "plugins/transport/http/channel.h"
#include "plugins/transport/http/either_stream.h"
#include "plugins/transport/http/http2_client_session.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <limits>
#include <utility>

namespace quorate::http {
namespace {

using plugin::Status;

constexpr int kAcceptsPerTurn = 64;
constexpr int kHandshakesPerTurn = 4;
// Connections on their way to their loop, above what a listener may have.
constexpr uint64_t kAcceptedAheadMax = 1024;
constexpr int64_t kAcceptPauseMs = 100;
constexpr int64_t kWaitMsMax = 3600 * 1000;

// What an epoll event points to: a connection, or tagged a listener, a connector or the wake-up
// descriptor.
constexpr uint64_t kListenerTag = 1;
constexpr uint64_t kWakeTag = 2;
constexpr uint64_t kConnectorTag = 3;
constexpr uint64_t kTagMask = 3;

uint64_t tagged(const void* pointer, uint64_t tag) {
    return reinterpret_cast<uint64_t>(pointer) | tag;
}

void block_signals() {
    // Signals are the host's affair.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

int64_t steady_ns() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The peer could not run meanwhile on a machine with one core.
int64_t poll_window_ns(const Options& options) {
    return std::thread::hardware_concurrency() > 1 ? static_cast<int64_t>(options.poll_us) * 1000
                                                   : 0;
}

}  // namespace

Loop::Loop(LoopEnvironment& environment, std::string name)
    : environment_(environment),
      name_(std::move(name)),
      poll_window_(poll_window_ns(environment.options)),
      input_(new char[kInputBytes]) {}

Loop::~Loop() {
    timers_.cancel(*this);
}

Status Loop::open() {
    epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    wake_ = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!epoll_ || !wake_) {
        return {QUORATE_RESOURCE_EXHAUSTED, "cannot create an epoll or event descriptor"};
    }
    epoll_event event{EPOLLIN, {.u64 = kWakeTag}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
        return {QUORATE_RESOURCE_EXHAUSTED, "cannot watch the event descriptor"};
    }
    return {};
}

void Loop::accept_for(std::vector<std::unique_ptr<Listener>>& listeners,
                      std::vector<std::unique_ptr<Loop>>& peers) {
    for (const auto& listener : listeners) {
        listeners_.push_back(listener.get());
    }
    for (const auto& peer : peers) {
        peers_.push_back(peer.get());
    }
}

void Loop::start() {
    started_.store(true, std::memory_order_release);
    thread_ = std::thread([this] { run(); });
}

void Loop::begin_stop(uint32_t drain_ms) {
    stop_drain_ms_.store(drain_ms, std::memory_order_release);
    wake();
}

void Loop::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool Loop::on_own_thread() const {
    return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed);
}

void Loop::wake() {
    const uint64_t one = 1;
    // Only a full counter can make this fail, and then the loop wakes anyway.
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

void Loop::flush() {
    if (mailbox_.must_wake()) {
        wake();
    }
}

void Loop::adopt(Accepted&& accepted) {
    {
        const std::lock_guard lock(posted_mutex_);
        adopted_.push_back(std::move(accepted));
    }
    has_posted_.store(true, std::memory_order_release);
    wake();
}

void Loop::post(Resolved&& resolved) {
    {
        const std::lock_guard lock(posted_mutex_);
        resolved_.push_back(std::move(resolved));
    }
    has_posted_.store(true, std::memory_order_release);
    wake();
}

void Loop::stop_unstarted() {
    adopt_caller();
    finish_stop();
}

// --- the loop's thread ---------------------------------------------------------------------------

void Loop::run() {
    block_signals();
    pthread_setname_np(pthread_self(), name_.c_str());
    adopt_caller();
    watch_listeners();
    for (;;) {
        turn();
        if (!draining_ && stop_drain_ms_.load(std::memory_order_acquire) >= 0) {
            begin_drain();
        }
        if (draining_ && (connections_.empty() || now_ms_ >= drain_until_ms_)) {
            break;
        }
    }
    finish_stop();
}

void Loop::adopt_caller() {
    thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    now_ms_ = host().now_ms();
}

int Loop::wait_ms() {
    if (!dirty_.empty() || !unread_.empty() || !releases_.empty() || !dialled_.empty() ||
        !handshakes_.empty()) {
        return 0;
    }
    int64_t due_ms = timers_.next_due_ms();
    if (draining_) {
        due_ms = std::min(due_ms, drain_until_ms_);
    }
    if (due_ms == std::numeric_limits<int64_t>::max()) {
        return -1;
    }
    return static_cast<int>(std::clamp<int64_t>(due_ms - now_ms_, 0, kWaitMsMax));
}

void Loop::turn() {
    int timeout_ms = wait_ms();
    if (timeout_ms != 0 && !mailbox_.announce_sleep()) {
        timeout_ms = 0;
    }
    const int64_t begun_ns = steady_ns();
    const int count = wait_for_input(timeout_ms, begun_ns);
    const int64_t waited_ns = steady_ns() - begun_ns;
    mailbox_.announce_awake();
    now_ms_ = host().now_ms();
    const Connection* reader = only_reader(count);
    const uint64_t sent_before = counters_.sent_bytes.value();
    for (int i = 0; i < count; ++i) {
        dispatch(ready_[static_cast<size_t>(i)]);
    }
    take_posted();
    shake_hands();
    work_.swap(unread_);
    for (Connection* connection : work_) {
        connection->read_more();
    }
    work_.clear();
    tell_of_turn_end();
    end_turn();
    const bool answered = counters_.sent_bytes.value() != sent_before;
    poll_window_.on_turn(answered ? reader : nullptr, waited_ns);
}

// Other threads have been told that the loop sleeps, so what they want is input, too.
int Loop::wait_for_input(int timeout_ms, int64_t begun_ns) {
    const auto look = [this](int for_ms) {
        return ::epoll_wait(epoll_.get(), ready_.data(), kEventsMax, for_ms);
    };
    const int64_t poll_ns = timeout_ms != 0 ? poll_window_.poll_ns() : 0;
    int count = 0;
    while (poll_ns > 0 && count == 0 && steady_ns() - begun_ns < poll_ns) {
        count = look(0);
    }
    return count != 0 ? count : look(timeout_ms);
}

const Connection* Loop::only_reader(int count) const {
    const bool one = count == 1 && (ready_[0].data.u64 & kTagMask) == 0;
    return one ? reinterpret_cast<const Connection*>(ready_[0].data.u64) : nullptr;
}

void Loop::tell_of_turn_end() {
    if (events().on_turn_end != nullptr) {
        events().on_turn_end(events().ctx);
    }
}

void Loop::end_turn() {
    mailbox_.take(batch_);
    run_commands();
    timers_.fire(now_ms_);
    start_dialled();
    flush_dirty();
    tell_writable();
    release_calls();
    free_closed();
}

void Loop::dispatch(const epoll_event& event) {
    const uint64_t tag = event.data.u64 & kTagMask;
    if (tag == kWakeTag) {
        uint64_t ignored = 0;
        static_cast<void>(!::read(wake_.get(), &ignored, sizeof ignored));
    } else if (tag == kListenerTag) {
        accept_ready(*reinterpret_cast<Listener*>(event.data.u64 & ~kTagMask));
    } else if (tag == kConnectorTag) {
        reinterpret_cast<Connector*>(event.data.u64 & ~kTagMask)->on_ready();
    } else {
        reinterpret_cast<Connection*>(event.data.u64)->on_ready(event.events);
    }
}

void Loop::watch_listeners() {
    for (Listener* listener : listeners_) {
        epoll_event event{EPOLLIN, {.u64 = tagged(listener, kListenerTag)}};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener->fd(), &event);
    }
}

void Loop::ignore_listeners() {
    for (Listener* listener : listeners_) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener->fd(), nullptr);
    }
}

void Loop::accept_ready(Listener& listener) {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        Accepted accepted;
        switch (accept_one(listener, accepted)) {
            case AcceptResult::kOk:
                break;
            case AcceptResult::kNothing:
                return;
            case AcceptResult::kAgain:
                continue;
            case AcceptResult::kNoDescriptors:
                pause_accepting();
                return;
        }
        if (listener.count() >= options().max_connections + kAcceptedAheadMax) {
            log_bad_input(listener.rejected(), accepted.peer, "too many connections");
            continue;
        }
        environment_.connections.fetch_add(1);
        listener.add_connection();
        Loop& owner = *peers_[next_peer_];
        next_peer_ = (next_peer_ + 1) % peers_.size();
        if (&owner == this) {
            serve_connection(std::move(accepted));
        } else {
            owner.adopt(std::move(accepted));
        }
    }
}

// The process has no descriptor left. Listening on would spin: the socket stays readable.
void Loop::pause_accepting() {
    log_bad_input("cannot accept", "", "out of file descriptors");
    ignore_listeners();
    timers_.arm(*this, now_ms_ + kAcceptPauseMs);
}

void Loop::on_timer() {
    if (!draining_) {
        watch_listeners();
    }
}

void Loop::take_posted() {
    if (!has_posted_.exchange(false, std::memory_order_acquire)) {
        return;
    }
    std::vector<Accepted> adopted;
    std::vector<Resolved> resolved;
    {
        const std::lock_guard lock(posted_mutex_);
        adopted.swap(adopted_);
        resolved.swap(resolved_);
    }
    for (Accepted& accepted : adopted) {
        serve_connection(std::move(accepted));
    }
    for (Resolved& answer : resolved) {
        if (const auto found = lookups_.find(answer.ticket); found != lookups_.end()) {
            LookupOwner& owner = *found->second;
            lookups_.erase(found);
            owner.on_resolved(std::move(answer));
        }
    }
}

uint64_t Loop::look_up(LookupOwner& owner, const std::string& host, uint16_t port) {
    const uint64_t ticket = ++last_ticket_;
    lookups_.emplace(ticket, &owner);
    environment_.resolver.resolve(*this, ticket, host, port);
    return ticket;
}

uint64_t Loop::check_names(LookupOwner& owner, const std::string& address,
                           const std::vector<std::string>& names) {
    const uint64_t ticket = ++last_ticket_;
    lookups_.emplace(ticket, &owner);
    environment_.resolver.check(*this, ticket, address, names);
    return ticket;
}

Http2ClientSession& Loop::dial(Channel& channel, std::shared_ptr<const Target> target) {
    environment_.connections.fetch_add(1);
    Connection& connection = add(std::make_unique<Connection>(*this, channel, std::move(target)));
    dialled_.push_back(&connection);
    return connection.client_session();
}

void Loop::start_dialled() {
    work_.swap(dialled_);
    for (Connection* connection : work_) {
        if (!connection->closed()) {
            connection->start();
        }
    }
    work_.clear();
}

void Loop::serve_connection(Accepted&& accepted) {
    const Listener& listener = *accepted.listener;
    const TlsSource* tls = listener.tls();
    std::unique_ptr<ByteStream> stream;
    if (!draining_ && make_room(listener)) {
        const int fd = accepted.fd.get();
        stream = tls == nullptr           ? make_plain_stream(fd)
                 : listener.takes_plain() ? make_either_stream(*tls, fd)
                                          : tls->open(fd, {});
    } else if (!draining_) {
        log_bad_input(listener.rejected(), accepted.peer, "too many connections");
    }
    if (!stream) {
        environment_.connections.fetch_sub(1);
        listener.remove_connection();
        return;
    }
    add(std::make_unique<Connection>(*this, std::move(accepted), std::move(stream))).start();
}

// For one more, which is counted already, of connections that have not shown that they mean it.
bool Loop::make_room(const Listener& listener) {
    using Kind = WaitingRoom::Kind;
    const bool handshakes_full =
        waiting_.count(listener, Kind::kHandshake) >= options().max_handshakes;
    const bool full = listener.count() > options().max_connections ||
                      environment_.connections.load() > environment_.connections_max;
    if (!handshakes_full && !full) {
        return true;
    }
    Connection* longest = waiting_.longest(listener, Kind::kHandshake);
    if (longest == nullptr || !handshakes_full) {
        Connection* silent = waiting_.longest(listener, Kind::kRequest);
        longest = silent != nullptr ? silent : longest;
    }
    if (longest == nullptr) {
        return false;
    }
    longest->make_room();
    return true;
}

void Loop::shake_hands() {
    for (int i = 0; i < kHandshakesPerTurn && !handshakes_.empty(); ++i) {
        Connection* connection = handshakes_.front();
        handshakes_.pop_front();
        connection->go_on_shaking_hands();
    }
}

Connection& Loop::add(std::unique_ptr<Connection> connection) {
    counters_.connections.add(1);
    connection->place = connections_.size();
    connections_.push_back(std::move(connection));
    return *connections_.back();
}

void Loop::watch(Connection& connection, uint32_t events) {
    epoll_event event{events, {.u64 = tagged(&connection, 0)}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd(), &event);
}

void Loop::watch(Connector& connector) {
    epoll_event event{EPOLLOUT, {.u64 = tagged(&connector, kConnectorTag)}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connector.fd(), &event);
}

void Loop::unwatch(const Connector& connector) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connector.fd(), nullptr);
}

void Loop::change_watch(Connection& connection, uint32_t events) {
    epoll_event event{events, {.u64 = tagged(&connection, 0)}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd(), &event);
}

void Loop::run_commands() {
    for (Command& command : batch_.commands) {
        if (command.kind == Command::Kind::kHangUp) {
            command.channel->end();
        } else {
            command.call->apply(command, batch_.payload(command));
        }
    }
    batch_.clear();
}

void Loop::flush_dirty() {
    work_.swap(dirty_);
    for (Connection* connection : work_) {
        connection->flush();
    }
    work_.clear();
}

void Loop::tell_writable() {
    call_work_.swap(writable_);
    for (Call* call : call_work_) {
        call->tell_writable();
    }
    call_work_.clear();
}

// Nothing of the plugin's is on the stack here, so the core may free what `user` points to.
void Loop::release_calls() {
    while (!releases_.empty()) {
        call_work_.swap(releases_);
        for (Call* call : call_work_) {
            call->release();
        }
        call_work_.clear();
    }
}

void Loop::add_closed(Connection& connection) {
    closed_.push_back(&connection);
}

void Loop::free_closed() {
    if (closed_.empty()) {
        return;
    }
    const auto is_closed = [](const Connection* connection) { return connection->closed(); };
    std::erase_if(dirty_, is_closed);
    std::erase_if(unread_, is_closed);
    std::erase_if(dialled_, is_closed);
    std::erase_if(handshakes_, is_closed);
    for (Connection* connection : closed_) {
        counters_.connections.subtract(1);
        environment_.connections.fetch_sub(1);
        if (connection->listener() != nullptr) {
            connection->listener()->remove_connection();
        }
        const size_t place = connection->place;
        std::swap(connections_[place], connections_.back());
        connections_[place]->place = place;
        connections_.pop_back();
    }
    closed_.clear();
}

void Loop::begin_drain() {
    draining_ = true;
    drain_until_ms_ = now_ms_ + stop_drain_ms_.load(std::memory_order_relaxed);
    ignore_listeners();
    for (const auto& connection : connections_) {
        connection->drain();
    }
    free_closed();
}

void Loop::finish_stop() {
    stopping_ = true;
    mailbox_.refuse_calls();
    mailbox_.take(batch_);
    run_commands();
    take_posted();
    for (const auto& connection : connections_) {
        connection->end();
    }
    release_calls();
    mailbox_.close(batch_);
    run_commands();
    release_calls();
    free_closed();
    thread_id_.store(std::thread::id(), std::memory_order_relaxed);
}

void Loop::log_bad_input(std::string_view what, std::string_view peer, std::string_view detail) {
    uint64_t suppressed = 0;
    if (!bad_input_gate_.open(now_ms_, suppressed)) {
        return;
    }
    host().log(
        QUORATE_LOG_WARN, what,
        {{"remote-addr", peer}, {"error", detail}, {"suppressed", std::to_string(suppressed)}});
}

}  // namespace quorate::http
