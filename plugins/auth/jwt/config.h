// SPDX-License-Identifier: Apache-2.0
//
// The options of the jwt provider, by etcd's names: sign-method, pub-key, priv-key, ttl. Start-stop
// thread.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/result.h"
#include "plugins/auth/jwt/method.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate::auth_jwt {

struct Config {
    const Method* method;          // never null
    std::string public_key_file;   // PEM; empty where not given
    std::string private_key_file;  // PEM, or a secret as it is for HS256 and its kin
    int64_t ttl_ms;                // of the tokens made here
};

// Refuses what is unknown, wrong or missing, by name.
plugin::Result<Config> read_config(const quorate_option* options, size_t count);

}  // namespace quorate::auth_jwt
