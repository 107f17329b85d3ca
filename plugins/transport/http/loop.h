// SPDX-License-Identifier: Apache-2.0
//
// Loop: one thread with its sockets. A turn is:
//   1. read every ready socket and hand out what came,
//   2. let the core do on this thread what it likes to,
//   3. carry out the commands of other threads,
//   4. fire timers,
//   5. write to every connection that has something to say, once,
//   6. tell writable calls, release finished calls, free closed connections.
// So a connection costs one send per turn however many answers it carries.
#pragma once

#include "plugin/abi/transport.h"
#include "plugins/transport/http/connection.h"
#include "plugins/transport/http/frame_memory.h"
#include "plugins/transport/http/host.h"
#include "plugins/transport/http/listener.h"
#include "plugins/transport/http/mailbox.h"
#include "plugins/transport/http/options.h"
#include "plugins/transport/http/poll_window.h"
#include "plugins/transport/http/resolver.h"
#include "plugins/transport/http/session.h"
#include "plugins/transport/http/timer_heap.h"
#include "plugins/transport/http/unique_fd.h"
#include "plugins/transport/http/waiting_room.h"

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace quorate::http {

class Call;
class Channel;
class Http2ClientSession;

// Written by one loop, read by any thread.
class Counter {
  public:
    void add(uint64_t amount) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    void subtract(uint64_t amount) {
        value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed);
    }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> value_{0};
};

struct LoopCounters {
    Counter received_bytes;
    Counter sent_bytes;
    Counter connections;
    Counter streams;
};

// Shared by the loops of one transport; outlives them.
struct LoopEnvironment {
    const Host& host;
    const Options& options;
    const quorate_transport_events& events;
    Resolver& resolver;
    // So many connections leave enough descriptors for the rest of the process.
    const uint64_t connections_max;
    std::atomic<uint64_t> connections{0};  // of all loops and listeners
};

class Loop final : private Timer {
  public:
    Loop(LoopEnvironment& environment, std::string name);
    ~Loop() override;

    // --- the start-stop thread -------------------------------------------------------------------
    plugin::Status open();
    // This loop accepts for `peers`, itself among them. Before start.
    void accept_for(std::vector<std::unique_ptr<Listener>>& listeners,
                    std::vector<std::unique_ptr<Loop>>& peers);
    void start();
    void begin_stop(uint32_t drain_ms);
    void join();
    // Instead of start, begin_stop and join, where the loop was never started.
    void stop_unstarted();

    // --- any thread ------------------------------------------------------------------------------
    bool on_own_thread() const;
    Mailbox& mailbox() { return mailbox_; }
    // Wakes the loop if it sleeps on waiting commands.
    void flush();
    bool started() const { return started_.load(std::memory_order_acquire); }
    void adopt(Accepted&& accepted);
    // The resolver's answer to look_up.
    void post(Resolved&& resolved);
    const LoopCounters& counters() const { return counters_; }
    LoopEnvironment& environment() { return environment_; }
    const Options& options() const { return environment_.options; }
    const quorate_transport_events& events() const { return environment_.events; }
    const Host& host() const { return environment_.host; }

    // --- instead of start, for who drives sessions without sockets
    // ---------------------------------- The calling thread is the loop's from now on.
    void adopt_caller();
    // What a turn does once the sockets are served.
    void end_turn();

    // --- the loop's thread -----------------------------------------------------------------------
    int64_t now_ms() const { return now_ms_; }
    TimerHeap& timers() { return timers_; }
    LoopCounters& count() { return counters_; }
    bool draining() const { return draining_; }
    // No call begins any more.
    bool stopping() const { return stopping_; }
    // A new connection of `channel`, connecting from the end of this turn on.
    Http2ClientSession& dial(Channel& channel, std::shared_ptr<const Target> target);
    // These call LookupOwner::on_resolved with the answer, unless forgotten before.
    uint64_t look_up(LookupOwner& owner, const std::string& host, uint16_t port);
    uint64_t check_names(LookupOwner& owner, const std::string& address,
                         const std::vector<std::string>& names);
    void forget_lookup(uint64_t ticket) { lookups_.erase(ticket); }
    void watch(Connector& connector);
    void unwatch(const Connector& connector);
    void watch(Connection& connection, uint32_t events);
    void change_watch(Connection& connection, uint32_t events);
    // Calls Connection::go_on_shaking_hands, in this turn or a later one: handshakes cost so much
    // that only a few have their turn before everybody else has had one.
    void shake_hands_later(Connection& connection) { handshakes_.push_back(&connection); }
    WaitingRoom& waiting() { return waiting_; }
    FrameMemory& frame_memory() { return frame_memory_; }
    // Calls Connection::flush at the end of this turn.
    void add_dirty(Connection& connection) { dirty_.push_back(&connection); }
    // Calls Connection::read_more in the next turn.
    void read_again(Connection& connection) { unread_.push_back(&connection); }
    void add_closed(Connection& connection);
    void defer_release(Call& call) { releases_.push_back(&call); }
    void defer_writable(Call& call) { writable_.push_back(&call); }
    OutputBuffer& output() { return output_; }
    char* input() { return input_.get(); }
    static constexpr size_t kInputBytes = 128 * 1024;
    std::string& message_scratch() { return message_scratch_; }
    // A line about bad input; one a second at most.
    void log_bad_input(std::string_view what, std::string_view peer, std::string_view detail);

  private:
    void run();
    void wake();
    void watch_listeners();
    void ignore_listeners();
    void turn();
    int wait_ms();
    int wait_for_input(int timeout_ms, int64_t begun_ns);
    // The one connection that this turn's `count` events are of, if there is one.
    const Connection* only_reader(int count) const;
    void dispatch(const epoll_event& event);
    void accept_ready(Listener& listener);
    void pause_accepting();
    void on_timer() override;  // accept again
    void take_posted();
    void start_dialled();
    Connection& add(std::unique_ptr<Connection> connection);
    void serve_connection(Accepted&& accepted);
    bool make_room(const Listener& listener);
    void shake_hands();
    void tell_of_turn_end();
    void run_commands();
    void flush_dirty();
    void tell_writable();
    void release_calls();
    void free_closed();
    void begin_drain();
    void finish_stop();

    LoopEnvironment& environment_;
    const std::string name_;
    LoopCounters counters_;
    UniqueFd epoll_;
    UniqueFd wake_;
    std::thread thread_;
    std::atomic<std::thread::id> thread_id_{};
    std::atomic<bool> started_{false};

    Mailbox mailbox_;
    std::mutex posted_mutex_;
    std::vector<Accepted> adopted_;   // guarded by posted_mutex_
    std::vector<Resolved> resolved_;  // guarded by posted_mutex_
    std::atomic<bool> has_posted_{false};
    std::atomic<int64_t> stop_drain_ms_{-1};

    static constexpr int kEventsMax = 512;
    std::array<epoll_event, kEventsMax> ready_;
    PollWindow poll_window_;
    int64_t now_ms_ = 0;
    TimerHeap timers_;
    std::vector<Listener*> listeners_;
    std::vector<Loop*> peers_;
    size_t next_peer_ = 0;
    bool draining_ = false;
    bool stopping_ = false;
    int64_t drain_until_ms_ = 0;
    std::unordered_map<uint64_t, LookupOwner*> lookups_;  // by ticket
    uint64_t last_ticket_ = 0;
    std::vector<Connection*> dialled_;  // to be started

    FrameMemory frame_memory_;            // outlives the connections, as does
    WaitingRoom waiting_;                 // this
    std::deque<Connection*> handshakes_;  // whose turn it is
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<Connection*> dirty_;
    std::vector<Connection*> unread_;
    std::vector<Connection*> closed_;
    std::vector<Connection*> work_;
    std::vector<Call*> releases_;
    std::vector<Call*> writable_;
    std::vector<Call*> call_work_;
    CommandBatch batch_;
    OutputBuffer output_;
    std::unique_ptr<char[]> input_;
    std::string message_scratch_;
    LogGate bad_input_gate_;
};

}  // namespace quorate::http
