// SPDX-License-Identifier: Apache-2.0
#include "ctl/discovery.h"

#include "base/dns.h"
#include "base/errors.h"

#include <cstdio>

namespace quorate::ctl {
namespace {

std::string address_of(const SrvRecord& record) {
    return record.host + ":" + std::to_string(record.port);
}

}  // namespace

Result<std::vector<std::string>> discover_endpoints(const DiscoveryQuery& query) {
    const std::string suffix = query.service_suffix.empty() ? "" : "-" + query.service_suffix;
    const auto with_tls =
        look_up_srv("_etcd-client-ssl" + suffix + "._tcp." + query.domain, query.name_server);
    const auto without =
        look_up_srv("_etcd-client" + suffix + "._tcp." + query.domain, query.name_server);
    if (!with_tls && !without) {
        return Status(errors::kUnavailable, "discovery-srv: " + with_tls.error().message() + "; " +
                                                without.error().message());
    }
    std::vector<std::string> endpoints;
    if (with_tls) {
        for (const SrvRecord& record : *with_tls) {
            endpoints.push_back("https://" + address_of(record));
        }
    }
    if (without) {
        for (const SrvRecord& record : *without) {
            if (query.accepts_insecure) {
                endpoints.push_back("http://" + address_of(record));
            } else {
                std::fprintf(stderr, "ignoring discovered insecure endpoint \"http://%s\"\n",
                             address_of(record).c_str());
            }
        }
    }
    return endpoints;
}

}  // namespace quorate::ctl
