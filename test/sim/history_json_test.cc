// SPDX-License-Identifier: Apache-2.0
#include "sim/history_json.h"

#include "base/errors.h"
#include "sim/linearizability.h"

#include <gtest/gtest.h>

#include <sstream>

namespace quorate::sim {
namespace {

const std::string kGood =
    R"({"leases_expire":true}
{"client":1,"start":1,"end":2,"success":[{"put":"a","value":"x","lease":7}],"revision":2,"results":[{}]}
{"client":2,"start":3,"end":4,"compares":[{"key":"a","mod":2}],"success":[{"put":"a","value":"y"},{"delete":"b","range_end":"c"}],"failure":[{"range":"a"}],"revision":3,"results":[{},{}]}

{"client":1,"start":3,"compares":[{"key":"a","value":"x"}],"success":[{"put":"a","value":"z"}]}
{"client":2,"start":5,"end":6,"success":[{"range":"a"}],"revision":3,"results":[{"kvs":[{"key":"a","value":"y","create":2,"mod":3,"version":2}]}]}
{"change":{"key":"a","value":"x","create":2,"mod":2,"version":1,"lease":7}}
{"change":{"key":"a","value":"y","create":2,"mod":3,"version":2}}
)";

Result<History> read(const std::string& text) {
    std::istringstream in(text);
    return read_history(in);
}

TEST(HistoryJson, ReadsWhatItWrites) {
    const auto history = read(kGood);
    ASSERT_TRUE(history) << history.error().message();
    ASSERT_EQ(history->calls.size(), 4u);
    EXPECT_EQ(history->changes.size(), 2u);
    EXPECT_TRUE(history->leases_expire);
    EXPECT_EQ(history->calls[0].success.front().lease, 7);
    EXPECT_FALSE(history->calls[2].answered());
    EXPECT_EQ(history->calls[2].compares.front().value, "x");
    std::ostringstream out;
    write_history(out, *history);
    const auto again = read(out.str());
    ASSERT_TRUE(again) << again.error().message();
    std::ostringstream second;
    write_history(second, *again);
    EXPECT_EQ(out.str(), second.str());
    EXPECT_EQ(again->calls[3].results, history->calls[3].results);
    EXPECT_EQ(again->changes, history->changes);
}

TEST(HistoryJson, NamesTheLineThatIsWrong) {
    for (const char* line :
         {"{", "[]", R"({"client":1})", R"({"success":[{"get":"a"}]})",
          R"({"start":1,"end":2,"success":[{"range":"a"}],"revision":2})",
          R"({"start":"x","success":[{"range":"a"}]})", R"({"success":["a"]})"}) {
        const auto history = read(std::string("{\"leases_expire\":false}\n") + line);
        ASSERT_FALSE(history) << line;
        EXPECT_TRUE(history.error().message().find("line 2") != std::string::npos)
            << history.error().message();
    }
}

}  // namespace
}  // namespace quorate::sim
