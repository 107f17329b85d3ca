// SPDX-License-Identifier: Apache-2.0
#include "ctl/endpoint.h"

#include "base/errors.h"

namespace quorate::ctl {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    Endpoint endpoint;
    endpoint.text = std::string(trim(text));
    const bool has_scheme = endpoint.text.find("://") != std::string::npos;
    auto url = Url::parse(has_scheme ? endpoint.text : "http://" + endpoint.text);
    if (!url) {
        return Status(errors::kUsage, "bad endpoint \"" + endpoint.text +
                                          "\": must be host:port, or a URL such as "
                                          "https://host:2379 or unix:///path (" +
                                          std::string(url.error().detail()) + ")");
    }
    endpoint.url = std::move(*url);
    if (has_scheme) {
        endpoint.tls = endpoint.url.is_tls() ? EndpointTls::kAlways : EndpointTls::kNever;
    }
    return endpoint;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const size_t comma = text.find(',');
        if (const auto part = trim(text.substr(0, comma)); !part.empty()) {
            parts.emplace_back(part);
        }
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return parts;
}

}  // namespace quorate::ctl
