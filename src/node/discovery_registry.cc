// SPDX-License-Identifier: Apache-2.0
#include "node/discovery_registry.h"

#include "base/errors.h"
#include "cluster/member.h"
#include "config/initial_cluster.h"
#include "config/values.h"

#include <algorithm>
#include <utility>

namespace quorate::node {
namespace {

constexpr uint64_t kMembersMax = 1000;

std::string one_line(const std::vector<Registration>& registrations) {
    std::string text;
    for (const Registration& one : registrations) {
        text += (text.empty() ? "" : "; ") + one.value;
    }
    return text;
}

}  // namespace

RegistryKeys::RegistryKeys(const std::string& token)
    : size("/_etcd/registry/" + token + "/_config/size"),
      members("/_etcd/registry/" + token + "/members") {}

std::string RegistryKeys::own(uint64_t member_id) const {
    return members + "/" + cluster::format_id(member_id);
}

Result<size_t> parse_cluster_size(const std::string& text, const std::string& key) {
    const auto size = config::to_uint64(config::trim(text), {1, kMembersMax});
    if (!size) {
        return Status(errors::kConfig, "discovery: size key is bad: " + key + " is " +
                                           config::in_quotes(text) + ", " + size.error().message());
    }
    return static_cast<size_t>(*size);
}

Result<std::vector<config::InitialMember>> founders(std::vector<Registration> registrations,
                                                    size_t size, const std::string& own_key) {
    std::sort(registrations.begin(), registrations.end(),
              [](const Registration& a, const Registration& b) {
                  return a.create_revision < b.create_revision;
              });
    if (registrations.size() >= size) {
        registrations.resize(size);
        const bool in = std::any_of(registrations.begin(), registrations.end(),
                                    [&](const Registration& one) { return one.key == own_key; });
        if (!in) {
            return Status(errors::kConfig,
                          "discovery: cluster is full: it has its " + std::to_string(size) +
                              " members (" + one_line(registrations) +
                              "); add this one with \"etcdctl member add\", or use another "
                              "--discovery-token");
        }
    }
    std::vector<config::InitialMember> members;
    for (const Registration& one : registrations) {
        auto parsed = config::parse_initial_cluster(one.value);
        if (!parsed || parsed->size() != 1) {
            return Status(errors::kConfig, "discovery: " + one.key + " is " +
                                               config::in_quotes(one.value) +
                                               ", which is no member" +
                                               (parsed ? "" : ": " + parsed.error().message()) +
                                               "; remove it, or use another --discovery-token");
        }
        members.push_back(std::move(parsed->front()));
    }
    std::sort(members.begin(), members.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto twin =
        std::adjacent_find(members.begin(), members.end(),
                           [](const auto& a, const auto& b) { return a.name == b.name; });
    if (twin != members.end()) {
        return Status(errors::kConfig,
                      "discovery: two members are called " + config::in_quotes(twin->name) + " (" +
                          one_line(registrations) +
                          "); give each its own --name and use another --discovery-token");
    }
    return members;
}

}  // namespace quorate::node
