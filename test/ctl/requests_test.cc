// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "ctl/key_requests.h"
#include "ctl/txn_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using Words = std::vector<std::string>;

const std::string kOpen(1, '\0');

Result<RangeRequest> get(const Words& words) {
    const auto line = parse_line(words, {kGetFlags});
    return line ? range_request(*line) : Result<RangeRequest>(line.error());
}

TEST(GetRequest, SaysWhichKeys) {
    EXPECT_EQ(get({"a"})->range_end(), "");
    EXPECT_EQ(get({"a", "c"})->range_end(), "c");
    EXPECT_EQ(get({"a", "--prefix"})->range_end(), "b");
    EXPECT_EQ(get({"a", "--from-key"})->range_end(), kOpen);
    for (const char* flag : {"--prefix", "--from-key"}) {
        EXPECT_EQ(get({"", flag})->key(), kOpen);
        EXPECT_EQ(get({"", flag})->range_end(), kOpen);
    }
}

TEST(GetRequest, SaysHow) {
    const auto request =
        get({"a", "--consistency=s", "--order=descend", "--sort-by=modify", "--limit=5", "--rev=9",
             "--keys-only", "--min-mod-rev=2", "--max-mod-rev=3"});
    ASSERT_TRUE(request);
    EXPECT_TRUE(request->serializable());
    EXPECT_EQ(request->sort_order(), RangeRequest::DESCEND);
    EXPECT_EQ(request->sort_target(), RangeRequest::MOD);
    EXPECT_EQ(request->limit(), 5);
    EXPECT_EQ(request->revision(), 9);
    EXPECT_TRUE(request->keys_only());
    EXPECT_EQ(request->min_mod_revision(), 2);
    EXPECT_EQ(request->max_mod_revision(), 3);
    // The order in which keys come anyway is not asked for.
    EXPECT_EQ(get({"a", "--order=ASCEND"})->sort_order(), RangeRequest::NONE);
    EXPECT_EQ(get({"a", "--order=ASCEND", "--sort-by=VALUE"})->sort_order(), RangeRequest::ASCEND);
}

TEST(GetRequest, RefusesWhatDoesNotFitTogether) {
    for (const Words& bad : std::vector<Words>{{},
                                               {"a", "--prefix", "--from-key"},
                                               {"a", "b", "--prefix"},
                                               {"a", "--keys-only", "--count-only"}}) {
        EXPECT_TRUE(get(bad).error().is(errors::kUsage));
    }
    for (const Words& bad : std::vector<Words>{{"a", "--order=up"},
                                               {"a", "--sort-by=size"},
                                               {"a", "--consistency=x"},
                                               {"a", "--min-mod-rev=5", "--max-mod-rev=4"}}) {
        EXPECT_TRUE(get(bad).error().is(errors::kUnimplemented)) << bad[1];
    }
}

TEST(PutRequest, TakesItsValueFromLineOrInput) {
    const auto put = [](const Words& words, const std::string& input) {
        const auto line = parse_line(words, {kPutFlags});
        return put_request(*line, [&input] { return input; });
    };
    EXPECT_EQ(put({"k", "v"}, "x")->value(), "v");
    EXPECT_EQ(put({"k", ""}, "x")->value(), "");
    EXPECT_EQ(put({"k"}, "x\n")->value(), "x\n");
    EXPECT_EQ(put({"k", "--", "-v"}, "")->value(), "-v");
    EXPECT_EQ(put({"k", "v", "--lease=ff"}, "")->lease(), 255);
    EXPECT_EQ(put({"k", "--ignore-value"}, "x")->value(), "");
    EXPECT_FALSE(put({"k"}, ""));
    EXPECT_FALSE(put({}, "x"));
    EXPECT_FALSE(put({"k", "v", "--ignore-value"}, ""));
    EXPECT_FALSE(put({"k", "v", "--lease=xyz"}, ""));
}

TEST(Compares, ReadEveryTarget) {
    struct Case {
        const char* line;
        Compare::CompareTarget target;
        Compare::CompareResult result;
    };
    for (const Case& one : {Case{R"(mod("k") > "5")", Compare::MOD, Compare::GREATER},
                            Case{R"(m("k") < "5")", Compare::MOD, Compare::LESS},
                            Case{R"(create("k")="5")", Compare::CREATE, Compare::EQUAL},
                            Case{R"(c("k") != "5")", Compare::CREATE, Compare::NOT_EQUAL},
                            Case{R"(version("k") = "5")", Compare::VERSION, Compare::EQUAL},
                            Case{R"(value("k") = "5")", Compare::VALUE, Compare::EQUAL},
                            Case{R"(lease("k") = "5")", Compare::LEASE, Compare::EQUAL}}) {
        const auto compare = parse_compare(one.line);
        ASSERT_TRUE(compare) << one.line;
        EXPECT_EQ(compare->target(), one.target) << one.line;
        EXPECT_EQ(compare->result(), one.result) << one.line;
        EXPECT_EQ(compare->key(), "k");
    }
    EXPECT_EQ(parse_compare(R"(mod("k") = "5")")->mod_revision(), 5);
    EXPECT_EQ(parse_compare(R"(val("a) \"x") = "b c")")->key(), "a) \"x");
    EXPECT_EQ(parse_compare(R"(val("k") = "b c")")->value(), "b c");
}

TEST(Compares, RefuseWhatIsNone) {
    for (const char* bad :
         {"", "mod", R"(mod(k) = "5")", R"(mod("k" = "5")", R"(mod("k") = 5)", R"(mod("k") == "5")",
          R"(mod("k") = "five")", R"(size("k") = "5")", R"(mod("k") = "5" x)"}) {
        const auto compare = parse_compare(bad);
        ASSERT_FALSE(compare) << bad;
        EXPECT_TRUE(compare.error().is(errors::kInvalidArgument)) << bad;
    }
}

TEST(Operations, AreLinesOfTheirCommands) {
    EXPECT_EQ(parse_operation(R"(put k "v w" --prev-kv)")->request_put().value(), "v w");
    EXPECT_EQ(parse_operation("get a --prefix")->request_range().range_end(), "b");
    EXPECT_EQ(parse_operation("del a --from-key")->request_delete_range().range_end(), kOpen);
    for (const char* bad : {"put k", "get", "frob a", "put k v --nothing", "get a --order=up"}) {
        const auto op = parse_operation(bad);
        ASSERT_FALSE(op) << bad;
        EXPECT_TRUE(op.error().is(errors::kInvalidArgument)) << bad;
    }
}

}  // namespace
}  // namespace quorate::ctl
