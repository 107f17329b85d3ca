// SPDX-License-Identifier: Apache-2.0
//
// Node: one member, wired. It owns the loops, their threads and mailboxes, and is what the API
// services talk to. Threads: open, start and stop on the start-stop thread, everything else any.
//
//   transport threads --Proposal, ReadRequest--> [core thread: raft loop, apply loop]
//        |                                          |  ^                |        |
//        |  reads in place                 LogWrite |  | Persisted      |        | batches
//        v                                          v  |                |        v
//      store <--------------- reads ------ [wal]  [reads]   [watch] <---+   [engine writer]
//
// In a cluster of one, raft loop and apply loop share a thread: nothing but the apply loop waits
// for the raft loop, and a hand-over between threads costs more than applying a batch does. With
// peers each has its own. They only know each other's mailboxes, so it makes no difference to them.
#pragma once

#include "apply/applier.h"
#include "auth/rules.h"
#include "auth/token_provider.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/loop_thread.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "node/apply_loop.h"
#include "node/bootstrap.h"
#include "node/corruption_check.h"
#include "node/leader_call.h"
#include "node/messages.h"
#include "node/peer_links.h"
#include "node/raft_loop.h"
#include "node/read_pool.h"
#include "node/space_watch.h"
#include "node/status.h"
#include "node/wal_loop.h"
#include "node/watch_loop.h"
#include "storage/write_behind.h"
#include "wire/command.h"
#include "wire/header.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace quorate::node {

enum class EndReason : uint8_t {
    kRemoved,  // from the cluster, for good
    kReopen,   // a peer's snapshot replaces the state: the next open() finds it
};

// What links to peers are made of; all outlive them.
struct PeerContext {
    const Identity& identity;
    Mailbox<RaftInput>& raft;
    storage::Backend& backend;
    NodeStatus& status;
};

class Node {
  public:
    struct Environment {
        FileSystem& fs;
        const Clock& clock;
        metrics::Registry& metrics;
        storage::Backend& backend;
        auth::TokenProvider& tokens;
        // Sends what a loop's turn has answered; any thread. May be set until start().
        std::function<void()> flush;
        // The engine keeps what it has synced; mem does not.
        bool engine_is_durable = true;
        uint64_t wal_segment_bytes = wal::Options().segment_bytes;
        uint64_t gather_entries = RaftLoopOptions().gather_entries;
        // The way to other members; without it there is none, and a cluster of one is all that
        // works.
        std::function<std::unique_ptr<PeerLinks>(const PeerContext&)> make_peers = nullptr;
        // This member can't go on as it is. Any thread, perhaps more than once; the callee must not
        // stop the node itself.
        std::function<void(EndReason)> on_end = [](EndReason) {};
        // With every heartbeat, on the core thread, for as long as the log's disk does not stall:
        // for whoever ends a member that hangs. `now_ns` is monotonic.
        std::function<void(int64_t now_ns)> on_alive = [](int64_t) {};
    };

    static Result<std::unique_ptr<Node>> open(const config::Config& config,
                                              const Identity& identity, const DataPaths& paths,
                                              Environment environment);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    void set_flush(std::function<void()> flush) { environment_.flush = std::move(flush); }

    // Starts the loops and returns when this member has all that was committed before and the
    // others know how clients reach it.
    Status start();
    // The same without waiting; `ready` runs on the read pool.
    void start(ReadTask ready);
    // A leader names its successor and waits, but not for long, until that leads. Start-stop
    // thread.
    void hand_over_leadership();
    // Answers what is still waiting, writes what is applied, joins the threads. Idempotent.
    void stop();

    // Puts an encoded request into the log and answers when it is applied, if `origin` may ask for
    // it then. Any thread.
    void propose(wire::CommandKind kind, const wire::Origin& origin, ByteView request,
                 transport::Reply reply);
    void propose_member_change(const cluster::Change& change, const wire::Origin& origin,
                               transport::Reply reply);
    // The same for this member's own commands.
    void propose_own(wire::CommandKind kind, const Bytes& request);
    // The same for what rests on a leader's clock: dropped where this member does not lead `term`
    // any more, since the next leader's clock says something else.
    void propose_as_leader(uint64_t term, wire::CommandKind kind, const Bytes& request);
    // A thread that receives requests has handed out what it had. If that was one proposal, and
    // nothing else is at work, the rest is done on this thread (see ARCHITECTURE.md). A thread that
    // calls it once calls it after everything that it proposes.
    void end_of_turn();

    // Whatever is published is the newest state there is: a read may go ahead at once.
    bool reads_confirmed() const { return status_.reads_confirmed.load(); }
    // A process that was stopped for a while goes on as the leader until it hears of the next one,
    // who lets leases end that it would renew. Not sure of that, it confirms a read first.
    bool may_renew_leases(int64_t now_ms) const {
        return reads_confirmed() || now_ms < status_.may_renew_until_ms.load();
    }
    // Runs the task on the read pool once a linearizable read may go ahead, or with the error.
    void confirm_read(ReadTask task);
    // Runs the task on the read pool. False when too many are waiting; the task is then dropped.
    bool run_in_pool(Task<> task);
    // Runs the task on the apply loop, with everything applied that was committed before. False
    // when too many are waiting.
    bool run_on_state(ApplyTask task);
    // Runs the task on the read pool once a view of the engine shows everything that was answered
    // before, or with why it never will. False when too many are waiting.
    bool run_when_engine_is_current(Task<const Status&> task);
    // Runs the task on the raft loop. False when too many are waiting; the task is then dropped.
    bool run_on_raft(RaftTask task);
    // A message of a peer that was checked to be one. False: dropped.
    bool deliver(wire::PeerMessage message) { return raft_inbox_.push(std::move(message)); }

    // A peer's snapshot is on disk (snapshot_receiver.h).
    void snapshot_arrived(raft::Message message) {
        raft_inbox_.push_always(SnapshotArrived{std::move(message)});
    }
    // Asks the leader what only it can answer; for a member that does not lead.
    void call_leader(ByteView path, ByteView request, LeaderCall::Twice twice,
                     LeaderCall::Outcome outcome);

    // Runs on the core thread when there has been no leader for so long that streams which want one
    // are to end. Before start().
    void set_on_leader_lost(std::function<void()> on_leader_lost) {
        on_leader_lost_ = std::move(on_leader_lost);
    }

    // As of what is applied.
    std::shared_ptr<const cluster::List> members() const;
    std::shared_ptr<const auth::Rules> rules() const;
    auth::TokenProvider& tokens() { return environment_.tokens; }
    // Where this member stands, to be compared with others.
    const StateHash& state_hash() const { return state_hash_; }

    // False when the watch loop has more waiting than it may; the stream is then to be closed.
    bool watch(WatchInput input) { return watch_inbox_.push(std::move(input)); }
    // For opening and closing, which the transport's own bounds limit.
    void watch_always(WatchInput input) { watch_inbox_.push_always(std::move(input)); }

    mvcc::Store& store() { return *booted_.store; }
    apply::Applier& applier() { return applier_; }
    storage::Backend& backend() { return environment_.backend; }
    const NodeStatus& status() const { return status_; }
    const Identity& identity() const { return booted_.identity; }
    const config::Config& config() const { return config_; }
    metrics::Registry& metrics() { return environment_.metrics; }
    const Clock& clock() const { return environment_.clock; }
    wire::Header header(int64_t revision) const;
    // A positive id that no other request or lease of any member has.
    uint64_t next_id();
    int64_t request_timeout_ns() const { return request_timeout_ns_; }

  private:
    Node(const config::Config& config, Environment environment,
         std::unique_ptr<LoopThread> spares_thread, Booted booted);

    bool may_work_here() const;
    void submit(Proposal&& proposal, wire::CommandKind kind, const wire::Origin& origin,
                ByteView request, transport::Reply reply);
    int64_t core_turn();
    int64_t apply_turn();
    void drop_what_is_left();
    int64_t tick_if_due();
    void show_members(std::shared_ptr<const cluster::List> members);
    void show_cluster_version(const std::string& version);
    void show_rules(std::shared_ptr<const auth::Rules> rules);
    void disable_auth_if_forced(int64_t now_ns);
    void publish_if_due(int64_t now_ns);
    void follow_version_if_due(int64_t now_ns);
    void become_ready();
    void tell_watchers_of_lost_leader(int64_t now_ns);
    void warn_of_full_space();
    void end_if_removed(int64_t now_ns);
    void check_corruption_if_due(int64_t now_ns);
    void judge_hashes();
    void check_data_if_due(int64_t now_ns);
    void ask_for_data_hashes();
    void judge_data();
    void act_on(const Judgement& judgement, const std::string& where);
    void fence(const Judgement& judgement, const std::string& where);
    void register_metrics();
    void register_constants();
    void register_consensus_metrics();
    void register_store_metrics();

    const config::Config& config_;
    Environment environment_;
    const int64_t request_timeout_ns_;
    const int64_t tick_ns_;
    const std::unique_ptr<LoopThread> spares_thread_;  // prepares the log's next segments
    Booted booted_;
    NodeStatus status_;
    mutable std::mutex members_mutex_;
    std::shared_ptr<const cluster::List> members_;
    std::string shown_version_;  // of the cluster; apply loop
    mutable std::mutex rules_mutex_;
    std::shared_ptr<const auth::Rules> rules_;
    StateHash state_hash_;
    Admission proposals_;
    Admission reads_;
    const uint64_t id_prefix_;
    std::atomic<uint64_t> next_id_;

    // With peers the two have a thread each: a long apply must not keep heartbeats waiting.
    const bool apply_apart_;
    // The only proposal there is has come without a wake, which follows at its thread's turn's end.
    std::atomic<bool> waits_for_turn_end_{false};
    LoopThread core_thread_{"core"};
    LoopThread apply_thread_{"apply"};
    LoopThread wal_thread_{"wal"};
    LoopThread watch_thread_{"watch"};
    Mailbox<RaftInput> raft_inbox_;
    Mailbox<ApplyInput> apply_inbox_;
    Mailbox<LogWrite> wal_inbox_;
    Mailbox<WatchInput> watch_inbox_;
    ReadPool read_pool_;

    storage::WriteBehind engine_;
    apply::Applier applier_;
    WalLoop wal_loop_;
    std::unique_ptr<PeerLinks> peers_;
    RaftLoop raft_loop_;
    ApplyLoop apply_loop_;
    WatchLoop watch_loop_;

    // Core thread.
    std::vector<RaftInput> raft_inputs_;
    std::vector<ApplyInput> apply_inputs_;
    int64_t next_tick_ns_ = 0;
    int64_t next_publish_ns_ = 0;
    int64_t next_version_ns_ = 0;
    int64_t founders_due_ns_ = 0;  // for their versions; 0: this is not the leader
    int64_t next_downgrade_check_ns_ = 0;
    int64_t removed_ns_ = 0;  // when this was noticed; 0: it was not
    bool told_of_lost_leader_ = false;
    SpaceWatch space_watch_;
    bool auth_disabled_ = false;  // by --force-auth-disable
    int64_t next_auth_disable_ns_ = 0;
    int64_t next_hash_check_ns_ = 0;
    int64_t judge_hashes_ns_ = 0;  // 0: nobody was asked
    std::map<raft::MemberId, HashCheckpoints> hashes_;
    int64_t next_data_check_ns_ = 0;
    int64_t judge_data_ns_ = 0;  // 0: no comparison of the data is under way
    bool data_check_holds_ready_ = config_.features.enabled(config::Feature::kInitialCorruptCheck);
    std::optional<mvcc::KeyValueHash> own_data_hash_;
    std::map<raft::MemberId, mvcc::KeyValueHash> data_hashes_;
    ReadTask ready_;
    std::function<void()> on_leader_lost_ = [] {};
    std::atomic<bool> caught_up_{false};
    // Of the other threads.
    std::vector<LogWrite> wal_inputs_;
    std::vector<WatchInput> watch_inputs_;
    bool started_ = false;
};

}  // namespace quorate::node
