// SPDX-License-Identifier: Apache-2.0
//
// The adapter over a provider that is a table in this program: what the core asks arrives at the
// plugin, and what the plugin says comes back as the core's own errors.
#include "auth/plugin_provider.h"

#include "base/errors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

struct quorate_auth {
    std::vector<std::string> log;
    quorate_code answer = QUORATE_OK;
    const char* text = "";
    bool empty_hash = false;
};

namespace quorate::auth {

namespace {

using plugin::from_abi;
using plugin::to_abi;

quorate_auth fake;

std::string text(quorate_bytes bytes) {
    return std::string(from_abi(bytes));
}

void give(quorate_sink sink, std::string_view bytes) {
    sink.append(sink.ctx, bytes.data(), bytes.size());
}

quorate_code answer(quorate_error* err) {
    if (fake.answer != QUORATE_OK) {
        std::strcpy(err->text, fake.text);
    }
    return fake.answer;
}

quorate_code create(const quorate_auth_settings* settings, const quorate_option* options,
                    size_t option_count, quorate_auth** ret, quorate_error* err) noexcept {
    if (answer(err) != QUORATE_OK) {
        return fake.answer;
    }
    fake.log.push_back("create " + std::to_string(settings->size) + " ttl " +
                       std::to_string(settings->token_ttl_s) + " cost " +
                       std::to_string(settings->bcrypt_cost));
    for (size_t i = 0; i < option_count; ++i) {
        fake.log.push_back(text(options[i].key) + "=" + text(options[i].value));
    }
    *ret = &fake;
    return QUORATE_OK;
}
void destroy(quorate_auth* self) noexcept {
    self->log.emplace_back("destroy");
}
int32_t replicated(const quorate_auth*) noexcept {
    return 1;
}
quorate_code issue(quorate_auth* self, quorate_bytes user, uint64_t auth_revision, uint64_t index,
                   quorate_sink ret, quorate_error* err) noexcept {
    self->log.push_back("issue " + text(user) + " " + std::to_string(auth_revision) + " " +
                        std::to_string(index));
    if (answer(err) == QUORATE_OK) {
        give(ret, "tok");
        give(ret, "en");
    }
    return fake.answer;
}
quorate_code verify(quorate_auth* self, quorate_bytes token, quorate_sink ret_user,
                    uint64_t* ret_auth_revision, quorate_error* err) noexcept {
    self->log.push_back("verify " + text(token));
    if (answer(err) == QUORATE_OK) {
        give(ret_user, "alice");
        *ret_auth_revision = 7;
    }
    return fake.answer;
}
quorate_code install(quorate_auth* self, quorate_bytes token, quorate_bytes user,
                     quorate_error* err) noexcept {
    self->log.push_back("install " + text(token) + " " + text(user));
    return answer(err);
}
void forget_user(quorate_auth* self, quorate_bytes user) noexcept {
    self->log.push_back("forget " + text(user));
}
void forget_all(quorate_auth* self) noexcept {
    self->log.emplace_back("forget all");
}
quorate_code hash_password(quorate_auth* self, quorate_bytes password, quorate_sink ret,
                           quorate_error* err) noexcept {
    if (answer(err) == QUORATE_OK && !self->empty_hash) {
        give(ret, "hash of " + text(password));
    }
    return fake.answer;
}
quorate_code check_password(quorate_auth*, quorate_bytes password, quorate_bytes hash,
                            int32_t* ret_matches, quorate_error* err) noexcept {
    if (answer(err) == QUORATE_OK) {
        *ret_matches = text(hash) == "hash of " + text(password) ? 1 : 0;
    }
    return fake.answer;
}
quorate_code reload(quorate_auth* self, quorate_error* err) noexcept {
    self->log.emplace_back("reload");
    return answer(err);
}

constexpr quorate_auth_interface kTable = {sizeof kTable, create,        destroy,       replicated,
                                           issue,         verify,        install,       forget_user,
                                           forget_all,    hash_password, check_password};
constexpr quorate_auth_reload_interface kReload = {sizeof kReload, reload};
bool can_reload = true;

const void* interface_get(const char* id) noexcept {
    if (std::strcmp(id, QUORATE_AUTH_INTERFACE) == 0) {
        return &kTable;
    }
    return can_reload && std::strcmp(id, QUORATE_AUTH_RELOAD_INTERFACE) == 0 ? &kReload : nullptr;
}

class PluginProviderTest : public ::testing::Test {
  protected:
    PluginProviderTest() {
        fake = {};
        can_reload = true;
        descriptor_.size = sizeof descriptor_;
        descriptor_.kind = "auth";
        descriptor_.name = "fake";
        descriptor_.build_id = QUORATE_BUILD_ID;
        descriptor_.interface_get = interface_get;
    }

    std::unique_ptr<PluginProvider> open() {
        auto provider = open_plugin_provider(plugin_, {60, 4}, {{"key", "value"}});
        EXPECT_TRUE(provider) << provider.error().message();
        fake.log.clear();
        return std::move(provider).value();
    }
    static void fail_with(quorate_code code, const char* text) {
        fake.answer = code;
        fake.text = text;
    }

    quorate_plugin descriptor_{};
    plugin::Plugin plugin_{"auth_fake.so", descriptor_};
};

TEST_F(PluginProviderTest, HandsOverSettingsAndOptions) {
    {
        const auto provider = open_plugin_provider(plugin_, {60, 4}, {{"key", "value"}});
        ASSERT_TRUE(provider);
        EXPECT_TRUE((*provider)->replicated());
    }
    EXPECT_EQ(fake.log,
              (std::vector<std::string>{"create 16 ttl 60 cost 4", "key=value", "destroy"}));
}

TEST_F(PluginProviderTest, PassesOnWhatThePluginRefuses) {
    fail_with(QUORATE_INVALID_ARGUMENT, "unknown option \"key\"");
    const auto provider = open_plugin_provider(plugin_, {60, 4}, {{"key", "value"}});
    ASSERT_FALSE(provider);
    EXPECT_TRUE(provider.error().is(errors::kPlugin));
    EXPECT_EQ(provider.error().message(), "auth plugin fake: unknown option \"key\"");
}

TEST_F(PluginProviderTest, CarriesCallsAcross) {
    const auto provider = open();
    EXPECT_EQ(*provider->issue("alice", 3, 17), "token");
    const auto owner = provider->verify("token");
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->user, "alice");
    EXPECT_EQ(owner->auth_revision, 7U);
    provider->install("token", "alice");
    provider->forget_user("alice");
    provider->forget_all();
    EXPECT_EQ(fake.log,
              (std::vector<std::string>{"issue alice 3 17", "verify token", "install token alice",
                                        "forget alice", "forget all"}));
    EXPECT_EQ(*provider->hash_password("pw"), "hash of pw");
    EXPECT_TRUE(*provider->check_password("pw", "hash of pw"));
    EXPECT_FALSE(*provider->check_password("other", "hash of pw"));
}

TEST_F(PluginProviderTest, TellsClientsThePluginsOwnWords) {
    const auto provider = open();
    fail_with(QUORATE_FAILED_PRECONDITION, "auth: token signing attempted with verify-only key");
    const auto token = provider->issue("alice", 1, 1);
    ASSERT_FALSE(token);
    EXPECT_TRUE(token.error().is(errors::kUnknown));
    EXPECT_EQ(token.error().message(), "auth: token signing attempted with verify-only key");
    fail_with(QUORATE_INVALID_ARGUMENT, "bcrypt: password length exceeds 72 bytes");
    EXPECT_EQ(provider->hash_password("pw").error().message(),
              "bcrypt: password length exceeds 72 bytes");
    fail_with(QUORATE_INTERNAL, "");
    EXPECT_EQ(provider->check_password("pw", "h").error().message(),
              "auth: token provider failed with code 13");
}

TEST_F(PluginProviderTest, TellsNobodyWhyATokenIsWrong) {
    const auto provider = open();
    fail_with(QUORATE_UNAUTHENTICATED, "off by one bit");
    EXPECT_TRUE(provider->verify("token").error().is(errors::kInvalidAuthToken));
    EXPECT_EQ(provider->verify("token").error().message(), "etcdserver: invalid auth token");
    fail_with(QUORATE_INTERNAL, "out of order");
    EXPECT_EQ(provider->verify("token").error().message(), "out of order");
}

TEST_F(PluginProviderTest, TakesNoEmptyHash) {
    const auto provider = open();
    fake.empty_hash = true;
    EXPECT_EQ(provider->hash_password("pw").error().message(),
              "auth: token provider made an empty hash");
}

TEST_F(PluginProviderTest, LogsATokenThatWasNotTaken) {
    const auto provider = open();
    fail_with(QUORATE_INVALID_ARGUMENT, "no room");
    ::testing::internal::CaptureStderr();
    provider->install("se-cret", "alice");
    const std::string line = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(line.find("no room"), std::string::npos) << line;
    EXPECT_NE(line.find("alice"), std::string::npos) << line;
    EXPECT_EQ(line.find("se-cret"), std::string::npos) << line;
}

TEST_F(PluginProviderTest, ReloadsWhereThePluginCan) {
    {
        const auto provider = open();
        EXPECT_TRUE(provider->reload().ok());
        EXPECT_EQ(fake.log, std::vector<std::string>{"reload"});
        fail_with(QUORATE_INVALID_ARGUMENT, "pub-key \"/x\": is empty");
        EXPECT_EQ(provider->reload().message(), "auth plugin fake: pub-key \"/x\": is empty");
    }
    fake = {};
    can_reload = false;
    const auto provider = open();
    EXPECT_TRUE(provider->reload().ok());
    EXPECT_TRUE(fake.log.empty());
}

}  // namespace

}  // namespace quorate::auth
