// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include "auth/plugin_provider.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process_metrics.h"
#include "base/service_manager.h"
#include "cluster/member.h"
#include "config/local_address.h"
#include "config/version.h"
#include "node/data_dir_guard.h"
#include "node/discovery.h"
#include "node/discovery_srv.h"
#include "node/join.h"
#include "node/node.h"
#include "node/peers.h"
#include "node/snapshot_receiver.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "reload.h"
#include "rpc/auth_service.h"
#include "rpc/cluster_service.h"
#include "rpc/health_service.h"
#include "rpc/http_access.h"
#include "rpc/http_service.h"
#include "rpc/kv_service.h"
#include "rpc/lease_service.h"
#include "rpc/lock_service.h"
#include "rpc/login.h"
#include "rpc/maintenance_service.h"
#include "rpc/peer_service.h"
#include "rpc/quota.h"
#include "rpc/router.h"
#include "rpc/watch_service.h"
#include "serve_tls.h"
#include "storage/open_engine.h"
#include "transport/plugin_transport.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quorate {
namespace {

constexpr uint32_t kDrain_ms = 500;
constexpr int kEndSignal = SIGUSR2;  // from ourselves
constexpr int64_t kMillisecond_ns = 1'000'000;
// Members send each other batches; a window of a round trip's worth at disk speed.
constexpr uint64_t kMemberMessageMin = 64 * 1024 * 1024;
constexpr uint32_t kMemberWindow = 16 * 1024 * 1024;
constexpr uint32_t kMemberPing_ms = 1000;
constexpr uint64_t kReceiveOverhead = 512 * 1024;  // gRPC's limit above that of a request
constexpr uint64_t kJsonOverhead = 64 * 1024;      // of JSON around keys and values in base64

rpc::HttpAccessRules access_rules(const config::Config& config) {
    return {config.http.cors, config.http.host_whitelist, config.http.enable_grpc_gateway,
            config.security.client.client_cert_auth};
}

rpc::RouterOptions router_options(const config::Config& config) {
    return {config.http.warning_unary_request_duration_ns, config.http.extensive_metrics};
}

// All services of one node.
struct Services {
    Services(node::Node& node, rpc::Router& router)
        : login(node),
          quota(node),
          kv(node, quota),
          lease(node, quota, login),
          watch(node, login),
          maintenance(node),
          cluster(node),
          auth(node),
          lock(router),
          pages(node),
          http(access_rules(node.config()), node.clock(), pages, router, login) {}

    void register_peer_methods(rpc::PeerService& peers) {
        lease.register_peer_methods(peers);
        cluster.register_peer_methods(peers);
    }

    void register_all(rpc::Router& router) {
        router.set_login(login);
        kv.register_methods(router);
        lease.register_methods(router);
        watch.register_methods(router);
        maintenance.register_methods(router);
        cluster.register_methods(router);
        auth.register_methods(router);
        lock.register_methods(router);
        rpc::HealthService::register_methods(router);
        http.register_handler(router);
    }

    rpc::Login login;
    rpc::Quota quota;
    rpc::KvService kv;
    rpc::LeaseService lease;
    rpc::WatchService watch;
    rpc::MaintenanceService maintenance;
    rpc::ClusterService cluster;
    rpc::AuthService auth;
    rpc::LockService lock;
    rpc::HttpService pages;
    rpc::HttpAccess http;
};

// Clients and members come to different addresses and are answered by different services.
class Reception final : public transport::Handler {
  public:
    void set(transport::Handler& clients, transport::Handler& members, node::Node& node) {
        clients_ = &clients;
        members_ = &members;
        node_ = &node;
    }
    void add_member_listener(uint32_t id) { member_listeners_.insert(id); }

    std::unique_ptr<transport::Call> on_call(const transport::CallInfo& info,
                                             transport::Reply reply) override {
        transport::Handler& handler =
            member_listeners_.contains(info.listener) ? *members_ : *clients_;
        return handler.on_call(info, std::move(reply));
    }
    void on_turn_end() override {
        if (node::Node* const node = node_.load()) {
            node->end_of_turn();
        }
    }

  private:
    transport::Handler* clients_ = nullptr;
    transport::Handler* members_ = nullptr;
    std::atomic<node::Node*> node_{nullptr};  // who joins asks the members before there is a node
    std::set<uint32_t> member_listeners_;     // constant once the transport runs
};

// What etcd's flags mean to a transport goes before the lines of its own section, which win.
plugin::Options transport_options(const config::Config& config) {
    const auto milliseconds = [](int64_t ns) { return std::to_string(ns / kMillisecond_ns); };
    const uint64_t receive_bytes = config.limits.request_bytes_max + kReceiveOverhead;
    plugin::Options options = {
        {"max_receive_bytes", std::to_string(receive_bytes)},
        {"max_http_body_bytes", std::to_string(receive_bytes / 3 * 4 + kJsonOverhead)},
        {"max_concurrent_streams", std::to_string(config.limits.concurrent_streams_max)},
        {"keepalive_min_time", milliseconds(config.http.keepalive_min_time_ns)},
        {"keepalive_interval", milliseconds(config.http.keepalive_interval_ns)},
        {"keepalive_timeout", milliseconds(config.http.keepalive_timeout_ns)},
        {"reuse_port", config.member.socket_reuse_port ? "1" : "0"},
    };
    for (const auto& option : config.plugins.transport.options) {
        options.push_back(option);
    }
    return options;
}

Status listen_for_members(transport::Transport& transport, const config::Config& config,
                          const ServerTls& tls, Reception& reception) {
    for (const Url& url : config.urls.listen_peer) {
        transport::ListenOptions options;
        options.host = transport::host_of(url);
        options.port = url.port;
        options.name = "peer";
        options.receive_bytes_max =
            std::max(kMemberMessageMin, 2 * uint64_t{config.limits.request_bytes_max});
        options.stream_window_bytes = kMemberWindow;
        options.connection_window_bytes = kMemberWindow;
        options.keepalive_min_time_ms = kMemberPing_ms;
        options.counted = false;
        if (url.is_tls()) {
            options.tls = tls.for_members();
        }
        const auto listening = transport.listen(options);
        if (!listening) {
            return tls.with_options({errors::kAddress, "listen-peer-urls: can't listen on " +
                                                           url.to_string() + ": " +
                                                           listening.error().message()});
        }
        reception.add_member_listener(listening->id);
    }
    return {};
}

// Who may ask for what on a listener.
enum class Serves : uint8_t { kAll, kGrpc, kHttp, kMonitoring };

// Whether a list has the same address with TLS, for a URL without, and the other way round.
bool has_other_scheme(const std::vector<Url>& urls, const Url& url) {
    return std::any_of(urls.begin(), urls.end(), [&url](const Url& other) {
        return other.is_tls() != url.is_tls() && other.is_unix() == url.is_unix() &&
               other.address() == url.address() && (url.is_unix() || url.port != 0);
    });
}

Status listen_on(transport::Transport& transport, const ServerTls& tls,
                 const std::vector<Url>& urls, Serves what, rpc::HttpAccess& access) {
    for (const Url& url : urls) {
        const bool shared = has_other_scheme(urls, url);
        if (shared && !url.is_tls()) {
            continue;  // the listener of the one with TLS takes both
        }
        transport::ListenOptions options;
        options.plain_too = shared;
        options.host = transport::host_of(url);
        options.port = url.port;
        options.serve_grpc = what == Serves::kAll || what == Serves::kGrpc;
        options.serve_http = what != Serves::kGrpc;
        if (url.is_tls()) {
            options.tls = tls.for_clients();
        }
        const auto listening = transport.listen(options);
        if (!listening) {
            return tls.with_options({errors::kAddress, "can't listen on " + url.to_string() + ": " +
                                                           listening.error().message()});
        }
        if (what == Serves::kMonitoring) {
            access.add_metrics_listener(listening->id);
        } else if (url.is_tls() && !shared) {
            access.add_tls_listener(listening->id);
        }
    }
    return {};
}

Status listen_everywhere(transport::Transport& transport, const config::UrlConfig& urls,
                         const ServerTls& tls, rpc::HttpAccess& access) {
    const Serves clients = urls.listen_client_http.empty() ? Serves::kAll : Serves::kGrpc;
    Status s = listen_on(transport, tls, urls.listen_client, clients, access);
    if (s.ok()) {
        s = listen_on(transport, tls, urls.listen_client_http, Serves::kHttp, access);
    }
    if (s.ok()) {
        s = listen_on(transport, tls, urls.listen_metrics, Serves::kMonitoring, access);
    }
    return s;
}

void log_ready(const config::Config& config, const node::Identity& identity) {
    log::info("ready to serve client requests",
              {{"cluster-id", cluster::format_id(identity.cluster_id)},
               {"member-id", cluster::format_id(identity.member_id)}});
    for (const Url& url : config.urls.listen_client) {
        if (url.is_tls()) {
            log::info("serving client traffic securely", {{"address", url.address()}});
        } else {
            log::info("serving client traffic insecurely; this is strongly discouraged!",
                      {{"address", url.address()}});
        }
    }
}

// Signals are taken here and nowhere else: blocked before the first thread starts, they stay
// blocked in all of them.
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

// What a first start may have to ask others.
struct Questions {
    std::function<Result<node::RunningCluster>(const config::Config&)> running_cluster;
    std::function<Result<std::vector<config::InitialMember>>(const config::Config&)> founders;
};

// Who this is: as the data directory says, or as its first start decides.
Result<node::Identity> establish_identity(FileSystem& fs, const node::DataPaths& paths,
                                          const config::Config& given, const Questions& ask) {
    auto known = node::load_identity(fs, paths.identity_file, given);
    if (!known) {
        return known.error();
    }
    if (known->has_value()) {
        return std::move(**known);
    }
    config::Config config = given;
    if (config.discovery.by_registry() || config.discovery.by_dns()) {
        auto members = config.discovery.by_dns()
                           ? node::members_by_srv(config, node::name_service(config.discovery))
                           : ask.founders(config);
        if (!members) {
            return members.error();
        }
        config.cluster.initial_cluster = std::move(members).value();
    }
    Result<node::Identity> identity = Status(errors::kConfig, "");
    if (config.cluster.initial_state == config::ClusterState::kExisting) {
        const auto cluster = ask.running_cluster(config);
        identity = cluster ? node::join_identity(config, *cluster)
                           : Result<node::Identity>(cluster.error());
    } else {
        identity = node::derive_identity(config);
    }
    if (!identity) {
        return identity.error();
    }
    if (Status s = node::save_identity(fs, paths.identity_file, *identity); !s.ok()) {
        return s;
    }
    return identity;
}

// Nobody waits for signals before the server runs; they are blocked and stay pending.
bool end_is_asked_for() {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

// Over a transport of its own, which listens nowhere.
template <typename Answer>
Result<Answer> ask_over(const plugin::Plugin& plugin, const config::Config& config,
                        const std::function<Result<Answer>(transport::Transport&)>& ask) {
    Reception nobody;
    auto transport = transport::open_plugin_transport(plugin, transport_options(config), nobody);
    if (!transport) {
        return transport.error();
    }
    if (Status s = (*transport)->start(); !s.ok()) {
        return s;
    }
    auto answer = ask(**transport);
    (*transport)->stop(0);
    return answer;
}

Questions questions_over(const plugin::Plugin& plugin, const ServerTls& tls) {
    return {[&plugin, &tls](const config::Config& config) {
                return ask_over<node::RunningCluster>(
                    plugin, config, [&config, &tls](transport::Transport& transport) {
                        return node::ask_running_cluster(transport, config,
                                                         [&tls] { return tls.for_calls(); });
                    });
            },
            [&plugin](const config::Config& config) {
                return ask_over<std::vector<config::InitialMember>>(
                    plugin, config, [&config](transport::Transport& transport) {
                        return node::discover_founders(transport, config, end_is_asked_for);
                    });
            }};
}

Status lock_memory(const config::Config& config) {
    if (!config.member.memory_mlock || mlockall(MCL_CURRENT | MCL_FUTURE) == 0) {
        return {};
    }
    return {errors::kConfig, std::string("memory-mlock: memory can't be locked: ") +
                                 std::strerror(errno) +
                                 "; raise the limit (ulimit -l, LimitMEMLOCK=)"};
}

// As many descriptors as the system lets us have: a connection needs one.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
    }
}

// Why the node can't go on, from whichever thread finds out; seen by who waits for signals.
class EndNotice {
  public:
    void give(node::EndReason reason) {
        reason_.store(static_cast<int>(reason));
        kill(getpid(), kEndSignal);
    }
    std::optional<node::EndReason> reason() const {
        const int reason = reason_.load();
        return reason < 0 ? std::nullopt : std::optional(static_cast<node::EndReason>(reason));
    }

  private:
    std::atomic<int> reason_{-1};
};

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

void add_transport_metrics(metrics::Registry& metrics, const transport::Transport& wire) {
    metrics.function("etcd_network_client_grpc_received_bytes_total",
                     "The total number of bytes received from grpc clients.", "counter",
                     [&wire] { return static_cast<double>(wire.stats().received_bytes); });
    metrics.function("etcd_network_client_grpc_sent_bytes_total",
                     "The total number of bytes sent to grpc clients.", "counter",
                     [&wire] { return static_cast<double>(wire.stats().sent_bytes); });
}

// What runs here, for whoever looks at several members at once.
void add_information(metrics::Registry& metrics) {
    metrics
        .gauge("quorate_build_info", "What this program was built from; always 1.",
               {{"commit", std::string(config::kGitCommit)},
                {"version", std::string(config::kQuorateVersion)}})
        .set(1);
}

void add_information(metrics::Registry& metrics, const plugin::Plugin& plugin) {
    metrics
        .gauge("quorate_plugin_info", "A plugin in use; always 1.",
               {{"kind", std::string(plugin.kind())},
                {"name", std::string(plugin.name())},
                {"version", plugin.descriptor().version}})
        .set(1);
}

// What makes and checks tokens, with the options that it shares with etcd.
Result<std::unique_ptr<auth::PluginProvider>> open_token_provider(plugin::Loader& loader,
                                                                  const config::Config& config) {
    return auth::open_provider(loader, {config.auth.token_ttl_s, config.auth.bcrypt_cost},
                               {config.plugins.auth.name, config.plugins.auth.options});
}

// One life of the server, from what is on disk to what goes out, each standing on the ones before.
class Server {
  public:
    Server(const config::Loaded& loaded, const config::Inputs& inputs)
        : config_(loaded.config),
          reloader_(inputs, loaded),
          fs_(make_posix_file_system()),
          host_(metrics_, clock_),
          loader_(config_.plugins.dir, host_),
          paths_(node::data_paths(config_)),
          tls_(config_) {
        metrics::add_process_metrics(metrics_);
        add_information(metrics_);
    }

    Status open() {
        // First, so that what is wrong with them leaves no trace on the disk.
        auto tokens = open_token_provider(loader_, config_);
        if (!tokens) {
            return tokens.error();
        }
        tokens_ = std::move(tokens).value();
        if (config_.plugins.storage.name != storage::kMemoryEngine) {
            if (const auto found = loader_.load("storage", config_.plugins.storage.name); !found) {
                return found.error();
            }
        }
        auto data_dir = node::DataDirGuard::enter(*fs_, paths_);
        if (!data_dir) {
            return data_dir.error();
        }
        data_dir_ = std::move(data_dir).value();
        if (Status s = tls_.make_certificates(*fs_, paths_.certificate_dir); !s.ok()) {
            return s;
        }
        const auto plugin = loader_.load("transport", config_.plugins.transport.name);
        if (!plugin) {
            return plugin.error();
        }
        auto identity = establish_identity(*fs_, paths_, config_, questions_over(**plugin, tls_));
        if (!identity) {
            return identity.error();
        }
        auto engine = storage::open_engine(
            loader_, {config_.plugins.storage.name, config_.plugins.storage.options},
            paths_.engine_dir);
        if (!engine) {
            return engine.error();
        }
        engine_ = std::move(engine).value();
        add_information(metrics_, **plugin);
        if (const std::string& name = config_.plugins.storage.name;
            name != storage::kMemoryEngine) {
            add_information(metrics_, **loader_.load("storage", name));  // loaded by open_engine
        }
        auto transport =
            transport::open_plugin_transport(**plugin, transport_options(config_), reception_);
        if (!transport) {
            return transport.error();
        }
        transport_ = std::move(transport).value();
        auto node = node::Node::open(config_, *identity, paths_, environment());
        if (!node) {
            return node.error();
        }
        node_ = std::move(node).value();
        return {};
    }

    Status start() {
        services_ = std::make_unique<Services>(*node_, router_);
        services_->register_all(router_);
        router_.set_conditions({[this] { return node_->status().is_learner.load(); },
                                [this] { return node_->status().leader.load() != 0; }});
        snapshots_ = std::make_unique<node::SnapshotReceiver>(*node_, *fs_, paths_.snapshot_dir);
        members_ = std::make_unique<rpc::PeerService>(*node_, *snapshots_);
        services_->register_peer_methods(*members_);
        reception_.set(router_, *members_, *node_);
        add_transport_metrics(metrics_, *transport_);
        Status started = listen_for_members(*transport_, config_, tls_, reception_);
        if (started.ok()) {
            started = listen_everywhere(*transport_, config_.urls, tls_, services_->http);
        }
        if (started.ok()) {
            services_->auth.start([this] { transport_->flush(); });
            services_->lock.start([this] { transport_->flush(); });
            services_->http.start([this] { transport_->flush(); });
            started = transport_->start();
        }
        if (!started.ok()) {
            return started;
        }
        data_dir_->keep();
        node_->start([this](const Status& ready) {
            if (ready.ok()) {
                log_ready(config_, node_->identity());
                ready_.store(true);
                notify_service_manager("READY=1\nSTATUS=serving" + watchdog_.resume_line());
            }
        });
        return {};
    }

    Ending run(const sigset_t& signals) {
        wait_for_end(signals, end_, [this] { reload(); });
        const bool again = end_.reason() == node::EndReason::kReopen;
        if (!again) {
            notify_service_manager("STOPPING=1");
        }
        node_->hand_over_leadership();
        // New calls end first, then what is in the loops is answered, then the last answers go out.
        // A member that is to take over a snapshot has little to say and is needed again soon.
        transport_->stop(again ? 0 : kDrain_ms);
        services_->http.stop();
        services_->lock.stop();
        services_->auth.stop();
        node_->stop();
        log::info("closed server", {{"name", config_.member.name}, {"data-dir", paths_.data_dir}});
        return again ? Ending::kStartAgain : Ending::kDone;
    }

  private:
    // What can be taken over while the server runs; each part by itself.
    Status take_over() {
        const Status configuration = reloader_.reload();
        if (!configuration.ok()) {
            log::error("reload refused; all stays as it was", {log::Field(configuration)});
        }
        const Status tls = transport_->reload();
        if (!tls.ok()) {
            log::error("TLS files can't be read again; those read before stay in force",
                       {log::Field(tls_.with_options(tls))});
        } else if (tls_.has_listeners()) {
            log::info("read the TLS files again", {});
        }
        const Status tokens = tokens_->reload();
        if (!tokens.ok()) {
            log::error("keys for tokens stay as they were", {log::Field(tokens)});
        }
        for (const Status& part : {configuration, tls}) {
            if (!part.ok()) {
                return part;
            }
        }
        return tokens;
    }

    void reload() {
        // Who has not been told that we are ready must not hear it from here.
        const bool tell = ready_.load();
        if (tell) {
            notify_service_manager("RELOADING=1\nMONOTONIC_USEC=" +
                                   std::to_string(clock_.monotonic_ns() / 1000));
        }
        const Status s = take_over();
        if (tell) {
            notify_service_manager(
                "READY=1\nSTATUS=" +
                (s.ok() ? "serving" : "serving; reload refused: " + s.message()));
        }
    }

    node::Node::Environment environment() {
        node::Node::Environment environment{*fs_,
                                            clock_,
                                            metrics_,
                                            *engine_,
                                            *tokens_,
                                            [this] { transport_->flush(); },
                                            config_.plugins.storage.name != storage::kMemoryEngine};
        environment.on_end = [this](node::EndReason reason) { end_.give(reason); };
        environment.on_alive = [this](int64_t now_ns) { watchdog_.feed(now_ns); };
        if (transport_->client() != nullptr) {
            environment.make_peers = [this](const node::PeerContext& context) {
                return std::make_unique<node::Peers>(
                    node::Peers::Options{*transport_->client(), [this] { transport_->flush(); },
                                         config::local_address(config_),
                                         [this] { return tls_.for_calls(); }, metrics_, clock_},
                    context);
            };
        }
        return environment;
    }

    const config::Config& config_;
    Reloader reloader_;
    ServiceWatchdog watchdog_;
    const SystemClock clock_;
    metrics::Registry metrics_;
    const std::unique_ptr<FileSystem> fs_;
    plugin::Host host_;
    plugin::Loader loader_;
    const node::DataPaths paths_;
    std::unique_ptr<node::DataDirGuard> data_dir_;  // outlives all that has files open in there
    ServerTls tls_;
    EndNotice end_;
    std::atomic<bool> ready_{false};  // and the service manager was told
    std::unique_ptr<storage::Backend> engine_;
    std::unique_ptr<auth::PluginProvider> tokens_;
    Reception reception_;
    std::unique_ptr<transport::Transport> transport_;
    std::unique_ptr<node::Node> node_;
    rpc::Router router_{metrics_, clock_, router_options(config_)};
    std::unique_ptr<Services> services_;
    std::unique_ptr<node::SnapshotReceiver> snapshots_;
    std::unique_ptr<rpc::PeerService> members_;
};

}  // namespace

Result<Ending> serve(const config::Loaded& loaded, const config::Inputs& inputs) {
    const sigset_t signals = block_signals();
    if (Status s = lock_memory(loaded.config); !s.ok()) {
        return s;
    }
    raise_descriptor_limit();
    Server server(loaded, inputs);
    Status started = server.open();
    if (started.ok()) {
        started = server.start();
    }
    if (!started.ok()) {
        return started;
    }
    return server.run(signals);
}

namespace {

Status check_identity(const config::Config& config) {
    // Who a domain's records list is found out when the server starts.
    if (config.discovery.by_dns()) {
        return {};
    }
    // After the first start the data directory tells; one that this user can't look into does not.
    const auto fs = make_posix_file_system();
    const auto known = node::load_identity(*fs, node::data_paths(config).identity_file, config);
    if (!known && known.error().is(errors::kForeignData)) {
        return known.error();
    }
    if (known && known->has_value()) {
        return {};
    }
    const auto identity = node::derive_identity(config);
    return identity ? Status() : identity.error();
}

}  // namespace

Status check(const config::Loaded& loaded) {
    const config::Config& config = loaded.config;
    const SystemClock clock;
    metrics::Registry metrics;
    plugin::Host host(metrics, clock);
    plugin::Loader loader(config.plugins.dir, host);
    if (Status s = check_identity(config); !s.ok()) {
        return s;
    }
    if (Status s = storage::try_engine(
            loader, {config.plugins.storage.name, config.plugins.storage.options});
        !s.ok()) {
        return s;
    }
    const auto plugin = loader.load("transport", config.plugins.transport.name);
    if (!plugin) {
        return plugin.error();
    }
    Reception nobody;
    auto transport = transport::open_plugin_transport(**plugin, transport_options(config), nobody);
    if (!transport) {
        return transport.error();
    }
    if (Status s = ServerTls(config).check_files(**transport); !s.ok()) {
        return s;
    }
    if (const auto tokens = open_token_provider(loader, config); !tokens) {
        return tokens.error();
    }
    std::puts("configuration is valid");
    return {};
}

Status list_plugins(const config::Loaded& loaded) {
    const SystemClock clock;
    metrics::Registry metrics;
    plugin::Host host(metrics, clock);
    const plugin::Loader loader(loaded.config.plugins.dir, host);
    const auto found = loader.list();
    if (!found) {
        return found.error();
    }
    std::printf("%-10s %-12s %-10s %-5s %s\n", "KIND", "NAME", "VERSION", "ABI", "FILE");
    std::printf("%-10s %-12s %-10s %-5s %s\n", "storage", "mem", "-", "-", "(built in)");
    for (const plugin::Description& plugin : *found) {
        std::printf("%-10s %-12s %-10s %-5s %s\n", plugin.kind.c_str(), plugin.name.c_str(),
                    plugin.version.c_str(), plugin.abi.c_str(), plugin.file.c_str());
        if (!plugin.error.empty()) {
            std::printf("  can't be used: %s\n", plugin.error.c_str());
        }
    }
    return {};
}

}  // namespace quorate
