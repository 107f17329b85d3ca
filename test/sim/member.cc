// SPDX-License-Identifier: Apache-2.0
#include "sim/member.h"

#include "auth/fake_tokens.h"
#include "base/assert.h"
#include "config/load.h"
#include "node/peers.h"
#include "node/snapshot_receiver.h"
#include "rpc/cluster_service.h"
#include "rpc/kv_service.h"
#include "rpc/lease_service.h"
#include "rpc/login.h"
#include "rpc/maintenance_service.h"
#include "rpc/peer_service.h"
#include "rpc/quota.h"
#include "rpc/router.h"
#include "rpc/watch_service.h"

#include <algorithm>
#include <list>
#include <utility>

namespace quorate::sim {
namespace {

config::Config load_config(const MemberOptions& options) {
    config::Inputs inputs;
    inputs.arguments = {"--name=" + options.name, "--data-dir=/" + options.name,
                        "--initial-cluster=" + options.initial_cluster,
                        "--initial-advertise-peer-urls=http://" + options.name + ":2380",
                        "--listen-peer-urls=http://127.0.0.1:2380"};
    inputs.arguments.insert(inputs.arguments.end(), options.arguments.begin(),
                            options.arguments.end());
    auto loaded = config::load(inputs);
    if (!loaded) {
        throw Violation("configuration: " + loaded.error().message());
    }
    return std::move(loaded->config);
}

// What a killed process leaves in memory. No destructor may run: it would answer, write and sync
// what a dead process does not.
template <typename T>
void bury(std::unique_ptr<T> dead) {
    static std::vector<std::shared_ptr<void>>* const graveyard =
        std::make_unique<std::vector<std::shared_ptr<void>>>().release();
    graveyard->push_back(std::shared_ptr<void>(dead.release(), [](void*) {}));
}

}  // namespace

struct Member::Run {
    struct ServedCall {
        // Outlives the call, whose Reply may end through it only when the call does.
        std::shared_ptr<transport::Reply::Channel> channel;
        std::unique_ptr<transport::Call> call;
    };

    Process process;
    metrics::Registry metrics;
    auth::FakeTokens tokens;
    std::unique_ptr<PeerClient> client;
    std::unique_ptr<node::Node> node;
    std::unique_ptr<rpc::Login> login;
    std::unique_ptr<rpc::Router> router;
    std::unique_ptr<rpc::Quota> quota;
    std::unique_ptr<rpc::KvService> kv;
    std::unique_ptr<rpc::LeaseService> lease;
    std::unique_ptr<rpc::WatchService> watch;
    std::unique_ptr<rpc::MaintenanceService> maintenance;
    std::unique_ptr<rpc::ClusterService> cluster;
    std::unique_ptr<node::SnapshotReceiver> snapshots;
    std::unique_ptr<rpc::PeerService> peers;
    std::list<ServedCall> calls;  // in the order in which they came, which is that of their ends
    bool ready = false;

    void make_services(FileSystem& disk, const node::DataPaths& paths) {
        login = std::make_unique<rpc::Login>(*node);
        router = std::make_unique<rpc::Router>(metrics, node->clock());
        router->set_login(*login);
        quota = std::make_unique<rpc::Quota>(*node);
        kv = std::make_unique<rpc::KvService>(*node, *quota);
        lease = std::make_unique<rpc::LeaseService>(*node, *quota, *login);
        watch = std::make_unique<rpc::WatchService>(*node, *login);
        maintenance = std::make_unique<rpc::MaintenanceService>(*node);
        router->set_conditions({[this] { return node->status().is_learner.load(); },
                                [this] { return node->status().leader.load() != 0; }});
        kv->register_methods(*router);
        lease->register_methods(*router);
        watch->register_methods(*router);
        maintenance->register_methods(*router);
        cluster = std::make_unique<rpc::ClusterService>(*node);
        cluster->register_methods(*router);
        snapshots = std::make_unique<node::SnapshotReceiver>(*node, disk, paths.snapshot_dir);
        peers = std::make_unique<rpc::PeerService>(*node, *snapshots);
        lease->register_peer_methods(*peers);
        cluster->register_peer_methods(*peers);
    }
};

Member::Member(Scheduler& scheduler, Loops& loops, const MemberOptions& options, uint64_t seed)
    : options_(options),
      scheduler_(scheduler),
      loops_(loops),
      random_(seed, options.name),
      clock_(scheduler, options.drift_permille),
      config_(load_config(options)),
      paths_(node::data_paths(config_)),
      stage_(options.founder ? Stage::kInService : Stage::kUnused) {
    if (options_.wrap_disk) {
        wrapped_disk_ = options_.wrap_disk(disk_);
    }
}

Member::~Member() {
    if (run_ != nullptr) {
        end_run();
    }
}

void Member::join(const node::Identity& identity) {
    QUORATE_ASSERT(stage_ == Stage::kUnused);
    stage_ = Stage::kInService;
    joined_ = identity;
}

bool Member::is_ready() const {
    return run_ != nullptr && run_->ready;
}

Process& Member::process() {
    QUORATE_ASSERT(run_ != nullptr);
    return run_->process;
}

node::Node& Member::node() {
    QUORATE_ASSERT(run_ != nullptr);
    return *run_->node;
}

Status Member::start() {
    QUORATE_ASSERT(run_ == nullptr);
    ++runs_;
    run_ = std::make_unique<Run>();
    Run& run = *run_;
    run.process.name = options_.name;
    run.process.clock = &clock_;
    run.process.after_turn = [this] { after_turn(); };
    run.process.end_of_turn = [&run] {
        if (run.node != nullptr) {
            run.node->end_of_turn();
        }
    };
    run.process.on_end = [this](const std::string& why) {
        disk_.kill();
        end_run();
        on_end(why);
    };
    Status started;
    const bool lives = loops_.run_as(run.process, [&] {
        FileSystem& disk = wrapped_disk_ == nullptr ? disk_ : *wrapped_disk_;
        const auto identity =
            joined_ ? Result<node::Identity>(*joined_) : node::derive_identity(config_);
        if (!identity) {
            started = identity.error();
            return;
        }
        started = node::prepare_data_dir(disk, paths_);
        if (!started.ok()) {
            return;
        }
        node::Node::Environment environment{.fs = disk,
                                            .clock = clock_,
                                            .metrics = run.metrics,
                                            .backend = engine_,
                                            .tokens = run.tokens,
                                            .flush = [] {},
                                            .engine_is_durable = true,
                                            .wal_segment_bytes = options_.wal_segment_bytes,
                                            .gather_entries = options_.gather_entries};
        environment.on_end = [this](node::EndReason reason) { give_up(reason); };
        if (options_.make_client) {
            run.client = options_.make_client(*this);
            environment.make_peers = [this, &run](const node::PeerContext& context) {
                return std::make_unique<node::Peers>(
                    node::Peers::Options{*run.client, [] {}, "", [] { return nullptr; },
                                         run.metrics, clock_},
                    context);
            };
        }
        auto node = node::Node::open(config_, *identity, paths_, std::move(environment));
        if (!node) {
            started = node.error();
            return;
        }
        run.node = std::move(node).value();
        run.make_services(disk, paths_);
        run.node->start([&run](const Status& status) { run.ready = status.ok(); });
    });
    if (lives && !started.ok()) {
        end_run();
    }
    return started;
}

void Member::stop() {
    Run& run = *run_;
    if (!loops_.run_as(run.process, [&] { run.node->stop(); })) {
        return;
    }
    loops_.drop(run.process);
    run_.reset();
    on_end("stopped");
}

void Member::kill() {
    end_run();
    disk_.kill();
    on_end("killed");
}

void Member::power_cut() {
    if (run_ != nullptr) {
        end_run();
    }
    disk_.power_cut(random_.next());
    const size_t unsynced = engine_.unsynced_writes();
    engine_.power_cut(random_.permille(300) ? unsynced : random_.below(unsynced + 1));
    on_end("lost power");
}

void Member::end_run() {
    loops_.drop(run_->process);
    bury(std::move(run_));
}

// The node can't go on as it is: its process ends in order and, if it is to, begins again.
void Member::give_up(node::EndReason reason) {
    says_it_was_removed_ = says_it_was_removed_ || reason == node::EndReason::kRemoved;
    scheduler_.after(0, [this, run = runs_] {
        if (is_up() && runs_ == run) {
            stop();
        }
    });
}

transport::Call* Member::serve(transport::Handler& handler, const transport::CallInfo& info,
                               std::shared_ptr<transport::Reply::Channel> channel) {
    auto call = handler.on_call(info, transport::Reply(channel.get()));
    transport::Call* const key = call.get();
    if (key != nullptr) {
        run_->calls.push_back({std::move(channel), std::move(call)});
    }
    return key;
}

transport::Call* Member::begin_call(const std::string& path,
                                    std::shared_ptr<transport::Reply::Channel> channel) {
    transport::CallInfo info{};
    info.protocol = transport::Protocol::kGrpc;
    info.method = "POST";
    info.path = path;
    return serve(*run_->router, info, std::move(channel));
}

transport::Call* Member::begin_peer_call(const std::string& path,
                                         const std::vector<transport::Header>& headers,
                                         std::shared_ptr<transport::Reply::Channel> channel) {
    transport::CallInfo info{};
    info.protocol = transport::Protocol::kGrpc;
    info.method = "POST";
    info.path = path;
    info.headers = headers;
    return serve(*run_->peers, info, std::move(channel));
}

void Member::end_call(transport::Call* call) {
    const auto is_it = [call](const Run::ServedCall& one) { return one.call.get() == call; };
    const auto it = std::find_if(run_->calls.begin(), run_->calls.end(), is_it);
    if (it != run_->calls.end()) {
        run_->calls.erase(it);
    }
}

}  // namespace quorate::sim
