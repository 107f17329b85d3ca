// SPDX-License-Identifier: Apache-2.0
//
// Status: one pointer to an ErrorDef (base/errors.h lists them all) and an optional detail.
// Result<T>: a value or a Status; member names follow std::expected so that it can be swapped in.
// Values, any thread. A Status is one word when it is fine.
#pragma once

#include "base/assert.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace quorate {

// gRPC's status codes, with gRPC's numbers: they go to clients as they are.
enum class Code : uint8_t {
    kOk = 0,
    kCanceled = 1,
    kUnknown = 2,
    kInvalidArgument = 3,
    kDeadlineExceeded = 4,
    kNotFound = 5,
    kAlreadyExists = 6,
    kPermissionDenied = 7,
    kResourceExhausted = 8,
    kFailedPrecondition = 9,
    kAborted = 10,
    kOutOfRange = 11,
    kUnimplemented = 12,
    kInternal = 13,
    kUnavailable = 14,
    kDataLoss = 15,
    kUnauthenticated = 16,
};

// The CamelCase name that gRPC metrics and logs print, "OK" for kOk.
std::string_view code_name(Code code);

struct ErrorDef {
    Code code;
    std::string_view text;  // part of the API: clients compare it
};

class [[nodiscard]] Status {
  public:
    Status() = default;
    Status(const ErrorDef& def) : def_(&def) {}  // NOLINT: errors convert to Status by design
    Status(const ErrorDef& def, std::string detail)
        : def_(&def), detail_(std::make_unique<std::string>(std::move(detail))) {}
    Status(const Status& other) { *this = other; }
    Status& operator=(const Status& other);
    Status(Status&&) noexcept = default;
    Status& operator=(Status&&) noexcept = default;
    ~Status() = default;

    // An error that another process reported; a code that gRPC does not know counts as kUnknown.
    static Status from_wire(uint32_t code, std::string text);

    bool ok() const { return def_ == nullptr; }
    Code code() const { return def_ == nullptr ? Code::kOk : def_->code; }
    bool is(const ErrorDef& def) const { return def_ == &def; }

    // The definition's text; with a detail "text: detail", or the detail alone for definitions
    // without a text of their own.
    std::string message() const;
    // The detail alone, for a layer that puts it into a message of its own.
    std::string_view detail() const {
        return detail_ == nullptr ? std::string_view() : std::string_view(*detail_);
    }

  private:
    const ErrorDef* def_ = nullptr;
    std::unique_ptr<std::string> detail_;
};

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT
    Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT
        QUORATE_ASSERT(!std::get<1>(state_).ok());
    }
    Result(const ErrorDef& def) : state_(std::in_place_index<1>, Status(def)) {}  // NOLINT

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & {
        QUORATE_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    const T& value() const& {
        QUORATE_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    T&& value() && {
        QUORATE_ASSERT(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // The failure; ok() when there is a value.
    Status error() const { return has_value() ? Status() : *std::get_if<1>(&state_); }

  private:
    std::variant<T, Status> state_;
};

}  // namespace quorate
