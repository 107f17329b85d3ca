// SPDX-License-Identifier: Apache-2.0
#include "auth/plugin_provider.h"

#include "base/errors.h"
#include "base/log.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate::auth {

namespace {

using plugin::empty_error;
using plugin::Plugin;
using plugin::to_abi;

quorate_sink sink_into(std::string& text) {
    return {&text, [](void* ctx, const char* data, size_t size) noexcept {
                static_cast<std::string*>(ctx)->append(data, size);
            }};
}

// The provider's own words: they go to a client, who knows no plugins.
Status refusal(quorate_code code, const quorate_error& error) {
    std::string text(error.text, std::find(error.text, error.text + sizeof error.text, '\0'));
    if (text.empty()) {
        text = "auth: token provider failed with code " + std::to_string(code);
    }
    return {errors::kUnknown, std::move(text)};
}

}  // namespace

PluginProvider::PluginProvider(const Plugin& plugin, const quorate_auth_interface& calls,
                               const quorate_auth_reload_interface& reload_calls,
                               quorate_auth* self)
    : plugin_(plugin),
      calls_(calls),
      reload_calls_(reload_calls),
      self_(self),
      replicated_(calls.replicated(self) != 0) {}

PluginProvider::~PluginProvider() {
    calls_.destroy(self_);
}

Result<std::string> PluginProvider::issue(ByteView user, uint64_t auth_revision, uint64_t index) {
    std::string token;
    quorate_error error = empty_error();
    const quorate_code code =
        calls_.issue(self_, to_abi(user), auth_revision, index, sink_into(token), &error);
    if (code != QUORATE_OK) {
        return refusal(code, error);
    }
    return token;
}

Result<TokenUser> PluginProvider::verify(ByteView token) {
    TokenUser owner;
    quorate_error error = empty_error();
    const quorate_code code =
        calls_.verify(self_, to_abi(token), sink_into(owner.user), &owner.auth_revision, &error);
    if (code == QUORATE_OK) {
        return owner;
    }
    if (code == QUORATE_UNAUTHENTICATED) {
        return errors::kInvalidAuthToken;
    }
    return refusal(code, error);
}

void PluginProvider::install(ByteView token, ByteView user) {
    quorate_error error = empty_error();
    const quorate_code code = calls_.install(self_, to_abi(token), to_abi(user), &error);
    if (code != QUORATE_OK) {
        log::warn("token can't be used on this member",
                  {{"user-name", user}, log::Field(plugin_.failure(code, error))});
    }
}

void PluginProvider::forget_user(ByteView user) {
    calls_.forget_user(self_, to_abi(user));
}

void PluginProvider::forget_all() {
    calls_.forget_all(self_);
}

Result<std::string> PluginProvider::hash_password(ByteView password) {
    std::string hash;
    quorate_error error = empty_error();
    const quorate_code code =
        calls_.hash_password(self_, to_abi(password), sink_into(hash), &error);
    if (code != QUORATE_OK) {
        return refusal(code, error);
    }
    if (hash.empty()) {
        return Status(errors::kUnknown, "auth: token provider made an empty hash");
    }
    return hash;
}

Result<bool> PluginProvider::check_password(ByteView password, ByteView hash) {
    int32_t matches = 0;
    quorate_error error = empty_error();
    const quorate_code code =
        calls_.check_password(self_, to_abi(password), to_abi(hash), &matches, &error);
    if (code != QUORATE_OK) {
        return refusal(code, error);
    }
    return matches == 1;
}

Status PluginProvider::reload() {
    if (reload_calls_.reload == nullptr) {
        return {};
    }
    quorate_error error = empty_error();
    const quorate_code code = reload_calls_.reload(self_, &error);
    return code == QUORATE_OK ? Status() : plugin_.failure(code, error);
}

Result<std::unique_ptr<PluginProvider>> open_plugin_provider(const Plugin& plugin,
                                                             const ProviderSettings& settings,
                                                             const plugin::Options& options) {
    const auto calls = plugin.table<quorate_auth_interface>(QUORATE_AUTH_INTERFACE);
    if (!calls) {
        return calls.error();
    }
    const auto reload_calls =
        plugin.table<quorate_auth_reload_interface>(QUORATE_AUTH_RELOAD_INTERFACE);
    if (!reload_calls && !reload_calls.error().is(errors::kUnimplemented)) {
        return reload_calls.error();
    }
    const quorate_auth_settings shared = {sizeof shared, settings.token_ttl_s,
                                          settings.bcrypt_cost};
    const std::vector<quorate_option> list = plugin::abi_options(options);
    quorate_error error = empty_error();
    quorate_auth* self = nullptr;
    const quorate_code code = calls->create(&shared, list.data(), list.size(), &self, &error);
    if (code != QUORATE_OK) {
        return plugin.failure(code, error);
    }
    return std::unique_ptr<PluginProvider>(new PluginProvider(
        plugin, *calls, reload_calls ? *reload_calls : quorate_auth_reload_interface{}, self));
}

Result<std::unique_ptr<PluginProvider>> open_provider(plugin::Loader& loader,
                                                      const ProviderSettings& settings,
                                                      const ProviderChoice& choice) {
    const auto loaded = loader.load("auth", choice.name);
    if (!loaded) {
        return loaded.error();
    }
    return open_plugin_provider(**loaded, settings, choice.options);
}

}  // namespace quorate::auth
