// SPDX-License-Identifier: Apache-2.0
//
// Members by DNS: SRV records of a domain. The command's thread, which waits for the name servers.
#pragma once

#include "base/status.h"

#include <string>
#include <vector>

namespace quorate::ctl {

struct DiscoveryQuery {
    std::string domain;
    std::string service_suffix;    // "x" asks for _etcd-client-x._tcp
    bool accepts_insecure = true;  // take the records of services without TLS, too
    std::string name_server = {};  // "address:port"; empty: the system's
};

// URLs of the members, those with TLS first. errors::kUnavailable when no record is found.
Result<std::vector<std::string>> discover_endpoints(const DiscoveryQuery& query);

}  // namespace quorate::ctl
