// SPDX-License-Identifier: Apache-2.0
#include "mvcc/index_lock.h"

namespace quorate::mvcc {

namespace {

// Around 20 us: a slice of a range holds the lock that long, a request of the writer far less.
constexpr int kSpins = 512;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
}

}  // namespace

void IndexLock::lock() {
    if (mutex_.try_lock()) {
        return;
    }
    writer_waits_.store(true, std::memory_order_relaxed);
    bool mine = false;
    for (int i = 0; i < kSpins && !mine; ++i) {
        relax();
        mine = mutex_.try_lock();
    }
    if (!mine) {
        mutex_.lock();
    }
    writer_waits_.store(false, std::memory_order_relaxed);
}

void IndexLock::lock_shared() {
    for (int i = 0; i < kSpins; ++i) {
        if (!writer_waits_.load(std::memory_order_relaxed) && mutex_.try_lock_shared()) {
            return;
        }
        relax();
    }
    mutex_.lock_shared();
}

}  // namespace quorate::mvcc
