// SPDX-License-Identifier: Apache-2.0
//
// JSON Web Tokens as etcd makes them: signed claims "username", "revision" and "exp". A token holds
// on every member that has the key, and after a restart; it is not stored anywhere. With a public
// key alone the provider verifies tokens that somebody else makes. Passwords are hashed by bcrypt.
// Threads as in plugin/abi/auth.h.
//
// A token is not believed before its signature is: the configured method and key decide how it is
// checked, never the token's header, and nothing of it is parsed before.
#pragma once

#include "plugin/cxx/auth.h"
#include "plugins/auth/jwt/claims.h"
#include "plugins/auth/jwt/config.h"
#include "plugins/auth/jwt/key.h"
#include "plugins/auth/jwt/token_cache.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::auth_jwt {

// "header.claims.signature"
plugin::Result<std::string> sign_token(const Key& key, const Method& method, const Claims& claims);
// The claims of a token that this key has signed with this method, whatever the time; nothing for
// any other text.
std::optional<Claims> open_token(const Key& key, const Method& method, std::string_view token);

class Provider {
  public:
    static constexpr const char* kName = "jwt";
    static constexpr const char* kVersion = "1.0";
    static constexpr size_t kTokenBytesMax = 16 * 1024;

    static plugin::Result<std::unique_ptr<Provider>> open(const plugin::AuthArguments& arguments);

    bool replicated() const { return false; }
    plugin::Result<std::string> issue(std::string_view user, uint64_t auth_revision,
                                      uint64_t index);
    plugin::Result<plugin::TokenOwner> verify(std::string_view token);
    plugin::Status install(std::string_view token, std::string_view user);
    // Tokens can't be taken back: the core refuses those of an older auth revision.
    void forget_user(std::string_view) {}
    void forget_all() {}
    plugin::Result<std::string> hash_password(std::string_view password);
    plugin::Result<bool> check_password(std::string_view password, std::string_view hash);
    plugin::Status reload();

  private:
    // Replaced as a whole, so that what one key has vouched for is not believed under another.
    struct Keyring {
        std::unique_ptr<const Key> key;
        TokenCache verified;
    };

    Provider(const plugin::AuthArguments& arguments, Config config);

    int64_t now_ms() const { return host_.unix_ms(host_.ctx); }
    std::shared_ptr<Keyring> keyring() const;

    const quorate_host& host_;
    const Config config_;
    const uint32_t bcrypt_cost_;
    mutable std::mutex mutex_;
    std::shared_ptr<Keyring> keyring_;  // shared with calls under way while it is replaced
};

}  // namespace quorate::auth_jwt
