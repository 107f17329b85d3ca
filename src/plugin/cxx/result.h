// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or a plugin::Status, for the functions of plugin authors.
#pragma once

#include "plugin/cxx/barrier.h"

#include <utility>
#include <variant>

namespace quorate::plugin {

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT
    Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }
    T& operator*() { return std::get<0>(state_); }
    T* operator->() { return &std::get<0>(state_); }
    // The failure; ok() when there is a value.
    Status error() const { return has_value() ? Status() : std::get<1>(state_); }

  private:
    std::variant<T, Status> state_;
};

}  // namespace quorate::plugin
