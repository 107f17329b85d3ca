// SPDX-License-Identifier: Apache-2.0
//
// Members found by DNS (--discovery-srv): SRV records under _etcd-server-ssl._tcp and
// _etcd-server._tcp of a domain name the peer URLs of all first members. Records have no member
// names: each member knows its own, by its peer URL, and hears the others' from themselves.
// Start-stop thread; waits for the name server.
#pragma once

#include "base/dns.h"
#include "base/status.h"
#include "config/config.h"

#include <functional>
#include <string>
#include <vector>

namespace quorate::node {

struct NameService {
    std::function<Result<std::vector<SrvRecord>>(const std::string& name)> srv;
    std::function<Result<std::vector<std::string>>(const std::string& host)> addresses;
};

// The system's, or the one of --discovery-dns-server.
NameService name_service(const config::DiscoveryConfig& discovery);

// The members, this one by its name and the others by numbers. errors::kConfig when there are no
// records, or none is this member: it says what was asked for and what was found.
Result<std::vector<config::InitialMember>> members_by_srv(const config::Config& config,
                                                          const NameService& names);

}  // namespace quorate::node
