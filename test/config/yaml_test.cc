// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include <gtest/gtest.h>

namespace quorate::config {
namespace {

// A tree as one line: maps {k: v}, lists [v], scalars <text>, null ~.
std::string shape(const YamlNode& node) {
    std::string out;
    switch (node.kind) {
        case YamlNode::Kind::kNull:
            return "~";
        case YamlNode::Kind::kScalar:
            return "<" + node.text + ">";
        case YamlNode::Kind::kList:
            for (const YamlNode& item : node.items) {
                out += (out.empty() ? "" : " ") + shape(item);
            }
            return "[" + out + "]";
        case YamlNode::Kind::kMap:
            for (const auto& [key, value] : node.fields) {
                out += (out.empty() ? "" : " ") + key + ":" + shape(value);
            }
            return "{" + out + "}";
    }
    return "?";
}

std::string parsed(std::string_view text) {
    const Result<YamlNode> node = parse_yaml("f", text);
    return node ? shape(*node) : "error: " + node.error().message();
}

struct Case {
    std::string_view text;
    std::string_view expected;
};

constexpr Case kDocuments[] = {
    {"", "~"},
    {"# only a comment\n\n", "~"},
    {"---\n", "~"},
    {"a: 1\n", "{a:<1>}"},
    {"---\na: 1\nb: two words  # comment\n", "{a:<1> b:<two words>}"},
    {"a:\nb: ~\nc: null\nd: ''\n", "{a:~ b:~ c:~ d:<>}"},
    {"a: x#y\n", "{a:<x#y>}"},
    {"a: http://h:1,http://h:2\n", "{a:<http://h:1,http://h:2>}"},
    {"a: 'it''s # x'\n", "{a:<it's # x>}"},
    {"a: \"q\\\"\\\\\\n\\u20ac\" # c\n", "{a:<q\"\\\n\xe2\x82\xac>}"},
    {"\"a b\": 1\n'c': 2\n", "{a b:<1> c:<2>}"},
    {"m:\n  k: 1\n  l: 2\nn: 3\n", "{m:{k:<1> l:<2>} n:<3>}"},
    {"m:\n  n:\n    k: 1\n", "{m:{n:{k:<1>}}}"},
    {"l:\n  - a\n  - 'b'\nn: 1\n", "{l:[<a> <b>] n:<1>}"},
    {"l:\n- a\n- b\nn: 1\n", "{l:[<a> <b>] n:<1>}"},
    {"l: [a, 'b c', 3]\n", "{l:[<a> <b c> <3>]}"},
    {"l: []\nm: {}\n", "{l:[] m:{}}"},
    {"m: {a: 1, b: [x, y]}\n", "{m:{a:<1> b:[<x> <y>]}}"},
    {"{\n  \"a\": 1,\n  \"b\": {\"c\": true},\n  \"d\": [\n    \"x\",\n    \"y\"\n  ]\n}\n",
     "{a:<1> b:{c:<true>} d:[<x> <y>]}"},
    {"[1, 2,]\n", "[<1> <2>]"},
    {"a: 1\r\nb: 2\r\n", "{a:<1> b:<2>}"},
    {"\xef\xbb\xbf"
     "a: 1",
     "{a:<1>}"},
    {"a: -1\n", "{a:<-1>}"},
    {"a:   \n  # between\n  b: 1\n", "{a:{b:<1>}}"},
};

TEST(Yaml, Documents) {
    for (const Case& one : kDocuments) {
        EXPECT_EQ(parsed(one.text), one.expected) << one.text;
    }
}

constexpr Case kRefusals[] = {
    {"just text\n", "error: f:1: expected key: value, found \"just text\""},
    {"a = 1\n", "error: f:1: expected key: value, found \"a = 1\""},
    {"a: 1\na: 2\n", "error: f:2: key \"a\" is there twice"},
    {"{a: 1, a: 2}", "error: f:1: key \"a\" is there twice"},
    {"a: 1\n  b: 2\n", "error: f:2: unexpected indentation"},
    {"a:\n    b: 1\n  c: 2\n", "error: f:3: unexpected indentation"},
    {"a: 'x\n", "error: f:1: the closing quote is missing"},
    {"a: 'x' y\n", "error: f:1: unexpected \"y\""},
    {"a: \"\\q\"\n", "error: f:1: unknown escape in quotes"},
    {"a: \"\\ud800\"\n", "error: f:1: surrogates are not supported in quotes"},
    {"a: [1, 2\n", "error: f:2: the closing ] is missing"},
    {"a: {b 1}\n", "error: f:1: expected a colon behind \"b 1\""},
    {"a: [\"x\" 1]\n", "error: f:1: expected a comma or ]"},
    {"a: \x01\n", "error: f: control characters are not allowed"},
    {"a: 1\n---\nb: 2\n", "error: f:2: expected key: value, found \"---\""},
};

TEST(Yaml, Refusals) {
    for (const Case& one : kRefusals) {
        EXPECT_EQ(parsed(one.text), one.expected) << one.text;
    }
}

TEST(Yaml, WhatIsNotSupportedIsNamed) {
    for (const std::string_view text : {"a: &x 1\n", "a: *x\n", "a: !!str 1\n", "a: |\n  x\n",
                                        "a: >\n  x\n", "? a\n: 1\n", "&x a: 1\n"}) {
        EXPECT_NE(parsed(text).find("are not supported"), std::string::npos)
            << text << ": " << parsed(text);
    }
}

TEST(Yaml, DepthIsBounded) {
    std::string flow(200, '[');
    EXPECT_EQ(parsed(flow), "error: f:1: nested too deeply");
    std::string block;
    for (int i = 0; i < 30; ++i) {
        block += std::string(static_cast<size_t>(i), ' ') + "a:\n";
    }
    EXPECT_NE(parsed(block).find("nested too deeply"), std::string::npos);
}

TEST(Yaml, KnowsItsLines) {
    const Result<YamlNode> root = parse_yaml("f", "# c\na: 1\n\nm:\n  k: 2\n");
    ASSERT_TRUE(root.has_value());
    EXPECT_EQ(root->find("a")->line, 2U);
    EXPECT_EQ(root->find("m")->find("k")->line, 5U);
    EXPECT_EQ(root->find("z"), nullptr);
}

}  // namespace
}  // namespace quorate::config
