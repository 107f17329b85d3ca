// SPDX-License-Identifier: Apache-2.0
#include "rpc/client_versions.h"

#include <string>

namespace quorate::rpc {

ClientVersions::ClientVersions(metrics::Registry& metrics) : metrics_(metrics) {
    fill(others_, "other");
    find("unknown");
}

void ClientVersions::count(Kind kind, ByteView version) {
    Version& found = find(version.empty() ? "unknown" : version);
    (kind == Kind::kUnary ? found.unary : found.stream)->add();
}

ClientVersions::Version& ClientVersions::find(ByteView name) {
    const auto search = [&](size_t from, size_t end) -> Version* {
        for (size_t i = from; i < end; ++i) {
            if (versions_[i].name == name) {
                return &versions_[i];
            }
        }
        return nullptr;
    };
    const size_t known = known_.load(std::memory_order_acquire);
    if (Version* found = search(0, known)) {
        return *found;
    }
    if (name.size() > kVersionBytesMax) {
        return others_;
    }
    const std::lock_guard lock(mutex_);
    const size_t now_known = known_.load(std::memory_order_relaxed);
    if (Version* found = search(known, now_known)) {
        return *found;
    }
    if (now_known == kVersionsMax) {
        return others_;
    }
    fill(versions_[now_known], name);
    known_.store(now_known + 1, std::memory_order_release);
    return versions_[now_known];
}

void ClientVersions::fill(Version& version, ByteView name) {
    const auto counter = [&](const char* type) {
        return &metrics_.counter("etcd_server_client_requests_total",
                                 "The total number of client requests per client version.",
                                 {{"client_api_version", std::string(name)}, {"type", type}});
    };
    version.name = Bytes(name);
    version.unary = counter("unary");
    version.stream = counter("stream");
}

}  // namespace quorate::rpc
