// SPDX-License-Identifier: Apache-2.0
//
// The options of the jwt provider: lines of key=value, as auth-token's parts and as a section's
// keys.
#include "plugins/auth/jwt/config.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void require(bool fact) {
    if (!fact) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::vector<quorate_option> options;
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        const size_t equals = std::min(line.find('='), line.size());
        options.push_back({quorate::plugin::bytes(line.substr(0, equals)),
                           quorate::plugin::bytes(line.substr(std::min(equals + 1, line.size())))});
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    auto config = quorate::auth_jwt::read_config(options.data(), options.size());
    if (!config) {
        require(!config.error().text().empty());
        return 0;
    }
    require(config->method != nullptr);
    require(config->ttl_ms >= 1000 && config->ttl_ms <= INT64_C(3'600'000'000'000));
    require(!config->private_key_file.empty() || !config->public_key_file.empty());
    return 0;
}
