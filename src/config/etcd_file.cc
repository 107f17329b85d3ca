// SPDX-License-Identifier: Apache-2.0
//
// etcd's configuration file: YAML or JSON whose keys are flag names, with maps for TLS, sockets and
// discovery. As there, a key that is not known is ignored, and durations are whole nanoseconds; a
// text such as "5s", which etcd refuses, is read as well.
#include "base/errors.h"
#include "config/given.h"
#include "config/values.h"
#include "config/yaml.h"

#include <algorithm>
#include <array>

namespace quorate::config {

namespace {

struct Nested {
    std::string_view section;
    std::string_view key;
    std::string_view option;
};

constexpr std::string_view kClient = "client-transport-security";
constexpr std::string_view kPeer = "peer-transport-security";
constexpr std::string_view kDiscovery = "discovery-config";
// All that is about reaching the registry is in a section of its own there; what stands directly in
// the outer one is read as well.
constexpr std::string_view kRegistry = "discovery-config.client";
constexpr std::string_view kRegistryTls = "discovery-config.client.secure";
constexpr std::string_view kRegistryUser = "discovery-config.client.auth";
constexpr std::string_view kDiscoveryTls = "discovery-config.secure";
constexpr std::string_view kDiscoveryUser = "discovery-config.auth";

constexpr std::array<Nested, 46> kNested = {{
    {kClient, "cert-file", "cert-file"},
    {kClient, "key-file", "key-file"},
    {kClient, "client-cert-file", "client-cert-file"},
    {kClient, "client-key-file", "client-key-file"},
    {kClient, "client-cert-auth", "client-cert-auth"},
    {kClient, "trusted-ca-file", "trusted-ca-file"},
    {kClient, "auto-tls", "auto-tls"},
    {kClient, "allowed-cn", "client-cert-allowed-cn"},
    {kClient, "allowed-hostname", "client-cert-allowed-hostname"},
    {kPeer, "cert-file", "peer-cert-file"},
    {kPeer, "key-file", "peer-key-file"},
    {kPeer, "client-cert-file", "peer-client-cert-file"},
    {kPeer, "client-key-file", "peer-client-key-file"},
    {kPeer, "client-cert-auth", "peer-client-cert-auth"},
    {kPeer, "trusted-ca-file", "peer-trusted-ca-file"},
    {kPeer, "auto-tls", "peer-auto-tls"},
    {kPeer, "allowed-cn", "peer-cert-allowed-cn"},
    {kPeer, "allowed-hostname", "peer-cert-allowed-hostname"},
    {kPeer, "skip-client-san-verification", "peer-skip-client-san-verification"},
    {"socket-options", "reuse-port", "socket-reuse-port"},
    {"socket-options", "reuse-address", "socket-reuse-address"},
    {kDiscovery, "token", "discovery-token"},
    {kDiscovery, "endpoints", "discovery-endpoints"},
    {kDiscovery, "dial-timeout", "discovery-dial-timeout"},
    {kDiscovery, "request-timeout", "discovery-request-timeout"},
    {kDiscovery, "keepalive-time", "discovery-keepalive-time"},
    {kDiscovery, "keepalive-timeout", "discovery-keepalive-timeout"},
    {kDiscoveryTls, "cert", "discovery-cert"},
    {kDiscoveryTls, "key", "discovery-key"},
    {kDiscoveryTls, "cacert", "discovery-cacert"},
    {kDiscoveryTls, "insecure-transport", "discovery-insecure-transport"},
    {kDiscoveryTls, "insecure-skip-tls-verify", "discovery-insecure-skip-tls-verify"},
    {kRegistry, "endpoints", "discovery-endpoints"},
    {kRegistry, "dial-timeout", "discovery-dial-timeout"},
    {kRegistry, "request-timeout", "discovery-request-timeout"},
    {kRegistry, "keepalive-time", "discovery-keepalive-time"},
    {kRegistry, "keepalive-timeout", "discovery-keepalive-timeout"},
    {kRegistryTls, "cert", "discovery-cert"},
    {kRegistryTls, "key", "discovery-key"},
    {kRegistryTls, "cacert", "discovery-cacert"},
    {kRegistryTls, "insecure-transport", "discovery-insecure-transport"},
    {kRegistryTls, "insecure-skip-tls-verify", "discovery-insecure-skip-tls-verify"},
    {kRegistryUser, "username", "discovery-user"},
    {kRegistryUser, "password", "discovery-password"},
    {kDiscoveryUser, "username", "discovery-user"},
    {kDiscoveryUser, "password", "discovery-password"},
}};

// Flags for which etcd's file has no key.
constexpr std::array<std::string_view, 5> kNoKey = {"raft-read-timeout", "raft-write-timeout",
                                                    "client-crl-file", "peer-crl-file",
                                                    "discovery-fallback"};

// In etcd's client section, too, although nothing looks at it there: clients may come from
// anywhere.
constexpr std::string_view kWithoutEffect =
    "client-transport-security.skip-client-san-verification";

bool is_section(std::string_view key) {
    return std::any_of(kNested.begin(), kNested.end(),
                       [key](const Nested& one) { return one.section == key; });
}

// The option that a key at the top of the file sets; null for none.
const Option* top_option(std::string_view key) {
    const bool nested = std::any_of(kNested.begin(), kNested.end(),
                                    [key](const Nested& one) { return one.option == key; });
    const bool missing = std::find(kNoKey.begin(), kNoKey.end(), key) != kNoKey.end();
    const Option* option = nested || missing ? nullptr : find_option(key);
    return option == nullptr || option->apply == nullptr ? nullptr : option;
}

class Translator {
  public:
    explicit Translator(const std::string& path) : path_(path) {}

    Status map(const YamlNode& root) {
        if (root.kind == YamlNode::Kind::kNull) {
            return {};
        }
        if (root.kind != YamlNode::Kind::kMap) {
            return fail(root, "expected keys and values");
        }
        for (const auto& [key, node] : root.fields) {
            if (Status s = is_section(key) ? section(key, node) : entry(key, node, top_option(key));
                !s.ok()) {
                return s;
            }
        }
        return {};
    }

    FileOptions take() { return std::move(out_); }

  private:
    Status fail(const YamlNode& node, const std::string& what) const {
        return {errors::kConfig, path_ + ":" + std::to_string(node.line) + ": " + what};
    }

    Status section(const std::string& name, const YamlNode& node) {
        if (node.kind == YamlNode::Kind::kNull) {
            return {};
        }
        if (node.kind != YamlNode::Kind::kMap) {
            return fail(node, "invalid " + name);
        }
        for (const auto& [key, value] : node.fields) {
            if (const std::string inner = name + "." + key; is_section(inner)) {
                if (Status s = section(inner, value); !s.ok()) {
                    return s;
                }
                continue;
            }
            if (name + "." + key == kWithoutEffect) {
                continue;
            }
            const auto* found = std::find_if(kNested.begin(), kNested.end(),
                                             [&name = name, &key = key](const Nested& one) {
                                                 return one.section == name && one.key == key;
                                             });
            const Option* option = found == kNested.end() ? nullptr : find_option(found->option);
            if (Status s = entry(name + "." + key, value, option); !s.ok()) {
                return s;
            }
        }
        return {};
    }

    Status entry(const std::string& key, const YamlNode& node, const Option* option) {
        if (option == nullptr) {
            out_.notes.push_back({log::Level::kWarn,
                                  "ignoring an unknown key of the configuration file",
                                  {{"key", key}, {"path", path_}, {"line", node.line}}});
            return {};
        }
        if (node.kind == YamlNode::Kind::kNull) {
            return {};
        }
        std::string text = node.text;
        if (node.kind == YamlNode::Kind::kMap) {
            return fail(node, key + " must be a single value");
        }
        if (node.kind == YamlNode::Kind::kList) {
            for (const YamlNode& item : node.items) {
                if (item.kind != YamlNode::Kind::kScalar) {
                    return fail(item, key + " must be a list of texts");
                }
                text += (text.empty() ? "" : ",") + item.text;
            }
        } else if (option->value_name == "DURATION" && to_int64(text).has_value()) {
            text += "ns";
        }
        out_.given.push_back(
            {option, std::move(text), path_ + ":" + std::to_string(node.line) + ": " + key});
        return {};
    }

    const std::string& path_;
    FileOptions out_;
};

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

bool is_etcd_file(std::string_view path, std::string_view content) {
    if (ends_with(path, ".yml") || ends_with(path, ".yaml") || ends_with(path, ".json")) {
        return true;
    }
    if (ends_with(path, ".conf")) {
        return false;
    }
    // The first line that says something: "key: value" and not "key = value".
    while (!content.empty()) {
        const size_t end = std::min(content.find('\n'), content.size());
        const std::string_view line = trim(content.substr(0, end));
        content.remove_prefix(std::min(end + 1, content.size()));
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const size_t colon = line.find(':');
        return line.front() == '{' || line == "---" || colon < line.find('=');
    }
    return false;
}

Result<FileOptions> options_of_etcd_file(const std::string& path, std::string_view content) {
    const Result<YamlNode> root = parse_yaml(path, content);
    if (!root) {
        return root.error();
    }
    Translator translator(path);
    if (Status s = translator.map(*root); !s.ok()) {
        return s;
    }
    return translator.take();
}

}  // namespace quorate::config
