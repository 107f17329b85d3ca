// SPDX-License-Identifier: Apache-2.0
//
// Key: what a signature is made and checked with. Immutable once loaded, any thread.
#pragma once

#include "plugin/cxx/free_by.h"
#include "plugin/cxx/result.h"
#include "plugins/auth/jwt/config.h"
#include "plugins/auth/jwt/method.h"

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace quorate::auth_jwt {

class Key {
  public:
    // Smaller keys of these kinds are refused, or used with a warning.
    static constexpr int kRsaBitsMin = 1024;   // Go's limit
    static constexpr int kRsaBitsGood = 2048;  // RFC 7518

    // Reads the files that the configuration names. A failure names option and file and what is
    // wrong: not there, no key, another kind of key or curve, a public key of another pair.
    static plugin::Result<std::unique_ptr<const Key>> load(const Config& config);

    bool can_sign() const { return can_sign_; }
    // Empty, or what is weak about the key.
    const std::string& weakness() const { return weakness_; }

    // The raw signature. Only where can_sign().
    plugin::Result<std::string> sign(std::string_view input) const;
    bool verify(std::string_view input, std::string_view signature) const;

  private:
    using Pkey = std::unique_ptr<EVP_PKEY, plugin::FreeBy<EVP_PKEY_free>>;

    Key(const Method& method, Pkey pkey, bool can_sign);

    static plugin::Result<std::unique_ptr<const Key>> load_secret(const Config& config);
    plugin::Status check(const std::string& source);

    const Method& method_;
    const Pkey pkey_;
    const bool can_sign_;
    std::string weakness_;
};

}  // namespace quorate::auth_jwt
