// SPDX-License-Identifier: Apache-2.0
//
// Hashes that Go's bcrypt made, and the edges where implementations differ.
#include "plugin/cxx/bcrypt.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace quorate::plugin {

namespace {

using namespace std::string_literals;

struct GoHash {
    std::string password;
    std::string hash;
};

const GoHash kGoHashes[] = {
    {"", "$2a$04$QOXrc.Y8iMe/zMRM1CVare0d3GrXtYvAXJhQZ.3jX9XeILCBMiGJK"},
    {"secret", "$2a$04$1YGOnFdSrYZ5H5NAWVxja.jXtlxI.Nrzwnw9JVxiP2kKQ.Xwr1v6u"},
    {"p\xc3\xa4sswort", "$2a$04$27n0wNrGaSfKXQaVt8g7W.XBK5nHgCy2WbDPLCjC1ZZSVtqoWthSu"},
    // What implementations of old have mixed up, by the sign of a byte.
    {"\xff\xa3"s + "3", "$2a$04$DUWWabGsowIyb0YUOUl2x.Wrq7XwPex.QOhKAdlEjH2PpDFdN5AXi"},
    {"\xff\xff\xa3", "$2a$04$Xw3Q84yIBu.D46/fJCbdH.yYyTNMU8XZhOBc0nw57PmQkMX/v9G3."},
    {"\xd1\x91", "$2a$04$pnqNdrmR5kFTg/lQ9GJf2.cZJtrb7JF.ngScvu.4prarY2bF2rp92"},
    {"\x80", "$2a$04$jW2bNNwlwKZp8tqdexwju.ZofF.OLfdw3rPYdCcZ5keBvf9TcbL/G"},
    {"aaa\xaa\xbb\xff\xff\xa3"s + "34",
     "$2a$04$gP2npt.PBkuLUu1FASdJ6OlRdcRZfvQko0ndKnttiEm/GrC3ulvdC"},
    {std::string(72, 'x'), "$2a$04$dG9TMLVOSwxfypIvK7UezOIUjOo5OPjJXwGs0bB1qKZkBehPQ39ru"},
};

TEST(Bcrypt, KnowsGosHashes) {
    for (const GoHash& one : kGoHashes) {
        EXPECT_TRUE(bcrypt_check(one.password, one.hash)) << one.hash;
        EXPECT_FALSE(bcrypt_check(one.password + "x", one.hash) && one.password.size() < 72)
            << one.hash;
        for (const char minor : {'b', 'y'}) {
            std::string other = one.hash;
            other[2] = minor;
            EXPECT_TRUE(bcrypt_check(one.password, other)) << other;
        }
    }
}

TEST(Bcrypt, MakesHashesOfTheAskedCost) {
    std::set<std::string> seen;
    for (const uint32_t cost : {4U, 5U, 6U}) {
        Result<std::string> hash = bcrypt_hash("secret", cost);
        ASSERT_TRUE(hash) << hash.error().text();
        EXPECT_EQ(hash->size(), 60U);
        EXPECT_EQ(hash->substr(0, 7), "$2a$0" + std::to_string(cost) + "$");
        EXPECT_TRUE(bcrypt_check("secret", *hash));
        EXPECT_FALSE(bcrypt_check("Secret", *hash));
        EXPECT_TRUE(seen.insert(*hash).second);
    }
    Result<std::string> again = bcrypt_hash("secret", 4);
    ASSERT_TRUE(again);
    EXPECT_TRUE(seen.insert(*again).second) << "the salt is the same";
}

TEST(Bcrypt, RefusesWrongCosts) {
    for (const uint32_t cost : {0U, 1U, 3U, 32U, 4'000'000'000U}) {
        Result<std::string> hash = bcrypt_hash("secret", cost);
        ASSERT_FALSE(hash) << cost;
        EXPECT_EQ(hash.error().text(),
                  "bcrypt: cost " + std::to_string(cost) + " is not one from 4 to 31");
    }
}

TEST(Bcrypt, ReadsSeventyTwoBytes) {
    const std::string longest(72, 'x');
    Result<std::string> hash = bcrypt_hash(longest, 4);
    ASSERT_TRUE(hash);
    EXPECT_TRUE(bcrypt_check(longest, *hash));
    EXPECT_FALSE(bcrypt_check(std::string(71, 'x'), *hash));
    // Go's does so, too.
    EXPECT_TRUE(bcrypt_check(longest + "y", *hash));
    EXPECT_TRUE(bcrypt_check(longest + std::string(10'000, 'y'), *hash));
    EXPECT_EQ(bcrypt_hash(longest + "y", 4).error().text(),
              "bcrypt: password length exceeds 72 bytes");
}

TEST(Bcrypt, ZeroBytesEndNoPassword) {
    EXPECT_EQ(bcrypt_hash("a\0b"s, 4).error().text(), "bcrypt: password holds a zero byte");
    Result<std::string> hash = bcrypt_hash("a", 4);
    ASSERT_TRUE(hash);
    EXPECT_TRUE(bcrypt_check("a", *hash));
    EXPECT_FALSE(bcrypt_check("a\0b"s, *hash));
    EXPECT_FALSE(bcrypt_check("a\0"s, *hash));
}

TEST(Bcrypt, OtherFormsFitNoPassword) {
    const std::string good = kGoHashes[1].hash;
    for (const std::string& hash :
         {""s, "*"s, "secret"s, good.substr(0, 59), good + "x", "$2x" + good.substr(3),
          "$2" + good.substr(3) + "x", "$1" + good.substr(2), "$2a$99" + good.substr(6),
          "$2a$03" + good.substr(6), "$2a$ab" + good.substr(6), "$6$" + std::string(57, 'a'),
          std::string(60, '\0'), std::string(100'000, '$')}) {
        EXPECT_FALSE(bcrypt_check("secret", hash)) << hash.substr(0, 80);
    }
    // Every character of the hash counts, and of the salt, but for the bits that no one reads.
    for (size_t i = 0; i < good.size(); ++i) {
        std::string other = good;
        other[i] = other[i] == 'C' ? 'G' : 'C';
        const bool same = i != 28 && bcrypt_check("secret", other);
        EXPECT_FALSE(same) << i;
    }
}

}  // namespace

}  // namespace quorate::plugin
