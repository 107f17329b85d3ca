// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/grpc_response.h"

#include "plugins/transport/http/grpc_status.h"

#include <nghttp2/nghttp2.h>

#include <charconv>

namespace quorate::http {
namespace {

constexpr size_t kHeaderBytesMax = 64 * 1024;
constexpr uint32_t kOk = 200;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

// gRPC's table for answers that are plain HTTP, such as a proxy's.
quorate_code code_of_http(uint32_t status) {
    switch (status) {
        case 400:
            return QUORATE_INTERNAL;
        case 401:
            return kUnauthenticated;
        case 403:
            return kPermissionDenied;
        case 404:
            return QUORATE_UNIMPLEMENTED;
        case 429:
        case 502:
        case 503:
        case 504:
            return QUORATE_UNAVAILABLE;
        default:
            return QUORATE_UNKNOWN;
    }
}

}  // namespace

bool GrpcResponse::add(std::string_view name, std::string_view value) {
    bytes_ += name.size() + value.size();
    if (bytes_ > kHeaderBytesMax) {
        return false;
    }
    if (name == ":status") {
        http_status_ = parse_number<uint32_t>(value).value_or(0);
    } else if (name == "content-type") {
        content_type_ = value;
    } else if (name == "grpc-status") {
        status_ = parse_number<quorate_code>(value).value_or(QUORATE_UNKNOWN);
    } else if (name == "grpc-message") {
        text_ = percent_decode(value);
    } else if (name == "grpc-encoding") {
        gzip_ = value == "gzip";
    }
    return true;
}

bool GrpcResponse::take_informational() {
    if (http_status_ / 100 != 1) {
        return false;
    }
    http_status_ = 0;
    return true;
}

std::optional<CallEnd> GrpcResponse::check() const {
    if (status_) {
        return std::nullopt;  // the peer's own word counts more
    }
    if (http_status_ != kOk) {
        return CallEnd{
            code_of_http(http_status_),
            "unexpected HTTP status code received from server: " + std::to_string(http_status_)};
    }
    if (!content_type_.starts_with("application/grpc")) {
        return CallEnd{QUORATE_UNKNOWN, "the server does not answer in gRPC but in content-type " +
                                            go_quote(content_type_)};
    }
    return std::nullopt;
}

CallEnd GrpcResponse::end() const {
    if (!status_) {
        return {QUORATE_INTERNAL, "server closed the stream without sending trailers"};
    }
    return {*status_, text_};
}

CallEnd reset_end(uint32_t error_code) {
    CallEnd end{QUORATE_INTERNAL, std::string("stream terminated by RST_STREAM with error code: ") +
                                      nghttp2_http2_strerror(error_code)};
    switch (error_code) {
        case NGHTTP2_REFUSED_STREAM:
            end.code = QUORATE_UNAVAILABLE;
            end.never_sent = true;
            break;
        case NGHTTP2_CANCEL:
            end.code = QUORATE_CANCELLED;
            break;
        case NGHTTP2_ENHANCE_YOUR_CALM:
            end.code = QUORATE_RESOURCE_EXHAUSTED;
            break;
        case NGHTTP2_INADEQUATE_SECURITY:
            end.code = kPermissionDenied;
            break;
        default:
            break;
    }
    return end;
}

}  // namespace quorate::http
