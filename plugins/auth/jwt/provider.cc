// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/provider.h"

#include "plugin/cxx/bcrypt.h"
#include "plugins/auth/jwt/base64url.h"

#include <utility>

namespace quorate::auth_jwt {

namespace {

using plugin::Result;
using plugin::Status;
using plugin::TokenOwner;

}  // namespace

Result<std::string> sign_token(const Key& key, const Method& method, const Claims& claims) {
    std::string token =
        to_base64url(write_header(method.name)) + '.' + to_base64url(write_claims(claims));
    Result<std::string> signature = key.sign(token);
    return signature ? token + '.' + to_base64url(*signature) : signature;
}

std::optional<Claims> open_token(const Key& key, const Method& method, std::string_view token) {
    const size_t first = token.find('.');
    const size_t last = token.rfind('.');
    if (first == std::string_view::npos || first == last) {
        return std::nullopt;
    }
    const std::optional<std::string> signature = from_base64url(token.substr(last + 1));
    if (!signature || !key.verify(token.substr(0, last), *signature)) {
        return std::nullopt;
    }
    const std::optional<std::string> header = from_base64url(token.substr(0, first));
    const std::optional<std::string> claims =
        from_base64url(token.substr(first + 1, last - first - 1));
    if (!header || !claims || !is_header_for(*header, method.name)) {
        return std::nullopt;
    }
    return read_claims(*claims);
}

Result<std::unique_ptr<Provider>> Provider::open(const plugin::AuthArguments& arguments) {
    Result<Config> config = read_config(arguments.options, arguments.option_count);
    if (!config) {
        return config.error();
    }
    std::unique_ptr<Provider> provider(new Provider(arguments, std::move(*config)));
    if (Status s = provider->reload(); !s.ok()) {
        return s;
    }
    return provider;
}

Provider::Provider(const plugin::AuthArguments& arguments, Config config)
    : host_(arguments.host),
      config_(std::move(config)),
      bcrypt_cost_(arguments.settings.bcrypt_cost) {}

Result<std::string> Provider::issue(std::string_view user, uint64_t auth_revision, uint64_t) {
    const std::shared_ptr<Keyring> ring = keyring();
    if (!ring->key->can_sign()) {
        return Status(QUORATE_FAILED_PRECONDITION,
                      "auth: token signing attempted with verify-only key");
    }
    Claims claims;
    claims.user = user;
    claims.auth_revision = auth_revision;
    claims.expires_ms = now_ms() + config_.ttl_ms;
    return sign_token(*ring->key, *config_.method, claims);
}

Result<TokenOwner> Provider::verify(std::string_view token) {
    const Status refusal(QUORATE_UNAUTHENTICATED, "");
    if (token.size() > kTokenBytesMax) {
        return refusal;
    }
    const std::shared_ptr<Keyring> ring = keyring();
    std::optional<Claims> claims = ring->verified.find(token);
    if (!claims) {
        claims = open_token(*ring->key, *config_.method, token);
        if (!claims) {
            return refusal;
        }
        ring->verified.insert(token, *claims);
    }
    const int64_t now = now_ms();
    if (now >= claims->expires_ms || now < claims->not_before_ms) {
        return refusal;
    }
    return TokenOwner{std::move(claims->user), claims->auth_revision};
}

Status Provider::install(std::string_view, std::string_view) {
    return {QUORATE_INVALID_ARGUMENT,
            "signed tokens are not installed; do all members use the same auth-token?"};
}

Result<std::string> Provider::hash_password(std::string_view password) {
    return plugin::bcrypt_hash(password, bcrypt_cost_);
}

Result<bool> Provider::check_password(std::string_view password, std::string_view hash) {
    return plugin::bcrypt_check(password, hash);
}

Status Provider::reload() {
    Result<std::unique_ptr<const Key>> key = Key::load(config_);
    if (!key) {
        return key.error();
    }
    if (!(*key)->weakness().empty()) {
        const quorate_log_field field = {plugin::bytes("key"), plugin::bytes((*key)->weakness())};
        host_.log(host_.ctx, QUORATE_LOG_WARN, plugin::bytes("key for tokens is weak"), &field, 1);
    }
    auto ring = std::make_shared<Keyring>();
    ring->key = std::move(*key);
    const std::lock_guard lock(mutex_);
    keyring_ = std::move(ring);
    return {};
}

std::shared_ptr<Provider::Keyring> Provider::keyring() const {
    const std::lock_guard lock(mutex_);
    return keyring_;
}

}  // namespace quorate::auth_jwt
