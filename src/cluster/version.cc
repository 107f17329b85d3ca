// SPDX-License-Identifier: Apache-2.0
#include "cluster/version.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace quorate::cluster {
namespace {

std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end && number >= 0 ? std::optional(number)
                                                              : std::nullopt;
}

// Nothing while one of the members has not told its own.
std::optional<Version> smallest_of_members(const List& list, const Leader& leader) {
    std::optional<Version> smallest;
    for (const Member& member : list.members) {
        const auto version =
            member.id == leader.id ? leader.version : parse_version(member.server_version);
        if (!version) {
            return std::nullopt;
        }
        smallest = smallest ? std::min(*smallest, *version) : *version;
    }
    return smallest;
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
    text = text.substr(0, text.find_first_of("-+"));
    std::vector<int> numbers;
    while (true) {
        const size_t dot = text.find('.');
        const auto number = parse_number(text.substr(0, dot));
        if (!number) {
            return std::nullopt;
        }
        numbers.push_back(*number);
        if (dot == std::string_view::npos) {
            break;
        }
        text.remove_prefix(dot + 1);
    }
    return numbers.size() == 2 || numbers.size() == 3
               ? std::optional(Version{numbers[0], numbers[1]})
               : std::nullopt;
}

std::string full_text(const Version& version) {
    return short_text(version) + ".0";
}

std::string short_text(const Version& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

Version downgrade_target_of(const Version& cluster) {
    return {cluster.major, cluster.minor - 1};
}

std::optional<Version> next_cluster_version(const List& list, const Leader& leader) {
    const auto current = parse_version(list.cluster_version);
    if (!current) {
        return smallest_of_members(list, leader);
    }
    if (const auto target = parse_version(list.downgrade_target)) {
        return *target != *current ? target : std::nullopt;
    }
    const auto smallest = smallest_of_members(list, leader);
    return smallest && *current < *smallest ? smallest : std::nullopt;
}

std::string storage_version(const List& list) {
    constexpr Version kOldest{3, 5};
    const auto current = parse_version(list.cluster_version);
    return current ? full_text(std::max(*current, kOldest)) : "";
}

bool is_downgraded(const List& list) {
    const auto target = parse_version(list.downgrade_target);
    return target && !list.members.empty() &&
           std::all_of(list.members.begin(), list.members.end(), [&](const Member& member) {
               return parse_version(member.server_version) == target;
           });
}

}  // namespace quorate::cluster
