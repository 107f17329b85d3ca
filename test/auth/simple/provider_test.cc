// SPDX-License-Identifier: Apache-2.0
//
// What is the simple provider's own, beyond what the conformance suite asks of all: the form of its
// tokens, their life, and their bound.
#include "plugins/auth/simple/provider.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace quorate::auth_simple {

namespace {

class SimpleProvider : public ::testing::Test {
  protected:
    SimpleProvider() {
        host_.size = sizeof host_;
        host_.ctx = this;
        host_.log = [](void* ctx, int32_t level, quorate_bytes message,
                       const quorate_log_field* fields, size_t field_count) noexcept {
            std::string line = std::to_string(level) + ' ' + std::string(plugin::view(message));
            for (size_t i = 0; i < field_count; ++i) {
                line += ' ' + std::string(plugin::view(fields[i].value));
            }
            static_cast<SimpleProvider*>(ctx)->log_.push_back(line);
        };
        host_.now_ms = [](void* ctx) noexcept {
            return static_cast<SimpleProvider*>(ctx)->now_ms_;
        };
    }

    plugin::Result<std::unique_ptr<Provider>> try_open(const std::string& tokens_max) const {
        const quorate_option option = {plugin::bytes("tokens_max"), plugin::bytes(tokens_max)};
        return Provider::open({settings_, &option, tokens_max.empty() ? 0U : 1U, host_});
    }
    std::unique_ptr<Provider> open(const std::string& tokens_max = "") const {
        auto provider = try_open(tokens_max);
        EXPECT_TRUE(provider) << provider.error().text();
        return provider ? std::move(*provider) : nullptr;
    }
    static std::string log_in(Provider& provider, std::string_view user) {
        auto token = provider.issue(user, 1, 7);
        EXPECT_TRUE(token && provider.install(*token, user).ok());
        return *token;
    }

    quorate_auth_settings settings_{sizeof settings_, 60, 4};
    quorate_host host_{};
    int64_t now_ms_ = 5000;
    std::vector<std::string> log_;
};

TEST_F(SimpleProvider, WritesTokensAsEtcdDoes) {
    const auto provider = open();
    std::set<std::string> seen;
    std::set<char> letters;
    for (int i = 0; i < 200; ++i) {
        auto token = provider->issue("alice", 3, 18'446'744'073'709'551'615U);
        ASSERT_TRUE(token);
        ASSERT_EQ(token->size(), 37U) << *token;
        EXPECT_EQ(token->substr(16), ".18446744073709551615");
        for (const char letter : token->substr(0, 16)) {
            EXPECT_TRUE((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'));
            letters.insert(letter);
        }
        EXPECT_TRUE(seen.insert(*token).second);
        EXPECT_TRUE(provider->install(*token, "alice").ok());
    }
    EXPECT_EQ(letters.size(), 52U);
}

TEST_F(SimpleProvider, TokensLiveForTheSetTimeWhileTheyAreUsed) {
    const auto provider = open();
    const std::string token = log_in(*provider, "alice");
    for (int i = 0; i < 5; ++i) {
        now_ms_ += 59'999;
        auto owner = provider->verify(token);
        ASSERT_TRUE(owner);
        EXPECT_EQ(owner->user, "alice");
        EXPECT_EQ(owner->auth_revision, 0U);
    }
    now_ms_ += 60'000;
    EXPECT_EQ(provider->verify(token).error().code(), QUORATE_UNAUTHENTICATED);
}

TEST_F(SimpleProvider, DropsTheOldestAndSaysSoOnce) {
    const auto provider = open("3");
    std::vector<std::string> tokens;
    for (int i = 0; i < 10; ++i) {
        tokens.push_back(log_in(*provider, "alice"));
    }
    for (size_t i = 0; i < tokens.size(); ++i) {
        EXPECT_EQ(provider->verify(tokens[i]).has_value(), i >= 7) << i;
    }
    const std::vector<std::string> said = {
        "1 too many simple tokens; the oldest are dropped, raise tokens_max or let clients keep "
        "their token 3"};
    EXPECT_EQ(log_, said);
    now_ms_ += 59'999;
    log_in(*provider, "alice");
    EXPECT_EQ(log_, said);
}

TEST_F(SimpleProvider, RefusesWhatIsNoSimpleToken) {
    const auto provider = open();
    EXPECT_EQ(provider->install(std::string(38, 'x'), "alice").text(),
              "not a simple token: 38 bytes; do all members use the same auth-token?");
    EXPECT_FALSE(provider->install("", "alice").ok());
    EXPECT_FALSE(provider->verify(std::string(38, 'x')));
}

TEST_F(SimpleProvider, BoundsItsBound) {
    for (const std::string tokens_max : {"0", "10000001", "-1", "many", " 5"}) {
        auto provider = try_open(tokens_max);
        ASSERT_FALSE(provider) << tokens_max;
        EXPECT_EQ(provider.error().text(),
                  "option tokens_max = \"" + tokens_max + "\": needs a number from 1 to 10000000");
    }
}

}  // namespace

}  // namespace quorate::auth_simple
