// SPDX-License-Identifier: Apache-2.0
#include "node/identity.h"

#include "base/errors.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace quorate::node {
namespace {

constexpr ByteView kFirstLine = "quorate-identity 1";
constexpr ByteView kDefaultToken = "etcd-cluster";
constexpr size_t kBytesMax = 1024 * 1024;

std::optional<uint64_t> parse_id(ByteView text) {
    uint64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
    return error == std::errc() && end == text.data() + text.size() && id != 0 ? std::optional(id)
                                                                               : std::nullopt;
}

// The text up to the next space, which is taken away with it.
ByteView next_word(ByteView& rest) {
    const size_t space = std::min(rest.find(' '), rest.size());
    const ByteView word = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    return word;
}

std::vector<std::string> split_urls(ByteView text) {
    std::vector<std::string> urls;
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        urls.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return urls;
}

std::string join_urls(const std::vector<std::string>& urls) {
    std::string joined;
    for (const std::string& url : urls) {
        joined += (joined.empty() ? "" : ",") + url;
    }
    return joined;
}

// "<id> <peer URLs> <name>", where a name may hold spaces.
std::optional<cluster::Member> parse_member(ByteView line) {
    const auto id = parse_id(next_word(line));
    cluster::Member member;
    member.peer_urls = split_urls(next_word(line));
    member.name = std::string(line);
    if (!id || member.peer_urls.empty()) {
        return std::nullopt;
    }
    member.id = *id;
    return member;
}

bool read_line(ByteView line, Identity& identity) {
    const ByteView key = next_word(line);
    if (key == "cluster-id" || key == "member-id") {
        const auto id = parse_id(line);
        (key == "cluster-id" ? identity.cluster_id : identity.member_id) = id.value_or(0);
        return id.has_value();
    }
    if (key == "cluster-token") {
        identity.cluster_token = std::string(line);
        return true;
    }
    if (key == "origin") {
        identity.origin = line == "joined" ? Origin::kJoined : Origin::kFounder;
        return line == "joined" || line == "founder";
    }
    if (key == "member") {
        auto member = parse_member(line);
        if (member) {
            identity.members.push_back(std::move(*member));
        }
        return member.has_value();
    }
    return false;
}

std::string describe(const std::vector<cluster::Member>& members) {
    std::string text;
    for (const cluster::Member& member : members) {
        text += (text.empty() ? "" : ", ") + (member.name.empty() ? "(unstarted)" : member.name) +
                "=" + join_urls(member.peer_urls);
    }
    return text;
}

std::vector<std::string> to_texts(const std::vector<Url>& urls) {
    std::vector<std::string> texts;
    for (const Url& url : urls) {
        texts.push_back(url.to_string());
    }
    std::sort(texts.begin(), texts.end());
    return texts;
}

bool is_name(const std::string& host) {
    return host.find(':') == std::string::npos &&
           host.find_first_not_of("0123456789.") != std::string::npos;
}

// A name may stand for any address; nothing is resolved here.
bool may_be_the_same(const Url& a, const Url& b) {
    return a.port == b.port && (a.host == b.host || is_name(a.host) || is_name(b.host));
}

// The list of members must know this one, and at the address that it tells others.
Status check_own_entry(const config::Config& config) {
    const auto& members = config.cluster.initial_cluster;
    const auto own = std::find_if(members.begin(), members.end(), [&](const auto& member) {
        return member.name == config.member.name;
    });
    if (own == members.end()) {
        std::string names;
        for (const config::InitialMember& member : members) {
            names += (names.empty() ? "\"" : ", \"") + member.name + "\"";
        }
        return {errors::kConfig, "initial-cluster: this member is --name \"" + config.member.name +
                                     "\", the list has " + names +
                                     "; add it to the list, or give it the name it has there"};
    }
    const std::vector<Url>& told = config.urls.advertise_peer;
    const bool fits =
        own->peer_urls.size() == told.size() &&
        std::all_of(own->peer_urls.begin(), own->peer_urls.end(), [&](const Url& url) {
            return std::any_of(told.begin(), told.end(),
                               [&](const Url& other) { return may_be_the_same(url, other); });
        });
    if (!fits) {
        return {errors::kConfig, "initial-cluster has \"" + own->name + "=" +
                                     join_urls(to_texts(own->peer_urls)) +
                                     "\", but --initial-advertise-peer-urls is \"" +
                                     join_urls(to_texts(told)) + "\"; make them the same"};
    }
    return {};
}

}  // namespace

Result<Identity> derive_identity(const config::Config& config) {
    if (Status s = check_own_entry(config); !s.ok()) {
        return s;
    }
    Identity identity;
    identity.cluster_token = config.cluster.token;
    std::vector<uint64_t> ids;
    for (const config::InitialMember& initial : config.cluster.initial_cluster) {
        cluster::Member member;
        // DNS knows no names; what stands here must be the same on all members.
        member.name = config.discovery.by_dns() ? "" : initial.name;
        member.peer_urls = to_texts(initial.peer_urls);
        member.id = cluster::derive_member_id(member.peer_urls, config.cluster.token);
        if (initial.name == config.member.name) {
            identity.member_id = member.id;
        }
        if (std::find(ids.begin(), ids.end(), member.id) != ids.end()) {
            return Status(errors::kConfig, "initial-cluster: \"" + initial.name + "=" +
                                               join_urls(member.peer_urls) +
                                               "\" has the peer URLs of another member; each needs "
                                               "its own");
        }
        ids.push_back(member.id);
        identity.members.push_back(std::move(member));
    }
    std::sort(identity.members.begin(), identity.members.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    identity.cluster_id = cluster::derive_cluster_id(ids);
    return identity;
}

Result<Identity> join_identity(const config::Config& config, const RunningCluster& cluster) {
    if (Status s = check_own_entry(config); !s.ok()) {
        return s;
    }
    Identity identity;
    identity.cluster_id = cluster.cluster_id;
    identity.origin = Origin::kJoined;
    identity.cluster_token = config.cluster.token;
    identity.members = cluster.members;
    const auto mismatch = [&](const std::string& what) {
        return Status(errors::kConfig,
                      "initial-cluster: " + what + "; the cluster's members are " +
                          describe(cluster.members) + ". Add this one with \"etcdctl member add " +
                          config.member.name +
                          " --peer-urls=...\" and use the --initial-cluster it prints");
    };
    if (config.cluster.initial_cluster.size() != cluster.members.size()) {
        return mismatch(std::to_string(config.cluster.initial_cluster.size()) +
                        " members are given, the cluster has " +
                        std::to_string(cluster.members.size()));
    }
    for (const config::InitialMember& initial : config.cluster.initial_cluster) {
        const auto urls = to_texts(initial.peer_urls);
        const auto found = std::find_if(cluster.members.begin(), cluster.members.end(),
                                        [&](const cluster::Member& member) {
                                            auto theirs = member.peer_urls;
                                            std::sort(theirs.begin(), theirs.end());
                                            return theirs == urls;
                                        });
        if (found == cluster.members.end()) {
            return mismatch("\"" + initial.name + "=" + join_urls(urls) +
                            "\" is no member of the cluster");
        }
        if (initial.name == config.member.name) {
            identity.member_id = found->id;
        }
    }
    return identity;
}

Bytes encode_identity(const Identity& identity) {
    Bytes text(kFirstLine);
    text += "\ncluster-id " + cluster::format_id(identity.cluster_id);
    text += "\nmember-id " + cluster::format_id(identity.member_id);
    text += "\ncluster-token " + identity.cluster_token;
    text += std::string("\norigin ") + (identity.origin == Origin::kJoined ? "joined" : "founder");
    for (const cluster::Member& member : identity.members) {
        text += "\nmember " + cluster::format_id(member.id) + " " + join_urls(member.peer_urls) +
                " " + member.name;
    }
    return text + "\n";
}

Result<Identity> decode_identity(ByteView text, const std::string& path) {
    Identity identity;
    size_t number = 0;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const ByteView line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (number == 1 && line != kFirstLine) {
            return Status(
                line.starts_with("quorate-identity ") ? errors::kNewerFormat : errors::kDamaged,
                path + ":1: \"" + std::string(line.substr(0, 40)) + "\" is not \"" +
                    std::string(kFirstLine) + "\"");
        }
        if (number > 1 && !line.empty() && !read_line(line, identity)) {
            return Status(errors::kDamaged, path + ":" + std::to_string(number) + ": \"" +
                                                std::string(line.substr(0, 80)) +
                                                "\" can't be read");
        }
    }
    if (identity.cluster_id == 0 || identity.member_id == 0) {
        return Status(errors::kDamaged, path + ": cluster-id or member-id is missing");
    }
    return identity;
}

Result<std::optional<Identity>> load_identity(FileSystem& fs, const std::string& path,
                                              const config::Config& config) {
    const auto exists = fs.exists(path);
    if (!exists) {
        return exists.error();
    }
    if (!*exists) {
        return std::optional<Identity>();
    }
    const auto text = read_whole_file(fs, path, kBytesMax);
    if (!text) {
        return text.error();
    }
    auto identity = decode_identity(*text, path);
    if (!identity) {
        return identity.error();
    }
    const std::string& given = config.cluster.token;
    if (given != kDefaultToken && given != identity->cluster_token) {
        return Status(
            errors::kForeignData,
            config.member.data_dir + " is of cluster " + cluster::format_id(identity->cluster_id) +
                " with --initial-cluster-token \"" + identity->cluster_token + "\", and \"" +
                given + "\" is given; use the token it was made with, or another --data-dir");
    }
    return std::optional(std::move(identity).value());
}

Status save_identity(FileSystem& fs, const std::string& path, const Identity& identity) {
    return write_file_atomically(fs, path, encode_identity(identity));
}

}  // namespace quorate::node
