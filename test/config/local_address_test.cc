// SPDX-License-Identifier: Apache-2.0
#include "config/local_address.h"

#include "config/load.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace quorate::config {
namespace {

std::string local_address_of(std::vector<std::string> arguments) {
    Inputs inputs;
    inputs.arguments = std::move(arguments);
    inputs.arguments.push_back("--initial-cluster=");
    const auto loaded = load(inputs);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
    return loaded ? local_address(loaded->config) : "";
}

TEST(LocalAddress, IsTheFirstThatOthersCanSee) {
    const std::string gate = "--feature-gates=SetMemberLocalAddr=true";
    const auto with = [&gate](const std::string& urls) {
        return local_address_of({gate, "--initial-advertise-peer-urls=" + urls});
    };
    EXPECT_EQ(local_address_of({gate}), "");
    EXPECT_EQ(local_address_of({"--initial-advertise-peer-urls=http://192.168.100.110:2380"}), "");
    for (const char* none :
         {"http://127.0.0.1:2380", "http://127.0.0.9:2380", "http://[::1]:2380",
          "http://[::ffff:127.0.0.1]:2380", "http://0.0.0.0:2380", "http://[::]:2380",
          "http://host-3.example.org:2380", "unix://m1.sock"}) {
        EXPECT_EQ(with(none), "") << none;
    }
    EXPECT_EQ(with("http://192.168.100.110:2380"), "192.168.100.110");
    EXPECT_EQ(with("http://127.0.0.1:2380,http://host:2380,http://192.168.100.110:2380"),
              "192.168.100.110");
    EXPECT_EQ(with("http://[2001:db8:85a3::7334]:2380"), "2001:db8:85a3::7334");
    // URLs are kept sorted, which puts IPv4 first.
    EXPECT_EQ(with("http://[2001:db8:85a3::7334]:2380,http://192.168.100.110:2380"),
              "192.168.100.110");
}

}  // namespace
}  // namespace quorate::config
