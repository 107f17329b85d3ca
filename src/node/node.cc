// SPDX-License-Identifier: Apache-2.0
#include "node/node.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/random_seed.h"
#include "node/conf_change.h"
#include "node/no_peers.h"
#include "node/snapshot_metrics.h"
#include "wire/member_change.h"

#include <algorithm>
#include <future>
#include <random>
#include <utility>

namespace quorate::node {
namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kForever_ns = 3600 * kSecond_ns;
// Inboxes hold at most what admission lets in, and the loops' own few messages.
constexpr size_t kInboxMax = 256 * 1024;
constexpr size_t kWatchInboxMax = 1024 * 1024;
constexpr size_t kReadThreads = 2;
constexpr uint64_t kReadsMax = 64 * 1024;
// A thread that receives requests syncs the log itself as long as the disk is that quick, and the
// engine has no more than that to do.
constexpr int64_t kSyncHereMax_ns = kMillisecond_ns;
constexpr size_t kEngineBacklogHereMax = 8 << 20;
// Less than that the engine is given with the next tick only.
constexpr size_t kEngineGathered = 64 << 10;

// The node that hears of the ends of this thread's turns.
thread_local const Node* t_ends_turns_of = nullptr;

raft::Config raft_config(const config::Config& config, uint64_t self) {
    raft::Config raft;
    raft.self = self;
    raft.heartbeat_ticks = 1;
    raft.election_ticks = config.raft.election_timeout_ms / config.raft.heartbeat_interval_ms;
    raft.pre_vote = config.raft.pre_vote;
    raft.seed = random_seed();
    return raft;
}

RaftLoopOptions raft_loop_options(const config::Config& config, int64_t request_timeout_ns,
                                  uint64_t gather_entries) {
    RaftLoopOptions options;
    options.gather_entries = gather_entries;
    options.request_timeout_ns = request_timeout_ns;
    options.catchup_entries = config.raft.snapshot_catchup_entries;
    options.election_ticks = config.raft.election_timeout_ms / config.raft.heartbeat_interval_ms;
    options.election_timeout_ns = config.raft.election_timeout_ms * kMillisecond_ns;
    options.first_read_id = random_seed() >> 1;
    return options;
}

ApplyLoopOptions apply_loop_options(const config::Config& config) {
    ApplyLoopOptions options;
    options.snapshot_entries = config.raft.snapshot_count;
    options.compaction_batch_limit = config.mvcc.compaction_batch_limit;
    options.compaction_sleep_ns = config.mvcc.compaction_sleep_interval_ns;
    options.lease_extend_ms = config.raft.election_timeout_ms;
    options.warning_apply_ns = config.http.warning_apply_duration_ns;
    return options;
}

AutoCompactor auto_compactor(const config::Config& config) {
    const AutoCompactionMode mode =
        config.mvcc.auto_compaction_mode == config::AutoCompactionMode::kPeriodic
            ? AutoCompactionMode::kPeriodic
            : AutoCompactionMode::kRevision;
    return {mode, config.mvcc.auto_compaction_retention};
}

mvcc::WatchHubOptions watch_options(const config::Config& config) {
    mvcc::WatchHubOptions options;
    options.progress_interval_ms = config.mvcc.watch_progress_notify_interval_ns / kMillisecond_ns;
    options.feed.fragment_bytes = size_t{config.limits.request_bytes_max} + 512 * 1024;
    // Only the watch loop draws from it.
    options.random = [engine = std::mt19937_64(random_seed())](uint64_t bound) mutable {
        return engine() % bound;
    };
    return options;
}

storage::WriteBehind::Options engine_options(const Clock& clock, metrics::Registry& metrics) {
    storage::WriteBehind::Options options;
    options.clock = &clock;
    options.gathered_bytes = kEngineGathered;
    options.write_seconds = &metrics.histogram(
        "etcd_disk_backend_commit_duration_seconds",
        "The latency distributions of commit called by backend.", {0.001, 2, 14});
    return options;
}

}  // namespace

Result<std::unique_ptr<Node>> Node::open(const config::Config& config, const Identity& identity,
                                         const DataPaths& paths, Environment environment) {
    BootOptions options;
    options.wal.salt_seed = random_seed();
    options.wal.segment_bytes = environment.wal_segment_bytes;
    options.wal.unsafe_no_fsync = config.raft.unsafe_no_fsync;
    options.wal.history_entries_max = config.raft.snapshot_catchup_entries;
    options.lessor.ttl_min_seconds =
        (3 * int64_t{config.raft.election_timeout_ms} / 2 + 999) / 1000;
    options.lessor.hash_seed = random_seed();
    options.lessor.checkpoint = config.features.enabled(config::Feature::kLeaseCheckpoint);
    options.lessor.checkpoint_persist =
        options.lessor.checkpoint &&
        config.features.enabled(config::Feature::kLeaseCheckpointPersist);
    options.engine_is_durable = environment.engine_is_durable;
    options.force_new_cluster = config.cluster.force_new_cluster;
    auto spares_thread = std::make_unique<LoopThread>("wal-spares");
    options.wal.spares_waker = &spares_thread->waker();
    const auto note = find_note(environment.fs, paths.snapshot_dir);
    auto booted = boot(environment.fs, paths, identity, environment.backend, options);
    if (!booted) {
        return booted.error();
    }
    if (note && note->index == booted->applied.index) {
        count_received(environment.metrics, *note);
    }
    return std::unique_ptr<Node>(new Node(config, std::move(environment), std::move(spares_thread),
                                          std::move(booted).value()));
}

Node::Node(const config::Config& config, Environment environment,
           std::unique_ptr<LoopThread> spares_thread, Booted booted)
    : config_(config),
      environment_(std::move(environment)),
      request_timeout_ns_(5 * kSecond_ns +
                          2 * int64_t{config.raft.election_timeout_ms} * kMillisecond_ns),
      tick_ns_(int64_t{config.raft.heartbeat_interval_ms} * kMillisecond_ns),
      spares_thread_(std::move(spares_thread)),
      booted_(std::move(booted)),
      state_hash_(booted_.state_hash),
      proposals_({}),
      reads_({.requests_max = kReadsMax}),
      id_prefix_((booted_.identity.member_id & 0x7fff) << 48),
      next_id_(static_cast<uint64_t>(environment_.clock.unix_ns() / 1024) & 0xffffffffffff),
      apply_apart_(booted_.membership.list().members.size() != 1),
      raft_inbox_(kInboxMax, core_thread_.waker()),
      apply_inbox_(kInboxMax, apply_apart_ ? apply_thread_.waker() : core_thread_.waker()),
      wal_inbox_(kInboxMax, wal_thread_.waker()),
      watch_inbox_(kWatchInboxMax, watch_thread_.waker()),
      read_pool_(kReadThreads, [this] { environment_.flush(); }),
      engine_(environment_.backend, engine_options(environment_.clock, environment_.metrics),
              [](const Status& status) {
                  // The log has everything; what the engine lost is applied again after a restart.
                  log::fatal(
                      "storage engine can't be written; this member stops, and starts again "
                      "without loss when the cause is mended",
                      {log::Field(status)});
              }),
      applier_({booted_.identity.cluster_id, booted_.identity.member_id}, environment_.metrics),
      wal_loop_(*booted_.wal, environment_.clock, raft_inbox_, environment_.metrics),
      peers_(environment_.make_peers ? environment_.make_peers({booted_.identity, raft_inbox_,
                                                                environment_.backend, status_})
                                     : std::make_unique<NoPeers>()),
      raft_loop_(raft_config(config, booted_.identity.member_id), std::move(booted_.restored),
                 raft_loop_options(config, request_timeout_ns_, environment_.gather_entries),
                 {apply_inbox_, wal_inbox_, read_pool_.inbox(), wal_loop_, status_, *peers_,
                  [this] { environment_.on_end(EndReason::kReopen); }}),
      apply_loop_(
          *booted_.store, *booted_.lessor, booted_.alarms, booted_.membership, booted_.auth,
          environment_.tokens, state_hash_, applier_, auto_compactor(config), booted_.applied,
          apply_loop_options(config),
          {raft_inbox_, status_, engine_, environment_.clock, environment_.engine_is_durable,
           [this] { environment_.flush(); },
           [this](int64_t revision) {
               if (watch_loop_.has_streams()) {
                   watch_inbox_.push_always(WatchPublished{revision});
               }
           },
           [this](std::shared_ptr<const cluster::List> members) {
               show_members(std::move(members));
           },
           [this](std::shared_ptr<const auth::Rules> rules) { show_rules(std::move(rules)); },
           [this](wire::CommandKind kind, const Bytes& request, uint64_t led_term) {
               propose_as_leader(led_term, kind, request);
           }},
          environment_.metrics),
      watch_loop_(*booted_.store, watch_options(config), environment_.clock, environment_.metrics) {
    applier_.show_alarms(booted_.alarms);
    register_metrics();
}

Node::~Node() {
    stop();
}

Status Node::start() {
    std::promise<Status> confirmed;
    std::future<Status> result = confirmed.get_future();
    start([confirmed = std::move(confirmed)](const Status& status) mutable {
        confirmed.set_value(status);
    });
    return result.get();
}

void Node::start(ReadTask ready) {
    started_ = true;
    spares_thread_->start([this] { return booted_.wal->spares().turn(); });
    wal_thread_.start([this]() -> int64_t {
        wal_inbox_.take(wal_inputs_);
        wal_loop_.handle(wal_inputs_);
        return kForever_ns;
    });
    read_pool_.start();
    watch_thread_.start([this] {
        watch_inbox_.take(watch_inputs_);
        const int64_t sleep_ns = watch_loop_.handle(watch_inputs_);
        environment_.flush();
        return sleep_ns;
    });
    const raft::Configuration& configuration = raft_loop_.raft().configuration();
    if (configuration.voters == std::vector<raft::MemberId>{booted_.identity.member_id}) {
        raft_loop_.campaign();
    } else if (config_.raft.initial_election_tick_advance) {
        raft_loop_.advance_election_timeout();
    }
    ready_ = std::move(ready);
    if (apply_apart_) {
        apply_thread_.start([this] { return apply_turn(); });
    }
    core_thread_.start([this] { return core_turn(); });
    become_ready();
}

void Node::stop() {
    if (!std::exchange(started_, false)) {
        return;
    }
    core_thread_.stop();
    apply_thread_.stop();
    wal_thread_.stop();
    spares_thread_->stop();
    raft_loop_.stop();
    if (ready_) {
        std::exchange(ready_, {})(errors::kStopped);
    }
    apply_loop_.stop();
    watch_thread_.stop();
    watch_loop_.stop();
    read_pool_.stop();
    engine_.stop();  // its last answers go to the read pool
    drop_what_is_left();
    environment_.flush();
    if (environment_.engine_is_durable) {
        if (const Status s = environment_.backend.sync(); !s.ok()) {
            log::error("storage engine can't be synced at the end", {log::Field(s)});
        }
    }
    if (const Status s = booted_.wal->close(); !s.ok()) {
        log::error("write-ahead log can't be closed", {log::Field(s)});
    }
}

// What reached a loop after its last turn is answered by being dropped, while the transport still
// takes answers.
void Node::drop_what_is_left() {
    raft_inbox_.take(raft_inputs_);
    raft_inputs_.clear();
    apply_inbox_.take(apply_inputs_);
    apply_inputs_.clear();
    watch_inbox_.take(watch_inputs_);
    watch_inputs_.clear();
    read_pool_.drop_waiting();
}

int64_t Node::core_turn() {
    raft_inbox_.take(raft_inputs_);
    const int64_t now_ns = environment_.clock.monotonic_ns();
    if (!raft_inputs_.empty()) {
        raft_loop_.handle(raft_inputs_, now_ns, !raft_inbox_.empty());
        raft_inputs_.clear();
    }
    const int64_t until_tick_ns = tick_if_due();
    if (apply_apart_) {
        return raft_inbox_.empty() ? until_tick_ns : 0;
    }
    const int64_t apply_sleep_ns = apply_turn();
    return raft_inbox_.empty() && apply_inbox_.empty() ? std::min(until_tick_ns, apply_sleep_ns)
                                                       : 0;
}

int64_t Node::apply_turn() {
    apply_inbox_.take(apply_inputs_);
    const int64_t sleep_ns = apply_loop_.handle(apply_inputs_);
    apply_inputs_.clear();
    return sleep_ns;
}

int64_t Node::tick_if_due() {
    const int64_t now_ns = environment_.clock.monotonic_ns();
    if (now_ns >= next_tick_ns_) {
        // A thread that slept too long gives one tick, not many: elections must not pile up.
        next_tick_ns_ = now_ns + tick_ns_;
        raft_loop_.tick(now_ns);
        engine_.hurry();
        publish_if_due(now_ns);
        follow_version_if_due(now_ns);
        disable_auth_if_forced(now_ns);
        tell_watchers_of_lost_leader(now_ns);
        warn_of_full_space();
        end_if_removed(now_ns);
        check_corruption_if_due(now_ns);
        check_data_if_due(now_ns);
        if (!raft_loop_.disk_stalls(now_ns)) {
            environment_.on_alive(now_ns);
        }
    }
    return next_tick_ns_ - now_ns;
}

uint64_t Node::next_id() {
    const uint64_t low = next_id_.fetch_add(1, std::memory_order_relaxed) & 0xffffffffffff;
    return std::max<uint64_t>(1, id_prefix_ | low);
}

wire::Header Node::header(int64_t revision) const {
    return {booted_.identity.cluster_id, booted_.identity.member_id, revision,
            status_.term.load(std::memory_order_relaxed)};
}

void Node::propose(wire::CommandKind kind, const wire::Origin& origin, ByteView request,
                   transport::Reply reply) {
    Proposal proposal;
    proposal.id = next_id();
    submit(std::move(proposal), kind, origin, request, std::move(reply));
}

void Node::propose_member_change(const cluster::Change& change, const wire::Origin& origin,
                                 transport::Reply reply) {
    Proposal proposal;
    proposal.id = next_id();
    proposal.member_change = conf_change_of(change).has_value();
    submit(std::move(proposal), wire::CommandKind::kMemberChange, origin,
           wire::to_proto(change).SerializeAsString(), std::move(reply));
}

void Node::submit(Proposal&& proposal, wire::CommandKind kind, const wire::Origin& origin,
                  ByteView request, transport::Reply reply) {
    Bytes payload = wire::encode_command(proposal.id, origin, kind, request);
    if (payload.size() > config_.limits.request_bytes_max) {
        reply.finish(errors::kRequestTooLarge);
        return;
    }
    // A lease that ends frees memory and keys: it must not wait for what makes more of them.
    const bool first = kind == wire::CommandKind::kLeaseRevoke &&
                       config_.features.enabled(config::Feature::kPriorityRequest);
    proposal.waiter.ticket = proposals_.enter(
        payload.size(), first ? Admission::Rank::kPriority : Admission::Rank::kNormal);
    if (!proposal.waiter.ticket) {
        reply.finish(errors::kRequestTooManyRequests);
        return;
    }
    proposal.waiter.reply = std::move(reply);
    proposal.payload = std::make_shared<const Bytes>(std::move(payload));
    proposal.deadline_ns = environment_.clock.monotonic_ns() + request_timeout_ns_;
    raft_inbox_.push_quietly(std::move(proposal));
    // A loop that ceases to gather looks into its inbox once more before it sleeps.
    if (status_.gathers_proposals.load()) {
        return;
    }
    if (t_ends_turns_of == this && proposals_.requests() == 1) {
        waits_for_turn_end_.store(true);
    } else {
        raft_inbox_.wake();
    }
}

void Node::end_of_turn() {
    t_ends_turns_of = this;
    if (!waits_for_turn_end_.load(std::memory_order_relaxed) ||
        !waits_for_turn_end_.exchange(false) || raft_inbox_.empty()) {
        return;
    }
    if (!may_work_here() || !core_thread_.run_here()) {
        raft_inbox_.wake();
    }
}

// Others whose requests come on the same thread wait meanwhile, for no longer than a good disk
// takes to sync. When several have proposed something, one thread syncs while another receives.
bool Node::may_work_here() const {
    return !apply_apart_ && proposals_.requests() == 1 && reads_confirmed() &&
           wal_loop_.last_sync_ns() <= kSyncHereMax_ns &&
           engine_.pending_bytes() <= kEngineBacklogHereMax;
}

void Node::propose_own(wire::CommandKind kind, const Bytes& request) {
    propose_as_leader(0, kind, request);
}

void Node::propose_as_leader(uint64_t term, wire::CommandKind kind, const Bytes& request) {
    Proposal proposal;
    proposal.led_term = term;
    proposal.id = next_id();
    proposal.payload = std::make_shared<const Bytes>(
        wire::encode_command(proposal.id, wire::Origin::of_member(), kind, request));
    proposal.deadline_ns = environment_.clock.monotonic_ns() + request_timeout_ns_;
    raft_inbox_.push_always(std::move(proposal));
}

void Node::confirm_read(ReadTask task) {
    Admission::Ticket ticket = reads_.enter(0);
    if (!ticket) {
        task(errors::kRequestTooManyRequests);
        return;
    }
    ReadRequest request;
    request.task = [task = std::move(task),
                    ticket = std::move(ticket)](const Status& status) mutable { task(status); };
    request.deadline_ns = environment_.clock.monotonic_ns() + request_timeout_ns_;
    raft_inbox_.push_always(std::move(request));
}

bool Node::run_in_pool(Task<> task) {
    Admission::Ticket ticket = reads_.enter(0);
    if (!ticket) {
        return false;
    }
    read_pool_.push([task = std::move(task), ticket = std::move(ticket)]() mutable { task(); });
    return true;
}

bool Node::run_on_raft(RaftTask task) {
    Admission::Ticket ticket = reads_.enter(0);
    if (!ticket) {
        return false;
    }
    raft_inbox_.push_always(RaftTask([task = std::move(task), ticket = std::move(ticket)](
                                         RaftLoop& loop) mutable { task(loop); }));
    return true;
}

bool Node::run_on_state(ApplyTask task) {
    Admission::Ticket ticket = reads_.enter(0);
    if (!ticket) {
        return false;
    }
    apply_inbox_.push_always(ApplyTask([task = std::move(task), ticket = std::move(ticket)](
                                           apply::State& state) mutable { task(state); }));
    return true;
}

// The apply loop hands its batches over at the end of a turn, and what a turn answers can only
// cause a task of a later one: so a sync asked for here covers it.
bool Node::run_when_engine_is_current(Task<const Status&> task) {
    auto shared = std::make_shared<Task<const Status&>>(std::move(task));
    return run_on_state([this, shared](apply::State&) {
        engine_.sync([this, shared](const Status& synced) {
            read_pool_.push([shared, synced] { (*shared)(synced); });
        });
    });
}

}  // namespace quorate::node
