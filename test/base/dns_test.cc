// SPDX-License-Identifier: Apache-2.0
#include "base/dns.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

namespace quorate {
namespace {

using namespace std::string_literals;

std::string name(std::initializer_list<std::string_view> labels) {
    std::string out;
    for (const std::string_view label : labels) {
        out += static_cast<char>(label.size());
        out += label;
    }
    return out + '\0';
}

// An answer to a question for _s._tcp.x: `answers` records behind it.
std::string message(char answers, const std::string& records) {
    return "\x12\x34\x81\x80\x00\x01\x00"s + answers + "\x00\x00\x00\x00"s +
           name({"_s", "_tcp", "x"}) + "\x00\x21\x00\x01"s + records;
}

std::string srv(const std::string& numbers, const std::string& host) {
    const std::string data = numbers + host;
    return "\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c\x00"s + static_cast<char>(data.size()) + data;
}

Result<std::vector<SrvRecord>> parse(const std::string& bytes) {
    return parse_srv_answer(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

TEST(Dns, RecordsAreSorted) {
    const auto records = parse(message(2, srv("\x00\x02\x00\x07\x09\x4c"s, name({"b", "x"})) +
                                              srv("\x00\x01\x00\x00\x09\x4d"s, name({"a"}))));
    ASSERT_TRUE(records.has_value()) << records.error().message();
    ASSERT_EQ(records->size(), 2U);
    EXPECT_EQ((*records)[0], (SrvRecord{"a", 2381, 1, 0}));
    EXPECT_EQ((*records)[1], (SrvRecord{"b.x", 2380, 2, 7}));
}

TEST(Dns, OtherRecordsAreLeftOut) {
    const std::string alias = "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x03\x01y\x00"s;
    const auto records = parse(message(2, alias + srv("\0\0\0\0\0\1"s, name({"a"}))));
    ASSERT_TRUE(records.has_value()) << records.error().message();
    EXPECT_EQ(records->size(), 1U);
}

TEST(Dns, NoBytesMakeItReadBeyondTheEnd) {
    const std::string whole = message(1, srv("\0\0\0\0\0\1"s, name({"a", "b"})));
    ASSERT_TRUE(parse(whole).has_value());
    for (size_t size = 0; size < whole.size(); ++size) {
        // A copy of its own, so that a sanitizer sees its end.
        const auto records = parse(std::string(whole, 0, size));
        EXPECT_FALSE(records.has_value()) << size;
    }
    // A host that points to itself, and one that ends in the middle of the numbers.
    EXPECT_FALSE(parse(message(1, srv("\0\0\0\0\0\1"s, "\xc0\x2d"s))).has_value());
    EXPECT_FALSE(parse(message(1, srv("\0\0\0"s, ""))).has_value());
}

TEST(Dns, AServerIsAnAddressAndAPort) {
    for (const char* bad : {"name:53", "127.0.0.1", "[::1]:53", ":53"}) {
        const auto records = look_up_srv("x", bad);
        ASSERT_FALSE(records.has_value());
        EXPECT_NE(records.error().message().find("must be an IPv4 address and a port"),
                  std::string::npos)
            << bad;
    }
}

TEST(Dns, AnAddressIsItsOwn) {
    const auto addresses = look_up_addresses("127.0.0.9");
    ASSERT_TRUE(addresses.has_value()) << addresses.error().message();
    EXPECT_EQ(*addresses, std::vector<std::string>{"127.0.0.9"});
}

}  // namespace
}  // namespace quorate
