// SPDX-License-Identifier: Apache-2.0
//
// What an HTTP/2 request is: gRPC, plain HTTP, or something to refuse before the core hears of it.
// Texts and codes are grpc-go's. Pure.
#pragma once

#include "plugin/abi/transport.h"
#include "plugins/transport/http/request_head.h"

#include <cstdint>
#include <optional>
#include <string>

namespace quorate::http {

struct Refusal {
    uint32_t http_status;
    quorate_code code;
    std::string text;
};

struct RequestKind {
    uint32_t protocol = QUORATE_PROTOCOL_HTTP;
    std::optional<Refusal> refusal;
    std::optional<int64_t> timeout_ms;
    bool gzip = false;  // messages with the compressed flag are gzip
};

// `serve` has the listener's QUORATE_SERVE_ bits.
RequestKind classify(const RequestHead& head, uint32_t serve);

}  // namespace quorate::http
