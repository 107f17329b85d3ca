// SPDX-License-Identifier: Apache-2.0
//
// Where a member answers, as etcdctl takes it: "host:port", or a URL with http, https, unix or
// unixs. Values, any thread.
#pragma once

#include "base/status.h"
#include "base/url.h"

#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

enum class EndpointTls : uint8_t { kNever, kIfConfigured, kAlways };

struct Endpoint {
    std::string text;  // as it was given, for messages and output
    Url url;
    EndpointTls tls = EndpointTls::kIfConfigured;

    // errors::kUsage with what is expected.
    static Result<Endpoint> parse(std::string_view text);
};

// A comma-separated list; blanks around an endpoint do not count.
std::vector<std::string> split_list(std::string_view text);

}  // namespace quorate::ctl
