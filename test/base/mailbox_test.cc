// SPDX-License-Identifier: Apache-2.0
#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorate {
namespace {

TEST(Mailbox, HandsOutAllInOrderAndRefusesWhenFull) {
    Waker waker;
    Mailbox<std::string> mailbox(2, waker);
    EXPECT_TRUE(mailbox.push("a"));
    EXPECT_TRUE(mailbox.push("b"));
    std::string third = "c";
    EXPECT_FALSE(mailbox.push(std::move(third)));
    EXPECT_EQ(third, "c");  // NOLINT(bugprone-use-after-move): it was not taken
    mailbox.push_always("d");
    std::vector<std::string> out = {"left over"};
    mailbox.take(out);
    EXPECT_EQ(out, (std::vector<std::string>{"a", "b", "d"}));
    EXPECT_TRUE(mailbox.empty());
    mailbox.take(out);
    EXPECT_TRUE(out.empty());
}

TEST(Mailbox, GivesBackWhatABurstTook) {
    constexpr size_t kBurst = 500'000;
    constexpr size_t kKept = 200'000;
    Waker waker;
    Mailbox<int64_t> mailbox(kBurst, waker);
    std::vector<int64_t> out;
    // Both of its buffers have seen the burst.
    for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < kBurst; ++i) {
            ASSERT_TRUE(mailbox.push(static_cast<int64_t>(i)));
        }
        mailbox.take(out);
        ASSERT_EQ(out.size(), kBurst);
        EXPECT_EQ(out.back(), static_cast<int64_t>(kBurst - 1));
    }
    mailbox.take(out);
    EXPECT_LT(out.capacity(), kKept);
    mailbox.take(out);
    EXPECT_LT(out.capacity(), kKept);
}

}  // namespace
}  // namespace quorate
