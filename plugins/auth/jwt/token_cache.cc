// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/token_cache.h"

#include <mutex>
#include <utility>

namespace quorate::auth_jwt {

std::optional<Claims> TokenCache::find(std::string_view token) {
    std::optional<Claims> aged;
    {
        const std::shared_lock lock(mutex_);
        if (const auto known = young_.find(token); known != young_.end()) {
            return known->second;
        }
        if (const auto known = old_.find(token); known != old_.end()) {
            aged = known->second;
        }
    }
    if (aged) {
        insert(token, *aged);
    }
    return aged;
}

void TokenCache::insert(std::string_view token, const Claims& claims) {
    if (token.size() > kTokenBytesMax) {
        return;
    }
    const std::unique_lock lock(mutex_);
    if (young_.size() >= generation_max_) {
        old_ = std::exchange(young_, {});
    }
    young_.insert_or_assign(std::string(token), claims);
}

size_t TokenCache::size() const {
    const std::shared_lock lock(mutex_);
    return young_.size() + old_.size();
}

}  // namespace quorate::auth_jwt
