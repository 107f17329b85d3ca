// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 answers, as far as a gateway's client has to understand them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::load {

struct Http1Answer {
    int status = 0;
    std::string body;
    bool closes = false;  // the connection ends with it
    size_t size = 0;      // bytes that it took
};

enum class Http1Progress : uint8_t { kMore, kDone, kMalformed };

// The answer that `bytes` begin with; whole or nothing, so it is only good for short ones.
Http1Progress read_http1_answer(std::string_view bytes, Http1Answer& answer);

}  // namespace quorate::load
