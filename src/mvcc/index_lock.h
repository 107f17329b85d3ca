// SPDX-License-Identifier: Apache-2.0
//
// IndexLock: the one lock of the store, shared by readers, exclusive for the apply loop. A shared
// mutex with two things added, because what it guards takes a microsecond and is asked for by every
// request:
//   - both sides spin for about as long as the other side holds it before they let the kernel put
//     them to sleep, which costs thirty times as much as the wait;
//   - a waiting writer goes first. The C library's shared mutex prefers readers, and a store whose
//     readers overlap without a break would never write again.
// Order: Pins and RecordCache have mutexes of their own, taken alone or inside this lock.
#pragma once

#include <atomic>
#include <shared_mutex>

namespace quorate::mvcc {

class IndexLock {
  public:
    void lock();
    void unlock() { mutex_.unlock(); }
    void lock_shared();
    void unlock_shared() { mutex_.unlock_shared(); }

  private:
    std::shared_mutex mutex_;
    std::atomic<bool> writer_waits_{false};
};

}  // namespace quorate::mvcc
