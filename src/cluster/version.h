// SPDX-License-Identifier: Apache-2.0
//
// The version that the cluster works at: the smallest of its members', raised by the leader when
// all have a newer one, lowered one minor while a downgrade is under way. Pure, any thread.
#pragma once

#include "cluster/membership.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::cluster {

struct Version {
    int major = 0;
    int minor = 0;

    friend auto operator<=>(const Version&, const Version&) = default;
};

// "3.7.1", "3.7.0-rc.1" or "3.7"; nothing for any other text.
std::optional<Version> parse_version(std::string_view text);
// "3.7.0", as it is stored and shown by /version.
std::string full_text(const Version& version);
// "3.7", as metrics and the answers to Downgrade have it.
std::string short_text(const Version& version);

// The only one that a cluster of this version can be downgraded to.
Version downgrade_target_of(const Version& cluster);

// What a cluster works at whose founders have not all told their version: what every etcd can do.
inline constexpr Version kEveryVersion{3, 0};

// Who asks, and need not have told the members its version yet.
struct Leader {
    uint64_t id = 0;
    Version version;
};

// What the leader has to make the cluster's version; nothing: it stays. A new cluster has none
// until all its founders have told theirs, or the leader waits no longer and makes it
// kEveryVersion.
std::optional<Version> next_cluster_version(const List& list, const Leader& leader);

// As /version and Status tell it, empty while the cluster has no version. It follows the cluster,
// but for etcd a store that says nothing is one of 3.5, so it is never older.
std::string storage_version(const List& list);

// Every member runs the version that the cluster is downgraded to: the job is done.
bool is_downgraded(const List& list);

}  // namespace quorate::cluster
