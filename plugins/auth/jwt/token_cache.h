// SPDX-License-Identifier: Apache-2.0
//
// TokenCache: tokens whose signature was found right, so that a client's next request costs a look
// here and no signature. It holds nothing that was not verified. Any thread.
//
// Two generations: new entries go to the young one, and when that is full it becomes the old one,
// whose entries are gone unless they were used meanwhile.
#pragma once

#include "plugins/auth/jwt/claims.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace quorate::auth_jwt {

class TokenCache {
  public:
    // Longer ones are not kept, so that the cache stays below 8 MiB.
    static constexpr size_t kTokenBytesMax = 2048;

    explicit TokenCache(size_t tokens_max = 4096) : generation_max_(tokens_max / 2) {}

    std::optional<Claims> find(std::string_view token);
    void insert(std::string_view token, const Claims& claims);

    size_t size() const;

  private:
    struct Hash {
        using is_transparent = void;
        size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Generation = std::unordered_map<std::string, Claims, Hash, std::equal_to<>>;

    const size_t generation_max_;
    mutable std::shared_mutex mutex_;
    Generation young_;
    Generation old_;
};

}  // namespace quorate::auth_jwt
