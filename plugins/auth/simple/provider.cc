// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/simple/provider.h"

#include "plugin/cxx/bcrypt.h"
#include "plugin/cxx/options.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace quorate::auth_simple {

namespace {

using plugin::Result;
using plugin::Status;
using plugin::TokenOwner;

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr size_t kTokenLetters = 16;
constexpr uint64_t kTokensDefault = 50'000;  // some 15 MB
constexpr size_t kTokenBytesMax = kTokenLetters + 1 + 20;

// Letters, each as likely as any other.
Result<std::string> random_letters(size_t count) {
    constexpr auto kFair = static_cast<unsigned char>(256 - 256 % kLetters.size());
    std::string letters;
    while (letters.size() < count) {
        std::array<unsigned char, 32> raw{};
        if (::getrandom(raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size())) {
            return Status(QUORATE_INTERNAL, "auth: no random numbers for a token: " +
                                                std::generic_category().message(errno));
        }
        for (const unsigned char byte : raw) {
            if (byte < kFair && letters.size() < count) {
                letters += kLetters[byte % kLetters.size()];
            }
        }
    }
    return letters;
}

}  // namespace

Result<std::unique_ptr<Provider>> Provider::open(const plugin::AuthArguments& arguments) {
    plugin::OptionReader options(arguments.options, arguments.option_count);
    const uint64_t tokens_max =
        options.number("tokens_max", kTokensDefault, {.min = 1, .max = 10'000'000});
    if (Status s = options.finish(); !s.ok()) {
        return s;
    }
    return std::unique_ptr<Provider>(new Provider(arguments, tokens_max));
}

Provider::Provider(const plugin::AuthArguments& arguments, size_t tokens_max)
    : host_(arguments.host),
      ttl_ms_(int64_t{arguments.settings.token_ttl_s} * 1000),
      bcrypt_cost_(arguments.settings.bcrypt_cost),
      tokens_({ttl_ms_, tokens_max}) {}

Result<std::string> Provider::issue(std::string_view, uint64_t, uint64_t index) {
    Result<std::string> letters = random_letters(kTokenLetters);
    return letters ? *letters + '.' + std::to_string(index) : letters;
}

Result<TokenOwner> Provider::verify(std::string_view token) {
    std::optional<std::string> user = tokens_.use(token, now_ms());
    if (!user) {
        return Status(QUORATE_UNAUTHENTICATED, "");
    }
    return TokenOwner{std::move(*user), 0};
}

Status Provider::install(std::string_view token, std::string_view user) {
    if (token.empty() || token.size() > kTokenBytesMax) {
        return {QUORATE_INVALID_ARGUMENT, "not a simple token: " + std::to_string(token.size()) +
                                              " bytes; do all members use the same auth-token?"};
    }
    if (!tokens_.insert(token, user, now_ms())) {
        warn_of_loss();
    }
    return {};
}

Result<std::string> Provider::hash_password(std::string_view password) {
    return plugin::bcrypt_hash(password, bcrypt_cost_);
}

Result<bool> Provider::check_password(std::string_view password, std::string_view hash) {
    return plugin::bcrypt_check(password, hash);
}

// Once in a TTL, however many go.
void Provider::warn_of_loss() {
    const int64_t now = now_ms();
    if (now < warn_again_ms_) {
        return;
    }
    warn_again_ms_ = now + ttl_ms_;
    const std::string count = std::to_string(tokens_.size());
    const quorate_log_field field = {plugin::bytes("simple-token-count"), plugin::bytes(count)};
    host_.log(host_.ctx, QUORATE_LOG_WARN,
              plugin::bytes("too many simple tokens; the oldest are dropped, raise tokens_max or "
                            "let clients keep their token"),
              &field, 1);
}

}  // namespace quorate::auth_simple
