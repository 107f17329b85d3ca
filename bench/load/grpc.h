// SPDX-License-Identifier: Apache-2.0
//
// What of gRPC a client needs to know: method paths, status and its text. Values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::load {

enum class Method : uint8_t {
    kRange,
    kPut,
    kDeleteRange,
    kTxn,
    kWatch,
    kLeaseGrant,
    kLeaseKeepAlive,
};
inline constexpr size_t kMethodCount = 7;

std::string_view method_path(Method method);

// How a call ended. A call that broke before its trailers has kUnavailable and our own text.
struct GrpcStatus {
    static constexpr int kUnknownCode = 2;
    static constexpr int kUnavailable = 14;

    int code = 0;
    std::string text;

    bool ok() const { return code == 0; }
    // "Unavailable (14): text", as the report prints it.
    std::string describe() const;
};

// grpc-message is percent-encoded; what is not valid stays as it is.
std::string percent_decode(std::string_view text);

inline constexpr size_t kGrpcPrefix = 5;  // flag byte, big-endian length

}  // namespace quorate::load
