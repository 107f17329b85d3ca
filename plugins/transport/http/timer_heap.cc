// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/timer_heap.h"

namespace quorate::http {

void TimerHeap::put(size_t place, Timer& timer) {
    heap_[place] = &timer;
    timer.place_ = place;
}

void TimerHeap::sift_up(size_t place) {
    Timer& timer = *heap_[place];
    while (place > 0) {
        const size_t parent = (place - 1) / 2;
        if (heap_[parent]->due_ms_ <= timer.due_ms_) {
            break;
        }
        put(place, *heap_[parent]);
        place = parent;
    }
    put(place, timer);
}

void TimerHeap::sift_down(size_t place) {
    Timer& timer = *heap_[place];
    for (;;) {
        size_t child = place * 2 + 1;
        if (child >= heap_.size()) {
            break;
        }
        if (child + 1 < heap_.size() && heap_[child + 1]->due_ms_ < heap_[child]->due_ms_) {
            ++child;
        }
        if (timer.due_ms_ <= heap_[child]->due_ms_) {
            break;
        }
        put(place, *heap_[child]);
        place = child;
    }
    put(place, timer);
}

void TimerHeap::arm(Timer& timer, int64_t due_ms) {
    cancel(timer);
    timer.due_ms_ = due_ms;
    heap_.push_back(&timer);
    sift_up(heap_.size() - 1);
}

void TimerHeap::cancel(Timer& timer) {
    if (!timer.armed()) {
        return;
    }
    const size_t place = timer.place_;
    timer.place_ = Timer::kNowhere;
    Timer& last = *heap_.back();
    heap_.pop_back();
    if (&last == &timer) {
        return;
    }
    put(place, last);
    sift_up(place);
    sift_down(last.place_);
}

void TimerHeap::fire(int64_t now_ms) {
    while (!heap_.empty() && heap_.front()->due_ms_ <= now_ms) {
        Timer& timer = *heap_.front();
        cancel(timer);
        timer.on_timer();
    }
}

int64_t TimerHeap::next_due_ms() const {
    return heap_.empty() ? std::numeric_limits<int64_t>::max() : heap_.front()->due_ms_;
}

}  // namespace quorate::http
