// SPDX-License-Identifier: Apache-2.0
//
// Members and their ids. Values, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::cluster {

struct Member {
    uint64_t id = 0;
    std::string name;  // empty until the member has started and published itself
    std::vector<std::string> peer_urls;
    std::vector<std::string> client_urls;
    bool is_learner = false;
    std::string server_version = {};  // "3.7.1", published with the name
};

// The first eight bytes of SHA-1 over the sorted peer URLs and the cluster's token, as etcd derives
// it, so that the same command line gives the same ids here and there.
uint64_t derive_member_id(std::vector<std::string> peer_urls, ByteView cluster_token);

// The same over the sorted ids of the first members.
uint64_t derive_cluster_id(std::vector<uint64_t> member_ids);

// Lower-case hexadecimal without leading zeros, as all tools print ids.
std::string format_id(uint64_t id);

}  // namespace quorate::cluster
