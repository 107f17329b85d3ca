// SPDX-License-Identifier: Apache-2.0
//
// Mailbox<T>: the only way work crosses from one loop to another. Many threads push, one loop takes
// everything that is there in one go. Bounded: a push into a full mailbox says so, and the pusher
// answers "too many requests" or holds its stream back.
#pragma once

#include "base/waker.h"

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace quorate {

template <typename T>
class Mailbox {
  public:
    // `waker` outlives the mailbox and belongs to the thread that calls take().
    Mailbox(size_t capacity, Waker& waker) : capacity_(capacity), waker_(waker) {}
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // Any thread. False when the mailbox is full; `item` is then untouched.
    [[nodiscard]] bool push(T&& item) {
        {
            const std::lock_guard lock(mutex_);
            if (items_.size() >= capacity_) {
                return false;
            }
            items_.push_back(std::move(item));
        }
        waker_.wake();
        return true;
    }

    // Any thread. For what must not be lost and whose number something else bounds (answers to
    // requests that were counted, ticks, stop).
    void push_always(T&& item) {
        {
            const std::lock_guard lock(mutex_);
            items_.push_back(std::move(item));
        }
        waker_.wake();
    }

    // The same without waking the loop: for what it will look for by itself. Whoever pushes asks
    // afterwards whether the loop still does, and wakes it if not.
    void push_quietly(T&& item) {
        const std::lock_guard lock(mutex_);
        items_.push_back(std::move(item));
    }
    void wake() { waker_.wake(); }

    // The owning loop. Replaces the content of `out` with all that is waiting, oldest first.
    void take(std::vector<T>& out) {
        out.clear();
        if (out.capacity() > kKeptItems) {
            out = std::vector<T>();  // what a burst has taken is given back
        }
        const std::lock_guard lock(mutex_);
        items_.swap(out);
    }

    bool empty() const {
        const std::lock_guard lock(mutex_);
        return items_.empty();
    }

  private:
    static constexpr size_t kKeptItems = 1 + 1024 * 1024 / sizeof(T);

    const size_t capacity_;
    Waker& waker_;
    mutable std::mutex mutex_;
    std::vector<T> items_;
};

}  // namespace quorate
