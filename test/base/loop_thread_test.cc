// SPDX-License-Identifier: Apache-2.0
#include "base/loop_thread.h"

#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace quorate {
namespace {

constexpr int64_t kForever_ns = 3'600'000'000'000;

// A loop that counts what it takes, and on whose threads.
class Taker {
  public:
    ~Taker() { thread_.stop(); }

    void start() {
        thread_.start([this] { return turn(); });
    }
    // Until the thread itself has begun to sleep, which nobody can see but by borrowing its turn.
    void run_here_when_asleep() {
        while (!thread_.run_here()) {
            std::this_thread::yield();
        }
    }
    void wait_for_taken(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return taken_ >= count; });
    }

    LoopThread& thread() { return thread_; }
    Mailbox<int>& inbox() { return inbox_; }
    int taken() {
        const std::lock_guard lock(mutex_);
        return taken_;
    }
    std::thread::id taken_on() {
        const std::lock_guard lock(mutex_);
        return taken_on_;
    }

    std::atomic<int64_t> sleep_ns{kForever_ns};
    std::function<void()> in_turn = [] {};

  private:
    int64_t turn() {
        std::vector<int> items;
        inbox_.take(items);
        in_turn();
        if (!items.empty()) {
            const std::lock_guard lock(mutex_);
            taken_ += static_cast<int>(items.size());
            taken_on_ = std::this_thread::get_id();
            changed_.notify_all();
        }
        return sleep_ns.load();
    }

    LoopThread thread_{"taker"};
    Mailbox<int> inbox_{100, thread_.waker()};
    std::mutex mutex_;
    std::condition_variable changed_;
    int taken_ = 0;
    std::thread::id taken_on_;
};

TEST(LoopThread, SleepsUntilSomethingIsPushed) {
    Taker taker;
    taker.start();
    taker.inbox().push_always(1);
    taker.wait_for_taken(1);
    EXPECT_NE(taker.taken_on(), std::this_thread::get_id());
}

TEST(LoopThread, LendsItsTurnWhileItSleeps) {
    Taker taker;
    taker.start();
    taker.run_here_when_asleep();
    taker.inbox().push_quietly(1);
    taker.run_here_when_asleep();
    EXPECT_EQ(taker.taken(), 1);
    EXPECT_EQ(taker.taken_on(), std::this_thread::get_id());
    taker.inbox().push_always(2);
    taker.wait_for_taken(2);
    EXPECT_NE(taker.taken_on(), std::this_thread::get_id());
}

TEST(LoopThread, LendsNothingBeforeItsStartAndAfterItsStop) {
    Taker taker;
    EXPECT_FALSE(taker.thread().run_here());
    taker.start();
    taker.run_here_when_asleep();
    taker.thread().stop();
    taker.inbox().push_quietly(1);
    EXPECT_FALSE(taker.thread().run_here());
    EXPECT_EQ(taker.taken(), 0);
}

TEST(LoopThread, LendsNothingWhileItIsAtWork) {
    Taker taker;
    std::atomic<bool> hold{false};
    std::atomic<bool> held{false};
    taker.in_turn = [&] {
        while (hold.load()) {
            held.store(true);
            std::this_thread::yield();
        }
    };
    taker.start();
    taker.run_here_when_asleep();
    hold.store(true);
    taker.inbox().push_always(1);
    while (!held.load()) {
        std::this_thread::yield();
    }
    EXPECT_FALSE(taker.thread().run_here());
    hold.store(false);
    taker.wait_for_taken(1);
}

// What comes while the turn is borrowed is kept, and nobody is woken for it in vain; but it is
// done.
TEST(LoopThread, DoesWhatComesDuringABorrowedTurn) {
    Taker taker;
    std::atomic<int> left{0};
    taker.in_turn = [&] {
        if (left.load() > 0) {
            left.fetch_sub(1);
            taker.inbox().push_always(1);
        }
    };
    taker.start();
    int taken = 0;
    for (int round = 0; round < 20; ++round) {
        taker.run_here_when_asleep();
        // It has let go of its turn, but only most probably sleeps: hence the rounds.
        for (int i = 0; i < 1000; ++i) {
            std::this_thread::yield();
        }
        left.store(10);  // more than are borrowed in one go
        taker.run_here_when_asleep();
        taken += 10;
        taker.wait_for_taken(taken);
    }
}

TEST(LoopThread, SleepsNoLongerThanABorrowedTurnSays) {
    Taker taker;
    taker.start();
    taker.run_here_when_asleep();
    std::atomic<int> turns{0};
    taker.in_turn = [&] {
        if (turns.fetch_add(1) == 1) {
            taker.sleep_ns.store(kForever_ns);
        }
    };
    taker.sleep_ns.store(10'000'000);
    taker.run_here_when_asleep();
    while (turns.load() < 2) {  // for ever, if the thread went on sleeping for an hour
        std::this_thread::yield();
    }
}

// Nothing is forgotten however pushes, borrowed turns and the thread's own meet.
TEST(LoopThread, TakesEverythingThatManyThreadsPush) {
    constexpr int kThreads = 4;
    constexpr int kItems = 20'000;
    Taker taker;
    taker.start();
    std::vector<std::thread> pushers;
    for (int i = 0; i < kThreads; ++i) {
        pushers.emplace_back([&, i] {
            for (int item = 0; item < kItems; ++item) {
                if (i % 2 == 0) {
                    while (!taker.inbox().push(int{item})) {
                        std::this_thread::yield();
                    }
                    continue;
                }
                taker.inbox().push_quietly(int{item});
                if (!taker.thread().run_here()) {
                    taker.inbox().wake();
                }
            }
        });
    }
    for (std::thread& pusher : pushers) {
        pusher.join();
    }
    taker.wait_for_taken(kThreads * kItems);
    EXPECT_EQ(taker.taken(), kThreads * kItems);
}

}  // namespace
}  // namespace quorate
