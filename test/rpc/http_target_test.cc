// SPDX-License-Identifier: Apache-2.0
#include "rpc/http_target.h"

#include <gtest/gtest.h>

namespace quorate::rpc {
namespace {

TEST(HttpTarget, SplitsAndDecodes) {
    const HttpTarget target = HttpTarget::parse("/readyz?verbose&exclude=a%20b&exclude=c+d&=x&&e");
    EXPECT_EQ(target.path, "/readyz");
    EXPECT_TRUE(target.has("verbose"));
    EXPECT_TRUE(target.has("e"));
    EXPECT_FALSE(target.has("exclud"));
    EXPECT_EQ(target.all("exclude"), (std::vector<std::string>{"a b", "c d"}));
}

TEST(HttpTarget, KeepsBrokenEscapes) {
    EXPECT_EQ(HttpTarget::parse("/%zz%4").path, "/%zz%4");
    EXPECT_EQ(HttpTarget::parse("/%41%").path, "/A%");
    EXPECT_EQ(HttpTarget::parse("").path, "");
    EXPECT_TRUE(HttpTarget::parse("/x?").query.empty());
}

}  // namespace
}  // namespace quorate::rpc
