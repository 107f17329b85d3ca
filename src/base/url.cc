// SPDX-License-Identifier: Apache-2.0
#include "base/url.h"

#include "base/errors.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace quorate {

namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

Status fail(std::string_view text, std::string_view url) {
    return {errors::kConfig, std::string(text) + std::string(url)};
}

// The scheme in lower case without its colon; empty when the text has none.
Result<std::string> scheme_of(std::string_view url) {
    for (size_t i = 0; i < url.size(); ++i) {
        const char c = url[i];
        if (c == ':') {
            if (i == 0) {
                return fail("missing protocol scheme: ", url);
            }
            std::string scheme(url.substr(0, i));
            std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char x) {
                return x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x;
            });
            return scheme;
        }
        const bool inner = is_digit(c) || c == '+' || c == '-' || c == '.';
        if (!is_letter(c) && (i == 0 || !inner)) {
            break;
        }
    }
    const std::string_view first_segment = url.substr(0, url.find('/'));
    if (first_segment.find(':') != std::string_view::npos) {
        return fail("first path segment in URL cannot contain colon: ", url);
    }
    return std::string();
}

std::optional<Url::Scheme> known_scheme(std::string_view scheme) {
    if (scheme == "http") {
        return Url::Scheme::kHttp;
    }
    if (scheme == "https") {
        return Url::Scheme::kHttps;
    }
    if (scheme == "unix") {
        return Url::Scheme::kUnix;
    }
    if (scheme == "unixs") {
        return Url::Scheme::kUnixs;
    }
    return std::nullopt;
}

std::string_view scheme_name(Url::Scheme scheme) {
    switch (scheme) {
        case Url::Scheme::kHttp:
            return "http";
        case Url::Scheme::kHttps:
            return "https";
        case Url::Scheme::kUnix:
            return "unix";
        case Url::Scheme::kUnixs:
            return "unixs";
    }
    QUORATE_ASSERT(false);
}

bool is_ipv6(const std::string& host) {
    in6_addr address;
    return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// "host:port" or "[v6]:port" into `url`; false when it has another form.
bool split_host_port(std::string_view authority, Url& url) {
    const size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos) {
        return false;
    }
    std::string_view host = authority.substr(0, colon);
    const std::string_view port = authority.substr(colon + 1);
    if (!host.empty() && host.front() == '[') {
        if (host.back() != ']') {
            return false;
        }
        host = host.substr(1, host.size() - 2);
        if (!is_ipv6(std::string(host))) {
            return false;
        }
    } else if (!std::all_of(host.begin(), host.end(), [](char c) {
                   return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
               })) {
        return false;
    }
    url.host = std::string(host);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    return port.empty() || (error == std::errc() && end == port.data() + port.size());
}

}  // namespace

Result<Url> Url::parse(std::string_view raw) {
    const std::string_view text = trim(raw);
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != 0x7f; });
    if (!printable) {
        return fail("URL must be printable ASCII without blanks: ", text);
    }
    Result<std::string> scheme = scheme_of(text);
    if (!scheme) {
        return scheme.error();
    }
    const std::optional<Scheme> known = known_scheme(*scheme);
    if (!known) {
        return fail("URL scheme must be http, https, unix, or unixs: ", text);
    }
    Url url;
    url.scheme = *known;
    std::string_view rest = text.substr(scheme->size() + 1);
    const bool has_authority = rest.substr(0, 2) == "//";
    if (has_authority) {
        rest.remove_prefix(2);
    }
    if (url.is_unix()) {
        url.path = std::string(rest);
        if (url.path.empty()) {
            return fail("URL must contain the path of a socket: ", text);
        }
        return url;
    }
    if (rest.find_first_of("?#@") != std::string_view::npos) {
        return fail("URL must not contain a user, a query or a fragment: ", text);
    }
    const size_t slash = rest.find('/');
    if (!has_authority || !split_host_port(rest.substr(0, slash), url)) {
        return fail("URL address does not have the form \"host:port\": ", text);
    }
    if (slash != std::string_view::npos) {
        return fail("URL must not contain a path: ", text);
    }
    return url;
}

Result<std::vector<Url>> Url::parse_list(std::string_view text) {
    std::vector<Url> urls;
    for (bool more = true; more;) {
        const size_t comma = text.find(',');
        Result<Url> url = parse(text.substr(0, comma));
        if (!url) {
            return url.error();
        }
        urls.push_back(std::move(url).value());
        more = comma != std::string_view::npos;
        text.remove_prefix(more ? comma + 1 : text.size());
    }
    std::sort(urls.begin(), urls.end(),
              [](const Url& a, const Url& b) { return a.to_string() < b.to_string(); });
    urls.erase(std::unique(urls.begin(), urls.end()), urls.end());
    return urls;
}

bool Url::has_ip() const {
    in_addr address;
    return inet_pton(AF_INET, host.c_str(), &address) == 1 || is_ipv6(host);
}

std::string Url::address() const {
    if (is_unix()) {
        return path;
    }
    const bool brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::to_string() const {
    return std::string(scheme_name(scheme)) + "://" + address();
}

std::vector<std::string> to_strings(const std::vector<Url>& urls) {
    std::vector<std::string> texts;
    texts.reserve(urls.size());
    for (const Url& url : urls) {
        texts.push_back(url.to_string());
    }
    return texts;
}

}  // namespace quorate
