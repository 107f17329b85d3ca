// SPDX-License-Identifier: Apache-2.0
//
// A token provider without cryptography: a hash is the password with a mark, a token the user's
// name with a number. Tokens hold where they were installed, as simple tokens do, or everywhere and
// for one revision, as signed ones do.
#pragma once

#include "auth/token_provider.h"
#include "base/errors.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace quorate::auth {

class FakeTokens final : public TokenProvider {
  public:
    enum class Kind : uint8_t { kInstalled, kSigned };

    explicit FakeTokens(Kind kind = Kind::kInstalled) : kind_(kind) {}

    Result<std::string> issue(ByteView user, uint64_t auth_revision, uint64_t) override {
        const std::lock_guard lock(mutex_);
        const uint64_t number = kind_ == Kind::kSigned ? auth_revision : ++issued_;
        return std::string(user) + "." + std::to_string(number);
    }

    Result<TokenUser> verify(ByteView token) override {
        const std::lock_guard lock(mutex_);
        const size_t dot = token.rfind('.');
        if (kind_ == Kind::kSigned) {
            if (dot == ByteView::npos) {
                return errors::kInvalidAuthToken;
            }
            return TokenUser{
                std::string(token.substr(0, dot)),
                std::strtoull(std::string(token.substr(dot + 1)).c_str(), nullptr, 10)};
        }
        const auto it = installed_.find(token);
        if (it == installed_.end()) {
            return errors::kInvalidAuthToken;
        }
        return TokenUser{it->second, 0};
    }

    bool replicated() const override { return kind_ == Kind::kInstalled; }

    void install(ByteView token, ByteView user) override {
        const std::lock_guard lock(mutex_);
        installed_[std::string(token)] = std::string(user);
    }
    void forget_user(ByteView user) override {
        const std::lock_guard lock(mutex_);
        std::erase_if(installed_, [user](const auto& entry) { return entry.second == user; });
    }
    void forget_all() override {
        const std::lock_guard lock(mutex_);
        installed_.clear();
    }

    Result<std::string> hash_password(ByteView password) override {
        return "hash of " + std::string(password);
    }
    Result<bool> check_password(ByteView password, ByteView hash) override {
        return hash == "hash of " + std::string(password);
    }

  private:
    const Kind kind_;
    std::mutex mutex_;
    uint64_t issued_ = 0;
    std::map<std::string, std::string, std::less<>> installed_;
};

}  // namespace quorate::auth
