// SPDX-License-Identifier: Apache-2.0
//
// What every token provider keeps to, as a plugin that the server's own loader has loaded. For the
// providers here and for an author's own: --help tells how.
#include "auth/plugin_provider.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "plugin/host.h"
#include "plugin/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quorate::auth {

namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kYear_ns = 365 * 24 * 3600 * kSecond_ns;
constexpr uint32_t kTokenTtl_s = 300;

struct UnderTest {
    std::string file;  // <dir>/auth_<name>.so
    plugin::Options options;
};
UnderTest& under_test() {
    static UnderTest one;
    return one;
}

// Stands still until it is moved.
class ManualClock final : public Clock {
  public:
    int64_t monotonic_ns() const override { return elapsed_ns_; }
    int64_t unix_ns() const override { return 1'800'000'000 * kSecond_ns + elapsed_ns_; }
    void advance(int64_t by_ns) { elapsed_ns_ += by_ns; }

  private:
    std::atomic<int64_t> elapsed_ns_ = kSecond_ns;
};

class Conformance : public ::testing::Test {
  protected:
    Conformance() : host_(registry_, clock_), loader_(folder(), host_) {
        auto provider = open(under_test().options);
        EXPECT_TRUE(provider) << provider.error().message();
        provider_ = provider ? std::move(provider).value() : nullptr;
    }
    void SetUp() override { ASSERT_NE(provider_, nullptr); }

    Result<std::unique_ptr<PluginProvider>> open(const plugin::Options& options) {
        const std::string stem = std::filesystem::path(under_test().file).stem();
        return open_provider(loader_, {kTokenTtl_s, 4}, {stem.substr(stem.find('_') + 1), options});
    }

    // A token that holds on this member, or "" where the provider makes none.
    std::string log_in(const std::string& user, uint64_t auth_revision = 1) {
        const auto token = provider_->issue(user, auth_revision, ++index_);
        if (!token) {
            return "";
        }
        if (provider_->replicated()) {
            provider_->install(*token, user);
        }
        return *token;
    }
    bool makes_tokens() { return !log_in("somebody").empty(); }

    // The user, or "refused".
    std::string user_of(const std::string& token) {
        const auto owner = provider_->verify(token);
        if (!owner) {
            EXPECT_TRUE(owner.error().is(errors::kInvalidAuthToken)) << owner.error().message();
            return "refused";
        }
        return owner->user;
    }

    ManualClock clock_;
    metrics::Registry registry_;
    plugin::Host host_;
    plugin::Loader loader_;
    std::unique_ptr<PluginProvider> provider_;
    uint64_t index_ = 0;

  private:
    static std::string folder() {
        return std::filesystem::absolute(under_test().file).parent_path().string();
    }
};

#define SKIP_IF_IT_ONLY_VERIFIES()                                    \
    if (!makes_tokens()) {                                            \
        GTEST_SKIP() << "the provider only verifies, as set up here"; \
    }

TEST_F(Conformance, KnowsWhatItIssued) {
    SKIP_IF_IT_ONLY_VERIFIES();
    for (const std::string user : {"alice", "root", "\xc3\xa4\xe2\x82\xac <&\"\\/>", "a.b,c=d e"}) {
        const std::string token = log_in(user, 17);
        const auto owner = provider_->verify(token);
        ASSERT_TRUE(owner) << user;
        EXPECT_EQ(owner->user, user);
        EXPECT_TRUE(owner->auth_revision == 17 || owner->auth_revision == 0);
        EXPECT_EQ(token.find_first_not_of(
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="),
                  std::string::npos)
            << "a token travels in a header";
    }
    const std::string long_user(1000, 'u');
    EXPECT_EQ(user_of(log_in(long_user)), long_user);
}

TEST_F(Conformance, ReplicatedTokensHoldOnceInstalled) {
    SKIP_IF_IT_ONLY_VERIFIES();
    const auto token = provider_->issue("alice", 1, 7);
    ASSERT_TRUE(token);
    EXPECT_EQ(user_of(*token), provider_->replicated() ? "refused" : "alice");
    if (provider_->replicated()) {
        provider_->install(*token, "alice");
        EXPECT_EQ(user_of(*token), "alice");
        const auto other = provider_->issue("alice", 1, 7);
        ASSERT_TRUE(other);
        EXPECT_NE(*other, *token) << "whoever guesses one is in";
    }
}

TEST_F(Conformance, RefusesWhatItDidNotIssue) {
    const std::string token = log_in("alice");
    for (const std::string& text :
         {std::string(), std::string("."), std::string(".."), std::string("alice"),
          std::string("root"), std::string("abcdefghijklmnop.1"), std::string(1, '\0'),
          std::string("eyJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6InJvb3QiLCJyZXZpc2lvbiI6MX0."),
          std::string(1 << 20, 'A'), std::string(1 << 20, '.'), std::string(1000, '\xff')}) {
        EXPECT_EQ(user_of(text), "refused");
    }
    for (size_t i = 0; i < token.size(); ++i) {
        std::string changed = token;
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        EXPECT_EQ(user_of(changed), "refused") << i;
        EXPECT_EQ(user_of(token.substr(0, i)), "refused") << i;
    }
    EXPECT_EQ(user_of(token + 'x'), "refused");
    EXPECT_EQ(user_of(token), token.empty() ? "refused" : "alice");
}

TEST_F(Conformance, TokensEnd) {
    SKIP_IF_IT_ONLY_VERIFIES();
    const std::string token = log_in("alice");
    clock_.advance(10 * kSecond_ns);
    EXPECT_EQ(user_of(token), "alice");
    clock_.advance(kYear_ns);
    EXPECT_EQ(user_of(token), "refused");
    EXPECT_EQ(user_of(log_in("alice")), "alice");
}

TEST_F(Conformance, ForgetsUsers) {
    SKIP_IF_IT_ONLY_VERIFIES();
    const std::string first = log_in("alice");
    const std::string second = log_in("alice");
    const std::string other = log_in("bob");
    provider_->forget_user("alice");
    provider_->forget_user("nobody");
    // Others prove themselves, and the core refuses them by their revision.
    const std::string gone = provider_->replicated() ? "refused" : "alice";
    EXPECT_EQ(user_of(first), gone);
    EXPECT_EQ(user_of(second), gone);
    EXPECT_EQ(user_of(other), "bob");
    EXPECT_EQ(user_of(log_in("alice")), "alice");
    provider_->forget_all();
    EXPECT_EQ(user_of(other), provider_->replicated() ? "refused" : "bob");
    EXPECT_EQ(user_of(log_in("bob")), "bob");
}

TEST_F(Conformance, TokensThatProveThemselvesCarryTheRevision) {
    SKIP_IF_IT_ONLY_VERIFIES();
    if (provider_->replicated()) {
        GTEST_SKIP() << "these are forgotten instead";
    }
    for (const uint64_t revision : {uint64_t{1}, uint64_t{77}, uint64_t{1} << 40}) {
        const auto owner = provider_->verify(log_in("alice", revision));
        ASSERT_TRUE(owner);
        EXPECT_EQ(owner->auth_revision, revision);
    }
}

TEST_F(Conformance, HashesPasswords) {
    std::set<std::string> hashes;
    for (const std::string password : {"", "secret", "Secret", "\xc3\xa4\xe2\x82\xac", "a b\tc"}) {
        for (int round = 0; round < 2; ++round) {
            const auto hash = provider_->hash_password(password);
            ASSERT_TRUE(hash) << hash.error().message();
            EXPECT_FALSE(hash->empty());
            EXPECT_TRUE(hashes.insert(*hash).second) << "the same hash twice: no salt";
            const auto right = provider_->check_password(password, *hash);
            ASSERT_TRUE(right);
            EXPECT_TRUE(*right);
            for (const std::string& other :
                 {password + "x", std::string("other"), password + " "}) {
                const auto wrong = provider_->check_password(other, *hash);
                ASSERT_TRUE(wrong);
                EXPECT_FALSE(*wrong) << other;
            }
            if (password.size() > 2) {
                EXPECT_EQ(hash->find(password), std::string::npos) << "the password itself";
            }
        }
    }
}

TEST_F(Conformance, PasswordsAreNotCutSilently) {
    for (const std::string& password :
         {std::string("a\0b", 3), std::string(73, 'x'), std::string(100'000, 'x')}) {
        const auto hash = provider_->hash_password(password);
        if (!hash) {
            EXPECT_FALSE(hash.error().message().empty());  // refused with a reason
            continue;
        }
        EXPECT_TRUE(*provider_->check_password(password, *hash));
        EXPECT_FALSE(*provider_->check_password(password.substr(0, password.size() - 1), *hash));
        EXPECT_FALSE(*provider_->check_password(password.substr(0, 1), *hash));
    }
    const auto hash = provider_->hash_password("a");
    ASSERT_TRUE(hash);
    EXPECT_FALSE(*provider_->check_password(std::string("a\0b", 3), *hash));
}

TEST_F(Conformance, UnknownHashesFitNoPassword) {
    for (const std::string& hash :
         {std::string(), std::string("secret"), std::string("$9$unknown"), std::string(60, '$'),
          std::string("$2a$10$short"), std::string(1 << 20, 'x'), std::string(3, '\0')}) {
        const auto matches = provider_->check_password("secret", hash);
        ASSERT_TRUE(matches) << matches.error().message();
        EXPECT_FALSE(*matches);
    }
}

TEST_F(Conformance, RefusesUnknownOptionsByName) {
    plugin::Options options = under_test().options;
    options.emplace_back("no-such-option", "1");
    const auto provider = open(options);
    ASSERT_FALSE(provider);
    EXPECT_TRUE(provider.error().is(errors::kPlugin));
    EXPECT_NE(provider.error().message().find("no-such-option"), std::string::npos)
        << provider.error().message();
}

TEST_F(Conformance, TwoDoNotKnowEachOther) {
    auto other = open(under_test().options);
    ASSERT_TRUE(other);
    if (provider_->replicated()) {
        const std::string token = log_in("alice");
        EXPECT_FALSE((*other)->verify(token));
        (*other)->forget_all();
        EXPECT_EQ(user_of(token), "alice");
    }
}

TEST_F(Conformance, ReloadKeepsTokens) {
    const std::string token = log_in("alice");
    ASSERT_TRUE(provider_->reload().ok());
    EXPECT_EQ(user_of(token), token.empty() ? "refused" : "alice");
}

// For a run under the thread sanitizer, above all.
TEST_F(Conformance, ServesManyThreads) {
    SKIP_IF_IT_ONLY_VERIFIES();
    const std::string token = log_in("alice");
    std::atomic<int> wrong = 0;
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 50 || !stop; ++round) {
                const auto owner = provider_->verify(token);
                wrong += owner && owner->user == "alice" ? 0 : 1;
                wrong += provider_->verify("abcdefghijklmnop.9") ? 1 : 0;
                wrong += provider_->issue("bob", 1, 9) ? 0 : 1;
            }
            const auto hash = provider_->hash_password("secret");
            wrong += hash && *provider_->check_password("secret", *hash) ? 0 : 1;
        });
    }
    for (int i = 0; i < 200; ++i) {
        log_in("carol");
        provider_->forget_user("carol");
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, 0);
}

constexpr const char* kHelp =
    R"(Usage: auth_conformance --plugin PATH [--option KEY=VALUE]... [--gtest_...]

Runs the conformance tests of token providers: tokens that are known, forged, expired and forgotten,
passwords, options, many threads. A provider that passes keeps the contract of plugin/abi/auth.h as
far as tests can tell.

  --plugin PATH         the provider: a plugin named auth_<name>.so
  --option KEY=VALUE    an option for it, as in its section of quorate.conf
  --gtest_filter=GLOB   only some tests; --gtest_list_tests lists them

  auth_conformance --plugin ./auth_jwt.so --option sign-method=HS256 --option priv-key=./secret
)";

// 0 to go on, or the exit code.
int read_command_line(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument.starts_with("--gtest")) {
            continue;
        }
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        const size_t equals = value.find('=');
        if (argument == "--plugin" && !value.empty()) {
            under_test().file = value;
        } else if (argument == "--option" && equals != 0 && equals != std::string::npos) {
            under_test().options.emplace_back(value.substr(0, equals), value.substr(equals + 1));
        } else {
            std::cerr << argument << ": unknown, or without its value; see --help\n";
            return 2;
        }
        ++i;
    }
    if (under_test().file.empty()) {
        std::cerr << "name a provider with --plugin; see --help\n";
        return 2;
    }
    return 0;
}

}  // namespace

}  // namespace quorate::auth

int main(int argc, char** argv) {
    if (argc > 1 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
        std::cout << quorate::auth::kHelp;
        return 0;
    }
    if (const int code = quorate::auth::read_command_line(argc, argv); code != 0) {
        return code;
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
