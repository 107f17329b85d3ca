// SPDX-License-Identifier: Apache-2.0
//
// What a registry of clusters to be holds: etcd's v3 discovery, so that members of both read each
// other's. Under /_etcd/registry/<token> somebody has put the cluster's size into _config/size;
// each first member puts itself into members/<id> and waits until there are as many as that, of
// which the ones that came first count. Pure; any thread.
#pragma once

#include "base/status.h"
#include "config/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::node {

struct RegistryKeys {
    explicit RegistryKeys(const std::string& token);

    std::string size;
    std::string members;  // what all members' keys begin with
    std::string own(uint64_t member_id) const;
};

// errors::kConfig "discovery: size key is bad".
Result<size_t> parse_cluster_size(const std::string& text, const std::string& key);

struct Registration {
    std::string key;
    std::string value;  // name=url,name=url
    int64_t create_revision = 0;
};

// The founders among the registrations: the first `size`, in the order they came. Fewer while
// others are waited for. Errors, all errors::kConfig: "discovery: cluster is full" when there are
// enough without `own_key`; a founder that can't be read; two of one name.
Result<std::vector<config::InitialMember>> founders(std::vector<Registration> registrations,
                                                    size_t size, const std::string& own_key);

}  // namespace quorate::node
