// SPDX-License-Identifier: Apache-2.0
//
// The version that the cluster works at: the smallest of its members', raised by the leader when
// all have a newer one, lowered one minor while a downgrade is under way. Pure, any thread.
#pragma once

#include "cluster/membership.h"

#include <compare>
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

// What the leader has to make the cluster's version; nothing: it stays. `own` is the leader's.
std::optional<Version> next_cluster_version(const List& list, const Version& own);

// Every member runs the version that the cluster is downgraded to: the job is done.
bool is_downgraded(const List& list);

}  // namespace quorate::cluster
