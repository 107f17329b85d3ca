// SPDX-License-Identifier: Apache-2.0
//
// What we call ourselves, and what we answer when a client asks for etcd's version.
#pragma once

#include <string_view>

namespace quorate::config {

// The etcd release whose interface is implemented. Kubernetes and etcdctl parse it.
inline constexpr std::string_view kEtcdVersion = "3.7.1";
inline constexpr std::string_view kEtcdClusterVersion = "3.7.0";

// Our own release, and the commit it was built from ("unknown" outside of a checkout).
extern const std::string_view kQuorateVersion;
extern const std::string_view kGitCommit;

}  // namespace quorate::config
