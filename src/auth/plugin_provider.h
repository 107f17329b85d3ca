// SPDX-License-Identifier: Apache-2.0
//
// A token provider that is a plugin, as a TokenProvider.
#pragma once

#include "auth/token_provider.h"
#include "base/status.h"
#include "plugin/abi/auth.h"
#include "plugin/loader.h"
#include "plugin/plugin.h"

#include <cstdint>
#include <memory>
#include <string>

namespace quorate::auth {

// The server's own options that concern a provider.
struct ProviderSettings {
    uint32_t token_ttl_s = 300;
    uint32_t bcrypt_cost = 10;
};

struct ProviderChoice {
    std::string name;
    plugin::Options options;
};

// Threads as in token_provider.h.
class PluginProvider final : public TokenProvider {
  public:
    ~PluginProvider() override;
    PluginProvider(const PluginProvider&) = delete;
    PluginProvider& operator=(const PluginProvider&) = delete;

    Result<std::string> issue(ByteView user, uint64_t auth_revision, uint64_t index) override;
    Result<TokenUser> verify(ByteView token) override;
    bool replicated() const override { return replicated_; }
    void install(ByteView token, ByteView user) override;
    void forget_user(ByteView user) override;
    void forget_all() override;
    Result<std::string> hash_password(ByteView password) override;
    Result<bool> check_password(ByteView password, ByteView hash) override;

    // Reads the provider's files again, such as keys; after a failure everything is as it was.
    // Nothing to do for a plugin that has no files. One thread at a time, while calls go on.
    Status reload();

  private:
    friend Result<std::unique_ptr<PluginProvider>> open_plugin_provider(
        const plugin::Plugin& plugin, const ProviderSettings& settings,
        const plugin::Options& options);

    PluginProvider(const plugin::Plugin& plugin, const quorate_auth_interface& calls,
                   const quorate_auth_reload_interface& reload_calls, quorate_auth* self);

    const plugin::Plugin& plugin_;
    const quorate_auth_interface calls_;
    const quorate_auth_reload_interface reload_calls_;  // empty where the plugin offers none
    quorate_auth* const self_;
    const bool replicated_;
};

// `plugin` outlives the provider. The plugin's refusals, such as an unknown option or a key file
// that can't be read, are errors::kPlugin.
Result<std::unique_ptr<PluginProvider>> open_plugin_provider(const plugin::Plugin& plugin,
                                                             const ProviderSettings& settings,
                                                             const plugin::Options& options);

// Loads the plugin of this name and opens it. `loader` outlives the provider.
Result<std::unique_ptr<PluginProvider>> open_provider(plugin::Loader& loader,
                                                      const ProviderSettings& settings,
                                                      const ProviderChoice& choice);

}  // namespace quorate::auth
