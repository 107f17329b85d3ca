// SPDX-License-Identifier: Apache-2.0
#include "node/discovery_srv.h"

#include "base/errors.h"
#include "base/log.h"

#include <algorithm>
#include <set>
#include <utility>

namespace quorate::node {
namespace {

struct Endpoint {
    std::string address;
    uint16_t port;

    auto operator<=>(const Endpoint&) const = default;
};

// Where the other members are told to find this one.
Result<std::set<Endpoint>> own_endpoints(const config::Config& config, Url::Scheme scheme,
                                         const NameService& names) {
    std::set<Endpoint> own;
    for (const Url& url : config.urls.advertise_peer) {
        if (url.scheme != scheme) {
            continue;
        }
        const auto addresses = names.addresses(url.host);
        if (!addresses) {
            return Status(errors::kConfig, "initial-advertise-peer-urls: " + url.to_string() +
                                               ": " + addresses.error().message());
        }
        for (const std::string& address : *addresses) {
            own.insert({address, url.port});
        }
    }
    return own;
}

struct Found {
    std::vector<Url> own;
    std::vector<Url> others;
    std::string failures;

    std::string describe() const {
        std::string text;
        for (const std::vector<Url>* urls : {&own, &others}) {
            for (const Url& url : *urls) {
                text += (text.empty() ? "" : ", ") + url.to_string();
            }
        }
        return text;
    }
};

void add_failure(Found& found, const Status& why) {
    found.failures += (found.failures.empty() ? "" : "; ") + why.message();
}

// Adds the members under one name. One that has none is nothing wrong while another has some.
Status add_records(const config::Config& config, Url::Scheme scheme, const std::string& name,
                   const NameService& names, Found& found) {
    const auto records = names.srv(name);
    if (!records) {
        add_failure(found, records.error());
        return records.error().is(errors::kConfig) ? records.error() : Status();
    }
    const auto own = own_endpoints(config, scheme, names);
    if (!own) {
        return own.error();
    }
    for (const SrvRecord& record : *records) {
        Url url;
        url.scheme = scheme;
        url.host = record.host;
        url.port = record.port;
        const auto addresses = names.addresses(record.host);
        if (!addresses) {
            return {errors::kConfig, "discovery-srv: " + name + " names " + url.to_string() +
                                         ", which can't be found: " + addresses.error().message()};
        }
        const bool is_own =
            std::any_of(addresses->begin(), addresses->end(), [&](const std::string& address) {
                return own->contains({address, url.port});
            });
        (is_own ? found.own : found.others).push_back(url);
        log::info("found a member by DNS", {{"service", name}, {"peer-url", url.to_string()}});
    }
    return {};
}

std::string advertised(const config::Config& config) {
    std::string text;
    for (const Url& url : config.urls.advertise_peer) {
        text += (text.empty() ? "" : ",") + url.to_string();
    }
    return text;
}

}  // namespace

NameService name_service(const config::DiscoveryConfig& discovery) {
    return {[server = discovery.dns_server](const std::string& name) {
                return look_up_srv(name, server);
            },
            look_up_addresses};
}

Result<std::vector<config::InitialMember>> members_by_srv(const config::Config& config,
                                                          const NameService& names) {
    const config::DiscoveryConfig& discovery = config.discovery;
    const std::string suffix = (discovery.srv_name.empty() ? "" : "-" + discovery.srv_name) +
                               "._tcp." + discovery.srv_domain;
    Found found;
    Status s = add_records(config, Url::Scheme::kHttps, "_etcd-server-ssl" + suffix, names, found);
    if (s.ok()) {
        s = add_records(config, Url::Scheme::kHttp, "_etcd-server" + suffix, names, found);
    }
    if (!s.ok()) {
        return s;
    }
    if (found.own.empty() && found.others.empty()) {
        return Status(errors::kConfig, "discovery-srv: no SRV records list the members (" +
                                           found.failures +
                                           "); add them, or use --initial-cluster");
    }
    if (found.own.empty()) {
        return Status(errors::kConfig, "cannot find local etcd member \"" + config.member.name +
                                           "\" in SRV records: they list " + found.describe() +
                                           ", and --initial-advertise-peer-urls is " +
                                           advertised(config) +
                                           "; one of them must stand for the other");
    }
    std::vector<config::InitialMember> members = {{config.member.name, std::move(found.own)}};
    std::sort(members[0].peer_urls.begin(), members[0].peer_urls.end(),
              [](const Url& a, const Url& b) { return a.to_string() < b.to_string(); });
    for (const Url& url : found.others) {
        members.push_back({std::to_string(members.size() - 1), {url}});
    }
    return members;
}

}  // namespace quorate::node
