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
#include "serve_identity.h"
#include "serve_listen.h"
#include "serve_signals.h"
#include "serve_tls.h"
#include "storage/open_engine.h"
#include "transport/plugin_transport.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace quorate {
namespace {

constexpr uint32_t kDrain_ms = 500;

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
        auto tokens =
            auth::open_provider(loader_, {config_.auth.token_ttl_s, config_.auth.bcrypt_cost},
                                {config_.plugins.auth.name, config_.plugins.auth.options});
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
        auto identity = establish_identity(*fs_, paths_, config_, **plugin, tls_);
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
            started = listen_for_clients(*transport_, config_.urls, tls_, services_->http);
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

}  // namespace quorate
