// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1 requests: heads and chunked bodies never crash, never take more than they were given, and
// do not depend on how the input is cut.
#include "plugins/transport/http/http1_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using quorate::http::ChunkDecoder;

constexpr uint64_t kBodyBytesMax = 4096;

void check(bool held) {
    if (!held) {
        std::abort();
    }
}

struct Body {
    ChunkDecoder::Result result = ChunkDecoder::Result::kNeedMore;
    std::string bytes;
    size_t used = 0;

    bool operator==(const Body&) const = default;
};

Body decode(std::string_view input, size_t piece_bytes) {
    ChunkDecoder decoder(kBodyBytesMax);
    Body body;
    while (body.used < input.size() && body.result == ChunkDecoder::Result::kNeedMore) {
        const std::string_view piece = input.substr(body.used, piece_bytes);
        size_t used = 0;
        body.result = decoder.decode(piece, body.bytes, used);
        check(used <= piece.size());
        check(body.result != ChunkDecoder::Result::kNeedMore || used == piece.size());
        check(body.bytes.size() <= kBodyBytesMax);
        body.used += used;
    }
    return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t head_bytes = quorate::http::find_head_end(input, 0);
    check(head_bytes <= size);
    if (head_bytes == 0) {
        return 0;
    }
    quorate::http::RequestHead head;
    const auto out = quorate::http::parse_http1_head(input.substr(0, head_bytes), head);
    if (out.error_status == 0) {
        check(!head.method().empty());
        check(!head.path().empty());
        for (const auto& field : head.headers()) {
            const std::string_view value(field.value.data, field.value.size);
            check(value.find_first_of("\r\n") == std::string_view::npos);
        }
    }
    const std::string_view rest = input.substr(head_bytes);
    const Body whole = decode(rest, std::string_view::npos);
    const Body pieces = decode(rest, 1 + head_bytes % 16);
    check(whole.result == pieces.result);
    if (whole.result == ChunkDecoder::Result::kDone) {
        check(whole == pieces);
    }
    return 0;
}
