// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1 requests, from bytes to head and body. Pure: no socket, no clock.
#pragma once

#include "plugins/transport/http/request_head.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::http {

// Where the header block that starts `bytes` ends, the empty line included; 0 while it has not.
// `from` is what an earlier call has searched.
size_t find_head_end(std::string_view bytes, size_t from);

struct Http1Head {
    uint32_t error_status = 0;  // not 0: answer with it and close; nothing else is set
    bool http10 = false;
    bool keep_alive = false;
    bool chunked = false;
    bool expects_continue = false;
    bool websocket = false;  // asks to become one; otherwise a header Upgrade is left out
    uint64_t content_length = 0;
};

// Reads one header block, which ends with its empty line, into `head`. Ambiguous framing (both
// lengths, or several) is an error, because two readers might understand it differently.
Http1Head parse_http1_head(std::string_view block, RequestHead& head);

// Takes the chunks of a body apart. Trailers are read and dropped.
class ChunkDecoder {
  public:
    enum class Result : uint8_t { kNeedMore, kDone, kTooLarge, kMalformed };

    explicit ChunkDecoder(uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

    void reset();
    // Appends to `body`; `ret_used` is how much of the input was taken.
    Result decode(std::string_view input, std::string& body, size_t& ret_used);

  private:
    enum class State : uint8_t { kSize, kData, kDataEnd, kTrailer };

    Result take_line(std::string_view line);

    const uint64_t body_bytes_max_;
    State state_ = State::kSize;
    std::string line_;
    uint64_t chunk_left_ = 0;
    size_t trailer_bytes_ = 0;
};

}  // namespace quorate::http
