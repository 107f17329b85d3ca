// SPDX-License-Identifier: Apache-2.0
//
// The target of an HTTP request: its path and its query, percent-decoded. Pure, any thread.
#pragma once

#include "base/bytes.h"
#include "transport/transport.h"

#include <string>
#include <utility>
#include <vector>

namespace quorate::rpc {

// Of pages that say what is wrong, as Go's servers send them: a browser is to take them for text.
inline constexpr transport::Header kNoSniffing{"x-content-type-options", "nosniff"};

struct HttpTarget {
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;  // in order, names may repeat

    static HttpTarget parse(ByteView target);

    bool has(ByteView name) const;
    // All values of a name, in order.
    std::vector<std::string> all(ByteView name) const;
};

}  // namespace quorate::rpc
