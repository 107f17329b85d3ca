// SPDX-License-Identifier: Apache-2.0
//
// etcd's simple tokens: sixteen random letters, a dot and an index of the log. They are kept in
// memory, on every member where they were installed, and are gone after a restart. Passwords are
// hashed by bcrypt. Threads as in plugin/abi/auth.h.
#pragma once

#include "plugin/cxx/auth.h"
#include "plugins/auth/simple/token_table.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::auth_simple {

class Provider {
  public:
    static constexpr const char* kName = "simple";
    static constexpr const char* kVersion = "1.0";

    static plugin::Result<std::unique_ptr<Provider>> open(const plugin::AuthArguments& arguments);

    bool replicated() const { return true; }
    plugin::Result<std::string> issue(std::string_view user, uint64_t auth_revision,
                                      uint64_t index);
    plugin::Result<plugin::TokenOwner> verify(std::string_view token);
    plugin::Status install(std::string_view token, std::string_view user);
    void forget_user(std::string_view user) { tokens_.erase_user(user); }
    void forget_all() { tokens_.clear(); }
    plugin::Result<std::string> hash_password(std::string_view password);
    plugin::Result<bool> check_password(std::string_view password, std::string_view hash);

  private:
    Provider(const plugin::AuthArguments& arguments, size_t tokens_max);

    int64_t now_ms() const { return host_.now_ms(host_.ctx); }
    void warn_of_loss();

    const quorate_host& host_;
    const int64_t ttl_ms_;
    const uint32_t bcrypt_cost_;
    TokenTable tokens_;
    int64_t warn_again_ms_ = INT64_MIN;  // apply thread
};

}  // namespace quorate::auth_simple
