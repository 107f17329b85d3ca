// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "auth/plugin_provider.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "serve_identity.h"
#include "serve_listen.h"
#include "serve_tls.h"
#include "storage/open_engine.h"
#include "transport/plugin_transport.h"

#include <cstdio>

namespace quorate {

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
    const auto tokens =
        auth::open_provider(loader, {config.auth.token_ttl_s, config.auth.bcrypt_cost},
                            {config.plugins.auth.name, config.plugins.auth.options});
    if (!tokens) {
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
