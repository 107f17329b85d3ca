// SPDX-License-Identifier: Apache-2.0
#include "cluster/member.h"

#include "base/assert.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace quorate::cluster {
namespace {

uint64_t first_bytes_of_sha1(ByteView data) {
    std::array<char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                   EVP_sha1(), nullptr);
    QUORATE_ASSERT(done == 1);
    QUORATE_ASSERT(size >= sizeof(uint64_t));
    return load_be64(digest.data());
}

}  // namespace

uint64_t derive_member_id(std::vector<std::string> peer_urls, ByteView cluster_token) {
    std::sort(peer_urls.begin(), peer_urls.end());
    Bytes joined;
    for (const std::string& url : peer_urls) {
        joined += url;
    }
    joined += cluster_token;
    return first_bytes_of_sha1(joined);
}

uint64_t derive_cluster_id(std::vector<uint64_t> member_ids) {
    std::sort(member_ids.begin(), member_ids.end());
    Bytes joined;
    for (const uint64_t id : member_ids) {
        append_be64(joined, id);
    }
    return first_bytes_of_sha1(joined);
}

std::string format_id(uint64_t id) {
    std::array<char, 17> text{};
    const int length =
        std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(id));
    return {text.data(), static_cast<size_t>(length)};
}

}  // namespace quorate::cluster
