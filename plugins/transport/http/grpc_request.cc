// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/grpc_request.h"

#include "plugins/transport/http/grpc_status.h"
#include "plugins/transport/http/grpc_timeout.h"

#include <string_view>

namespace quorate::http {
namespace {

constexpr std::string_view kGrpcType = "application/grpc";
constexpr uint32_t kBadRequest = 400;
constexpr uint32_t kMethodNotAllowed = 405;
constexpr uint32_t kUnsupportedMediaType = 415;

bool is_grpc_type(std::string_view type) {
    return type.starts_with(kGrpcType) &&
           (type.size() == kGrpcType.size() || type[kGrpcType.size()] == '+' ||
            type[kGrpcType.size()] == ';');
}

Refusal wrong_type(std::string_view type) {
    return {kUnsupportedMediaType, QUORATE_INVALID_ARGUMENT,
            "invalid gRPC request content-type " + go_quote(type)};
}

std::optional<Refusal> refuse_grpc(const RequestHead& head, uint32_t serve) {
    if (!is_grpc_type(head.content_type())) {
        return wrong_type(head.content_type());
    }
    if ((serve & QUORATE_SERVE_GRPC) == 0) {
        return Refusal{kUnsupportedMediaType, QUORATE_UNIMPLEMENTED,
                       "gRPC is not served on this address"};
    }
    if (head.method() != "POST") {
        return Refusal{kMethodNotAllowed, QUORATE_INTERNAL,
                       "Received a HEADERS frame with :method " + go_quote(head.method()) +
                           " which should be POST"};
    }
    return std::nullopt;
}

}  // namespace

RequestKind classify(const RequestHead& head, uint32_t serve) {
    RequestKind kind;
    if (!head.content_type().starts_with(kGrpcType)) {
        if ((serve & QUORATE_SERVE_HTTP) == 0) {
            kind.protocol = QUORATE_PROTOCOL_GRPC;
            kind.refusal = wrong_type(head.content_type());
        }
        return kind;
    }
    kind.protocol = QUORATE_PROTOCOL_GRPC;
    kind.refusal = refuse_grpc(head, serve);
    if (kind.refusal) {
        return kind;
    }
    const std::string_view timeout = head.grpc_timeout();
    if (head.has_grpc_timeout()) {
        kind.timeout_ms = parse_grpc_timeout(timeout);
        if (!kind.timeout_ms) {
            kind.refusal = Refusal{kBadRequest, QUORATE_INTERNAL, grpc_timeout_error(timeout)};
            return kind;
        }
        if (*kind.timeout_ms == 0) {
            // Whatever was called: nothing begins, as in grpc-go.
            kind.refusal = Refusal{200, QUORATE_DEADLINE_EXCEEDED, "context deadline exceeded"};
            return kind;
        }
    }
    const std::string_view encoding = head.grpc_encoding();
    kind.gzip = encoding == "gzip";
    if (!kind.gzip && !encoding.empty() && encoding != "identity") {
        kind.refusal =
            Refusal{200, QUORATE_UNIMPLEMENTED,
                    "grpc: Decompressor is not installed for grpc-encoding " + go_quote(encoding)};
    }
    return kind;
}

}  // namespace quorate::http
