// SPDX-License-Identifier: Apache-2.0
//
// EitherStream: of a listener for both, what its peer's first byte says: TLS, or plain text. One
// thread.
#pragma once

#include "plugins/transport/http/byte_stream.h"

#include <memory>

namespace quorate::http {

class TlsSource;

// Whether a connection that begins with this byte, the type of a record, speaks TLS.
constexpr bool begins_tls(char first) {
    return first == 0x16;
}

// `tls` and `fd` outlive the stream.
std::unique_ptr<ByteStream> make_either_stream(const TlsSource& tls, int fd);

}  // namespace quorate::http
