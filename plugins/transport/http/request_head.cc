// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/request_head.h"

#include "plugin/cxx/barrier.h"

namespace quorate::http {
namespace {

constexpr size_t kKeptBytes = 16 * 1024;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

void RequestHead::clear() {
    if (bytes_.capacity() > kKeptBytes) {
        bytes_ = std::string();
    }
    bytes_.clear();
    fields_.clear();
    method_ = path_ = authority_ = content_type_ = grpc_timeout_ = grpc_encoding_ = Span();
    has_grpc_timeout_ = false;
}

RequestHead::Span RequestHead::put(std::string_view text) {
    const Span span{bytes_.size(), text.size()};
    bytes_.append(text);
    return span;
}

void RequestHead::add(std::string_view name, std::string_view value) {
    const Span name_span = put(name);
    for (size_t i = name_span.offset; i < bytes_.size(); ++i) {
        bytes_[i] = lower(bytes_[i]);
    }
    fields_.push_back({name_span, put(value)});
}

const std::vector<quorate_header>& RequestHead::headers() {
    headers_.clear();
    for (const Field& field : fields_) {
        headers_.push_back({plugin::bytes(get(field.name)), plugin::bytes(get(field.value))});
    }
    return headers_;
}

}  // namespace quorate::http
