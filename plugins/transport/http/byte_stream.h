// SPDX-License-Identifier: Apache-2.0
//
// ByteStream: what a connection reads from and writes to, plain or TLS. Non-blocking; one thread.
#pragma once

#include "plugins/transport/http/address_check.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::http {

enum class IoState : uint8_t {
    kOk,
    kWouldBlock,  // wait for the socket
    kClosed,      // the peer has said that it sends no more
    kFailed,
};

struct IoResult {
    IoState state;
    size_t bytes;
};

class ByteStream {
  public:
    virtual ~ByteStream() = default;
    // kOk once bytes may flow. A plain stream is always there.
    virtual IoState handshake() = 0;
    virtual IoResult read(char* into, size_t capacity) = 0;
    // The last read left something that the socket does not announce: read again without waiting.
    virtual bool has_unread() const = 0;
    // Takes a prefix of `bytes`; less than all of it means that the socket is full.
    virtual IoResult write(std::string_view bytes) = 0;
    // Bytes that the stream has taken and the socket has not. write({}) goes on with them.
    virtual bool has_unsent() const = 0;
    // Says "no more from here" to the peer; reading goes on.
    virtual void shut_down() = 0;
    // The common name of the peer's verified certificate, or empty.
    virtual std::string_view common_name() const = 0;
    // Whether the peer's certificate may come from `address`; without one it may.
    virtual AddressCheck check_address(const std::string&) const { return {}; }
    // Why the stream failed, for the log; may be empty.
    virtual std::string_view failure() const = 0;
};

// `fd` stays the connection's and outlives the stream.
std::unique_ptr<ByteStream> make_plain_stream(int fd);

}  // namespace quorate::http
