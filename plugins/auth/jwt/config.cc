// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/config.h"

#include "plugin/cxx/options.h"

namespace quorate::auth_jwt {

namespace {

using plugin::Result;
using plugin::Status;

constexpr int64_t kTtlDefault_ms = 5 * 60 * 1000;  // etcd's

Status missing(const std::string& what) {
    return {QUORATE_INVALID_ARGUMENT, what};
}

}  // namespace

Result<Config> read_config(const quorate_option* options, size_t count) {
    plugin::OptionReader reader(options, count);
    const std::string name = reader.text("sign-method", "");
    Config config{find_method(name), reader.text("pub-key", ""), reader.text("priv-key", ""),
                  reader.duration_ms("ttl", kTtlDefault_ms, {.min_ms = 1000})};
    if (Status s = reader.finish(); !s.ok()) {
        return s;
    }
    if (name.empty()) {
        return missing("option sign-method is missing: needs one of " + method_names());
    }
    if (config.method == nullptr) {
        return missing("option sign-method = \"" + name + "\": needs one of " + method_names());
    }
    if (config.method->family == Family::kHmac && config.private_key_file.empty()) {
        return missing("option priv-key is missing: " + name + " needs the file of the secret");
    }
    if (config.private_key_file.empty() && config.public_key_file.empty()) {
        return missing("options priv-key and pub-key are missing: " + name +
                       " needs priv-key to make tokens, or pub-key if it is only to verify them");
    }
    return config;
}

}  // namespace quorate::auth_jwt
