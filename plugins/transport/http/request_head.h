// SPDX-License-Identifier: Apache-2.0
//
// RequestHead: method, path and headers of one request while they come in, from either protocol. It
// is reused from request to request, so the usual one costs no allocation.
#pragma once

#include "plugin/abi/transport.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::http {

class RequestHead {
  public:
    void clear();
    void set_method(std::string_view method) { method_ = put(method); }
    void set_path(std::string_view path) { path_ = put(path); }
    void set_authority(std::string_view authority) { authority_ = put(authority); }
    // `name` becomes lower case.
    void add(std::string_view name, std::string_view value);
    // Headers that steer the transport and are not shown to the core.
    void set_content_type(std::string_view value) { content_type_ = put(value); }
    void set_grpc_timeout(std::string_view value) {
        grpc_timeout_ = put(value);
        has_grpc_timeout_ = true;
    }
    void set_grpc_encoding(std::string_view value) { grpc_encoding_ = put(value); }

    // All views live until the next change.
    std::string_view method() const { return get(method_); }
    std::string_view path() const { return get(path_); }
    std::string_view authority() const { return get(authority_); }
    std::string_view content_type() const { return get(content_type_); }
    bool has_grpc_timeout() const { return has_grpc_timeout_; }
    std::string_view grpc_timeout() const { return get(grpc_timeout_); }
    std::string_view grpc_encoding() const { return get(grpc_encoding_); }
    // The headers as the core gets them, valid until the next change.
    const std::vector<quorate_header>& headers();

  private:
    struct Span {
        size_t offset = 0;
        size_t size = 0;
    };
    struct Field {
        Span name;
        Span value;
    };

    Span put(std::string_view text);
    std::string_view get(Span span) const {
        return std::string_view(bytes_).substr(span.offset, span.size);
    }

    std::string bytes_;
    std::vector<Field> fields_;
    std::vector<quorate_header> headers_;
    Span method_;
    Span path_;
    Span authority_;
    Span content_type_;
    Span grpc_timeout_;
    Span grpc_encoding_;
    bool has_grpc_timeout_ = false;
};

}  // namespace quorate::http
