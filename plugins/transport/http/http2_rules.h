// SPDX-License-Identifier: Apache-2.0
//
// The rules of RFC 9113 §8 for a request's header fields. nghttp2 has them, too, but with its own
// idea of what an :authority may be: Go clients that are given a URL for an endpoint send the whole
// URL there, etcd takes it, and so must we. Everything else is as strict as nghttp2 is.
#pragma once

#include <cstdint>
#include <string_view>

namespace quorate::http {

class Http2RequestRules {
  public:
    // A request's header block begins.
    void begin() { *this = Http2RequestRules(); }
    // False: the request is malformed and its stream is to be reset with PROTOCOL_ERROR.
    bool accept(std::string_view name, std::string_view value);
    // The block is over: whether everything was there that has to be.
    bool complete() const { return (seen_ & kRequired) == kRequired; }

  private:
    static constexpr uint8_t kMethod = 1;
    static constexpr uint8_t kScheme = 2;
    static constexpr uint8_t kPath = 4;
    static constexpr uint8_t kAuthority = 8;
    static constexpr uint8_t kRequired = kMethod | kScheme | kPath;

    bool accept_pseudo(std::string_view name, std::string_view value);

    uint8_t seen_ = 0;
    bool regular_seen_ = false;
};

}  // namespace quorate::http
