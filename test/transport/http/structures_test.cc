// SPDX-License-Identifier: Apache-2.0
//
// The small structures, each against a naive twin on random input.
#include "plugins/transport/http/abuse_limits.h"
#include "plugins/transport/http/mailbox.h"
#include "plugins/transport/http/options.h"
#include "plugins/transport/http/out_queue.h"
#include "plugins/transport/http/poll_window.h"
#include "plugins/transport/http/timer_heap.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace quorate::http {
namespace {

TEST(OutQueue, AgreesWithAString) {
    std::mt19937 random(1);
    for (int round = 0; round < 10; ++round) {
        OutQueue queue;
        std::string twin;
        for (int step = 0; step < 400; ++step) {
            std::string bytes(random() % 4 == 0 ? random() % 50000 : random() % 300, '\0');
            for (char& c : bytes) {
                c = static_cast<char>(random());
            }
            switch (random() % 5) {
                case 0:
                    queue.append(std::string_view(bytes));
                    twin += bytes;
                    break;
                case 1:
                    twin += bytes;
                    queue.append(std::move(bytes));
                    break;
                case 2:
                    if (random() % 10 == 0) {
                        const size_t kept = twin.empty() ? 0 : random() % twin.size();
                        queue.truncate(kept);
                        twin.resize(kept);
                    }
                    break;
                default: {
                    const std::string_view front = queue.front();
                    ASSERT_EQ(front, twin.substr(0, front.size()));
                    ASSERT_EQ(front.empty(), twin.empty());
                    const size_t taken = twin.empty() ? 0 : random() % (twin.size() + 1);
                    queue.consume(taken);
                    twin.erase(0, taken);
                    break;
                }
            }
            ASSERT_EQ(queue.size(), twin.size());
        }
    }
}

TEST(OutQueue, DoesNotGrowWhileItNeverRunsEmpty) {
    OutQueue queue;
    for (int i = 0; i < 100000; ++i) {
        queue.append(std::string(100, 'x'));
        queue.consume(i == 0 ? 50 : 100);
    }
    EXPECT_EQ(queue.size(), 50U);
    EXPECT_EQ(queue.front(), std::string(50, 'x'));
}

class Alarm final : public Timer {
  public:
    Alarm(int number, std::vector<int>& rung) : number_(number), rung_(rung) {}
    void on_timer() override { rung_.push_back(number_); }

  private:
    const int number_;
    std::vector<int>& rung_;
};

TEST(TimerHeap, FiresWhatATwinFires) {
    std::mt19937 random(1);
    std::vector<int> rung;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 200; ++i) {
        alarms.push_back(std::make_unique<Alarm>(i, rung));
    }
    TimerHeap heap;
    std::map<int, int64_t> twin;
    int64_t now_ms = 0;
    for (int step = 0; step < 20000; ++step) {
        const int number = static_cast<int>(random() % alarms.size());
        Alarm& alarm = *alarms[static_cast<size_t>(number)];
        switch (random() % 4) {
            case 0:
            case 1:
                twin[number] = now_ms + static_cast<int64_t>(random() % 1000);
                heap.arm(alarm, twin[number]);
                break;
            case 2:
                twin.erase(number);
                heap.cancel(alarm);
                break;
            default:
                now_ms += static_cast<int64_t>(random() % 40);
                rung.clear();
                heap.fire(now_ms);
                int64_t last_ms = 0;
                for (const int fired : rung) {
                    ASSERT_LE(twin.at(fired), now_ms);
                    ASSERT_GE(twin.at(fired), last_ms) << "out of order";
                    last_ms = twin.at(fired);
                    twin.erase(fired);
                }
                break;
        }
        int64_t earliest_ms = std::numeric_limits<int64_t>::max();
        for (const auto& [_, due_ms] : twin) {
            earliest_ms = std::min(earliest_ms, due_ms);
        }
        ASSERT_EQ(heap.next_due_ms(), earliest_ms);
    }
    for (const auto& alarm : alarms) {
        heap.cancel(*alarm);
    }
}

TEST(TokenBucket, RefillsWithTime) {
    TokenBucket bucket(3, 10);
    EXPECT_TRUE(bucket.take(1000));
    EXPECT_TRUE(bucket.take(1000));
    EXPECT_TRUE(bucket.take(1000));
    EXPECT_FALSE(bucket.take(1000));
    EXPECT_FALSE(bucket.take(1099));
    EXPECT_TRUE(bucket.take(1100));
    EXPECT_FALSE(bucket.take(1100));
    EXPECT_TRUE(bucket.take(INT64_MAX / 2));
}

TEST(PingPolicy, StrikesOutAtTheThirdHastyPing) {
    PingPolicy policy(5000, false);
    EXPECT_TRUE(policy.on_ping(0, true));
    EXPECT_TRUE(policy.on_ping(1000, true));
    EXPECT_TRUE(policy.on_ping(2000, true));
    EXPECT_FALSE(policy.on_ping(3000, true));
}

TEST(PingPolicy, AllowsTheMinimumIntervalForever) {
    PingPolicy policy(5000, false);
    for (int64_t now_ms = 0; now_ms < 1000000; now_ms += 5000) {
        ASSERT_TRUE(policy.on_ping(now_ms, true));
    }
}

TEST(PingPolicy, WantsTwoHoursWithoutStreams) {
    PingPolicy policy(5000, false);
    EXPECT_TRUE(policy.on_ping(0, false));
    EXPECT_TRUE(policy.on_ping(10000, false));
    EXPECT_TRUE(policy.on_ping(20000, false));
    EXPECT_FALSE(policy.on_ping(30000, false));
    PingPolicy permissive(5000, true);
    for (int64_t now_ms = 0; now_ms < 100000; now_ms += 5000) {
        ASSERT_TRUE(permissive.on_ping(now_ms, false));
    }
}

TEST(PingPolicy, ForgivesAfterSendingData) {
    PingPolicy policy(5000, false);
    for (int64_t now_ms = 0; now_ms < 1000; ++now_ms) {
        policy.on_sent_headers_or_data();
        ASSERT_TRUE(policy.on_ping(now_ms, true));
    }
}

quorate_option option(std::string_view key, std::string_view value) {
    return {plugin::bytes(key), plugin::bytes(value)};
}

TEST(Options, AreReadByName) {
    Options options;
    const quorate_option list[] = {option("threads", "3"), option("max_receive_bytes", "1000")};
    EXPECT_TRUE(options.parse(list, 2).ok());
    EXPECT_EQ(options.threads, 3U);
    EXPECT_EQ(options.max_receive_bytes, 1000U);
    EXPECT_EQ(options.keepalive_interval, 7200000U);
}

TEST(Options, LeaveRoomForOneMessage) {
    Options options;
    const quorate_option list[] = {option("max_receive_bytes", "1000000000")};
    EXPECT_TRUE(options.parse(list, 1).ok());
    EXPECT_EQ(options.connection_receive_bytes, 1000000000U);
}

TEST(Options, RefuseWhatTheyDoNotKnow) {
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"thread", "3"},
                                                          {"threads", "0"},
                                                          {"threads", "three"},
                                                          {"threads", ""},
                                                          {"threads", "-1"},
                                                          {"threads", "1 "},
                                                          {"max_receive_bytes", "99999999999"}}) {
        Options options;
        const quorate_option list[] = {option(key, value)};
        const plugin::Status status = options.parse(list, 1);
        EXPECT_EQ(status.code(), QUORATE_INVALID_ARGUMENT) << key << "=" << value;
        EXPECT_NE(status.text().find(key), std::string::npos) << status.text();
    }
}

TEST(Mailbox, WakesOnlyASleeper) {
    Mailbox mailbox;
    EXPECT_FALSE(mailbox.must_wake()) << "nothing waits";
    ASSERT_TRUE(mailbox.push(Command{nullptr, Command::Kind::kHold}, "a"));
    EXPECT_FALSE(mailbox.must_wake()) << "the loop is awake";
    EXPECT_FALSE(mailbox.announce_sleep()) << "something waits";
    CommandBatch batch;
    mailbox.take(batch);
    ASSERT_EQ(batch.commands.size(), 1U);
    EXPECT_EQ(batch.payload(batch.commands[0]), "a");
    batch.clear();
    EXPECT_TRUE(mailbox.announce_sleep());
    EXPECT_FALSE(mailbox.must_wake()) << "nothing waits";
    ASSERT_TRUE(mailbox.push(Command{nullptr, Command::Kind::kHold}, "b"));
    EXPECT_TRUE(mailbox.must_wake());
    EXPECT_FALSE(mailbox.must_wake()) << "one wake is enough";
}

TEST(Mailbox, KeepsNothingOnceClosed) {
    Mailbox mailbox;
    ASSERT_TRUE(mailbox.push(Command{nullptr, Command::Kind::kHold}, "a"));
    CommandBatch batch;
    mailbox.close(batch);
    EXPECT_EQ(batch.commands.size(), 1U);
    EXPECT_FALSE(mailbox.push(Command{nullptr, Command::Kind::kHold}, "b"));
}

class PollWindowTest : public testing::Test {
  protected:
    static constexpr int64_t kWindow_ns = 60'000;
    static constexpr int64_t kSoon_ns = kWindow_ns / 2;
    static constexpr int64_t kLate_ns = kWindow_ns * 10;

    void turns(int count, const void* peer, int64_t waited_ns) {
        for (int i = 0; i < count; ++i) {
            window_.on_turn(peer, waited_ns);
        }
    }
    bool polls() const { return window_.poll_ns() > 0; }

    PollWindow window_{kWindow_ns};
    const int peers_[2] = {0, 0};
    const void* one_ = &peers_[0];
    const void* other_ = &peers_[1];
};

TEST_F(PollWindowTest, PollsForOnePeerThatAsksAgainAtOnce) {
    EXPECT_FALSE(polls());
    turns(10, one_, kSoon_ns);
    EXPECT_FALSE(polls());
    turns(20, one_, kSoon_ns);
    EXPECT_EQ(window_.poll_ns(), kWindow_ns);
}

TEST_F(PollWindowTest, ASleepingThreadLearnsOfARequestLater) {
    turns(17, one_, kWindow_ns + kWindow_ns / 2);
    EXPECT_TRUE(polls());
    // Awake it should have seen it.
    turns(1, one_, kWindow_ns + kWindow_ns / 2);
    EXPECT_FALSE(polls());
}

TEST_F(PollWindowTest, ASlowRequestAmongManyQuickOnesIsForgiven) {
    for (int round = 0; round < 20; ++round) {
        turns(20, one_, kSoon_ns);
        turns(1, one_, kLate_ns);
        EXPECT_TRUE(polls() || round == 0) << round;
    }
}

TEST_F(PollWindowTest, SleepsForOneThatTakesItsTime) {
    turns(1000, one_, kLate_ns);
    EXPECT_FALSE(polls());
    // As soon as awake it is missed, so it costs one window in some waits.
    int polled = 0;
    for (int i = 0; i < 1000; ++i) {
        polled += polls() ? 1 : 0;
        window_.on_turn(one_, kWindow_ns + 1);
    }
    EXPECT_LT(polled, 130);
}

TEST_F(PollWindowTest, SleepsWhenOthersTalkToo) {
    for (int i = 0; i < 100; ++i) {
        turns(10, one_, kSoon_ns);
        turns(1, i % 2 == 0 ? other_ : nullptr, kSoon_ns);
        EXPECT_FALSE(polls());
    }
    turns(40, one_, kSoon_ns);
    EXPECT_TRUE(polls());
    turns(1, nullptr, kSoon_ns);
    EXPECT_FALSE(polls());
}

TEST_F(PollWindowTest, NeverWithoutAWindow) {
    PollWindow none(0);
    for (int i = 0; i < 100; ++i) {
        none.on_turn(one_, 0);
        EXPECT_EQ(none.poll_ns(), 0);
    }
}

}  // namespace
}  // namespace quorate::http
