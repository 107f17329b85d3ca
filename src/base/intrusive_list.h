// SPDX-License-Identifier: Apache-2.0
//
// A list threaded through its elements: every operation is constant and allocates nothing. The
// list borrows; an element leaves the list before it dies or moves. One thread at a time.
#pragma once

#include "base/assert.h"

#include <cstddef>

namespace quorate {

// The first element's `previous` is itself, so that null means "in no list".
template <typename T>
struct ListLink {
    T* previous = nullptr;
    T* next = nullptr;
};

template <typename T, ListLink<T> T::*kLink>
class IntrusiveList {
  public:
    bool empty() const { return front_ == nullptr; }
    size_t size() const { return size_; }
    T* front() const { return front_; }
    T* back() const { return back_; }
    static T* next(const T& element) { return (element.*kLink).next; }
    static bool linked(const T& element) { return (element.*kLink).previous != nullptr; }

    void push_back(T& element) {
        ListLink<T>& link = element.*kLink;
        QUORATE_ASSERT(!linked(element));
        link = {.previous = back_ == nullptr ? &element : back_, .next = nullptr};
        (back_ == nullptr ? front_ : (back_->*kLink).next) = &element;
        back_ = &element;
        ++size_;
    }

    // `element` must be in this very list.
    void erase(T& element) {
        ListLink<T>& link = element.*kLink;
        QUORATE_ASSERT(linked(element));
        T* const before = link.previous == &element ? nullptr : link.previous;
        (before == nullptr ? front_ : (before->*kLink).next) = link.next;
        if (link.next == nullptr) {
            back_ = before;
        } else {
            (link.next->*kLink).previous = before == nullptr ? link.next : before;
        }
        link = {};
        --size_;
    }

    void move_to_back(T& element) {
        erase(element);
        push_back(element);
    }

  private:
    T* front_ = nullptr;
    T* back_ = nullptr;
    size_t size_ = 0;
};

}  // namespace quorate
