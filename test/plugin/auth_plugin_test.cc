// SPDX-License-Identifier: Apache-2.0
//
// Token providers that are wrong: what the loader and the barrier say of them.
#include "auth/plugin_provider.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "plugin/loader.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::plugin {

namespace {

class AuthPluginTest : public ::testing::Test {
  protected:
    std::string refusal(const std::string& name, const Options& options = {}) {
        const auto provider = auth::open_provider(loader_, {}, {name, options});
        if (provider) {
            return "opened";
        }
        EXPECT_TRUE(provider.error().is(errors::kPlugin) || provider.error().is(errors::kIo));
        std::string text = provider.error().message();
        const std::string dir = FIXTURE_DIR;
        const size_t at = text.find(dir);
        return at == std::string::npos ? text : text.replace(at, dir.size(), "$DIR");
    }

    SystemClock clock_;
    metrics::Registry registry_;
    Host host_{registry_, clock_};
    Loader loader_{FIXTURE_DIR, host_};
};

TEST_F(AuthPluginTest, LoadsOneWrittenInC) {
    const Result<const Plugin*> plugin = loader_.load("auth", "good");
    ASSERT_TRUE(plugin) << plugin.error().message();
    EXPECT_EQ((*plugin)->kind(), "auth");
    EXPECT_EQ(refusal("good"), "i/o error: auth plugin good: not in the mood");
}

TEST_F(AuthPluginTest, RefusesUnusableOnes) {
    EXPECT_EQ(refusal("no_interface"),
              "$DIR/auth_no_interface.so: does not offer the interface \"quorate.auth/0\"");
    EXPECT_EQ(refusal("short_table"),
              "$DIR/auth_short_table.so: the table of \"quorate.auth/0\" has 80 bytes, needs at "
              "least 88");
    EXPECT_EQ(refusal("null_function"),
              "$DIR/auth_null_function.so: function 5 in the table of \"quorate.auth/0\" is null");
    EXPECT_NE(refusal("nobody").find("$DIR/auth_nobody.so: no such plugin; auth plugins there: "),
              std::string::npos);
    EXPECT_EQ(refusal("../auth_good"),
              "plugin name \"../auth_good\": needs one or more of a-z, 0-9 and _");
}

TEST_F(AuthPluginTest, KeepsExceptionsInside) {
    EXPECT_EQ(refusal("throwing", {{"create", "throws"}}),
              "i/o error: auth plugin throwing: thrown by create");
    EXPECT_EQ(refusal("throwing", {{"speed", "high"}}),
              "auth plugin throwing: unknown option \"speed\"; known: create");
    const auto provider = auth::open_provider(loader_, {}, {"throwing", {}});
    ASSERT_TRUE(provider) << provider.error().message();
    EXPECT_EQ((*provider)->issue("alice", 1, 1).error().message(), "thrown by issue");
    EXPECT_EQ((*provider)->verify("token").error().message(), "out of memory");
    EXPECT_EQ((*provider)->hash_password("pw").error().message(), std::string(243, 'x'));
    EXPECT_EQ((*provider)->check_password("pw", "h").error().message(), "thrown by check");
    EXPECT_EQ((*provider)->reload().message(), "i/o error: auth plugin throwing: thrown by reload");
    ::testing::internal::CaptureStderr();
    (*provider)->install("token", "alice");
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("unknown exception"),
              std::string::npos);
}

}  // namespace

}  // namespace quorate::plugin
