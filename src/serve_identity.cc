// SPDX-License-Identifier: Apache-2.0
#include "serve_identity.h"

#include "base/errors.h"
#include "node/discovery.h"
#include "node/discovery_srv.h"
#include "node/join.h"
#include "serve_listen.h"
#include "serve_signals.h"
#include "transport/plugin_transport.h"

#include <functional>
#include <utility>
#include <vector>

namespace quorate {
namespace {

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

Result<std::vector<config::InitialMember>> find_founders(const config::Config& config,
                                                         const plugin::Plugin& transport) {
    if (config.discovery.by_dns()) {
        return node::members_by_srv(config, node::name_service(config.discovery));
    }
    return ask_over<std::vector<config::InitialMember>>(
        transport, config, [&config](transport::Transport& over) {
            return node::discover_founders(over, config, end_is_asked_for);
        });
}

Result<node::Identity> join_running_cluster(const config::Config& config,
                                            const plugin::Plugin& transport, const ServerTls& tls) {
    const auto cluster = ask_over<node::RunningCluster>(
        transport, config, [&config, &tls](transport::Transport& over) {
            return node::ask_running_cluster(over, config, [&tls] { return tls.for_calls(); });
        });
    return cluster ? node::join_identity(config, *cluster)
                   : Result<node::Identity>(cluster.error());
}

Result<node::Identity> decide_identity(config::Config config, const plugin::Plugin& transport,
                                       const ServerTls& tls) {
    if (config.discovery.by_registry() || config.discovery.by_dns()) {
        auto members = find_founders(config, transport);
        if (!members) {
            return members.error();
        }
        config.cluster.initial_cluster = std::move(members).value();
    }
    return config.cluster.initial_state == config::ClusterState::kExisting
               ? join_running_cluster(config, transport, tls)
               : node::derive_identity(config);
}

}  // namespace

Result<node::Identity> establish_identity(FileSystem& fs, const node::DataPaths& paths,
                                          const config::Config& given,
                                          const plugin::Plugin& transport, const ServerTls& tls) {
    auto known = node::load_identity(fs, paths.identity_file, given);
    if (!known) {
        return known.error();
    }
    if (known->has_value()) {
        return std::move(**known);
    }
    auto identity = decide_identity(given, transport, tls);
    if (!identity) {
        return identity.error();
    }
    if (Status s = node::save_identity(fs, paths.identity_file, *identity); !s.ok()) {
        return s;
    }
    return identity;
}

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

}  // namespace quorate
