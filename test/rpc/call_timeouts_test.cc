// SPDX-License-Identifier: Apache-2.0
#include "rpc/call_timeouts.h"

#include <gtest/gtest.h>

namespace quorate::rpc {
namespace {

TEST(CallTimeouts, ReadsWhatGrpcGatewayReads) {
    EXPECT_EQ(parse_gateway_timeout("1H"), 3'600'000'000'000);
    EXPECT_EQ(parse_gateway_timeout("2M"), 120'000'000'000);
    EXPECT_EQ(parse_gateway_timeout("03S"), 3'000'000'000);
    EXPECT_EQ(parse_gateway_timeout("4m"), 4'000'000);
    EXPECT_EQ(parse_gateway_timeout("5u"), 5'000);
    EXPECT_EQ(parse_gateway_timeout("+6n"), 6);
    EXPECT_EQ(parse_gateway_timeout("-7n"), -7);
    EXPECT_EQ(parse_gateway_timeout("0S"), 0);
}

TEST(CallTimeouts, WrapsAroundAsGoDoes) {
    EXPECT_EQ(parse_gateway_timeout("9223372036854775807H"), -3'600'000'000'000);
}

TEST(CallTimeouts, RefusesWhatGrpcGatewayRefuses) {
    for (const char* text : {"", "1", "S", "1s", "1h", "xS", "+S", "-S", "+-1S", "--1S", "1.5S",
                             " 1S", "1 S", "9223372036854775808n", "0x1S", "1_0S"}) {
        EXPECT_EQ(parse_gateway_timeout(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace quorate::rpc
