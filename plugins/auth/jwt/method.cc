// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/method.h"

#include <algorithm>
#include <array>

namespace quorate::auth_jwt {

namespace {

constexpr std::array kMethods = {
    Method{"RS256", Family::kRsa, "SHA256", nullptr, 0},
    Method{"RS384", Family::kRsa, "SHA384", nullptr, 0},
    Method{"RS512", Family::kRsa, "SHA512", nullptr, 0},
    Method{"PS256", Family::kRsaPss, "SHA256", nullptr, 0},
    Method{"PS384", Family::kRsaPss, "SHA384", nullptr, 0},
    Method{"PS512", Family::kRsaPss, "SHA512", nullptr, 0},
    Method{"ES256", Family::kEcdsa, "SHA256", "prime256v1", 32},
    Method{"ES384", Family::kEcdsa, "SHA384", "secp384r1", 48},
    Method{"ES512", Family::kEcdsa, "SHA512", "secp521r1", 66},
    Method{"HS256", Family::kHmac, "SHA256", nullptr, 0},
    Method{"HS384", Family::kHmac, "SHA384", nullptr, 0},
    Method{"HS512", Family::kHmac, "SHA512", nullptr, 0},
    Method{"EdDSA", Family::kEdDsa, nullptr, nullptr, 0},
};

}  // namespace

const Method* find_method(std::string_view name) {
    const auto* method = std::find_if(kMethods.begin(), kMethods.end(),
                                      [&](const Method& m) { return m.name == name; });
    return method == kMethods.end() ? nullptr : method;
}

std::string method_names() {
    std::string names;
    for (const Method& method : kMethods) {
        names += (names.empty() ? "" : ", ") + std::string(method.name);
    }
    return names;
}

}  // namespace quorate::auth_jwt
