// SPDX-License-Identifier: Apache-2.0
#include "config/resolve.h"

#include "base/duration.h"
#include "base/errors.h"
#include "config/initial_cluster.h"
#include "config/values.h"
#include "config/yaml.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace quorate::config {

namespace {

// Where they are installed.
constexpr std::string_view kInstalledPlugins = QUORATE_PLUGIN_DIR;

std::string default_initial_cluster(const Config& config) {
    std::string text;
    for (const Url& url : config.urls.advertise_peer) {
        text += (text.empty() ? "" : ",") + config.member.name + "=" + url.to_string();
    }
    return text;
}

// Until the registry has told who the others are, this member is the only one it knows of.
Status resolve_members(Draft& draft, const ResolveInputs& inputs) {
    Config& config = draft.config;
    const DiscoveryConfig& discovery = config.discovery;
    const bool discovered = discovery.by_registry() || discovery.by_dns();
    if (!inputs.is_given("initial-cluster") && !discovered) {
        draft.initial_cluster = default_initial_cluster(config);
    }
    if (discovery.by_registry()) {
        config.cluster.token = discovery.token;
    }
    const bool alone = discovery.by_registry() && draft.initial_cluster.empty();
    Result<std::vector<InitialMember>> members =
        parse_initial_cluster(alone ? default_initial_cluster(config) : draft.initial_cluster);
    if (!members) {
        return {errors::kConfig, "error setting up initial cluster: " + members.error().message()};
    }
    config.cluster.initial_cluster = std::move(members).value();
    return {};
}

// Periodic: a duration, or a number of hours. Revision: a number of revisions.
Result<int64_t> parse_retention(AutoCompactionMode mode, std::string_view text) {
    const Result<int64_t> number = to_int64(text);
    if (number && *number >= 0) {
        if (mode == AutoCompactionMode::kRevision) {
            return *number;
        }
        if (*number <= std::numeric_limits<int64_t>::max() / kHour_ns) {
            return *number * kHour_ns;
        }
    }
    if (mode == AutoCompactionMode::kPeriodic && !number) {
        const Result<int64_t> duration = to_duration(text);
        if (duration) {
            return duration;
        }
    }
    return Status(errors::kConfig,
                  "error parsing CompactionRetention: invalid value " + in_quotes(text) +
                      " for auto-compaction-retention: must be " +
                      (mode == AutoCompactionMode::kPeriodic
                           ? "a duration such as 30m or a number of hours in mode periodic"
                           : "a number of revisions in mode revision"));
}

// The plugin's section of the file first, then what was given with its name, which wins.
void add_section(const Draft& draft, std::string_view kind, PluginChoice& choice) {
    const auto section = draft.sections.find(std::string(kind) + "." + choice.name);
    if (section == draft.sections.end()) {
        return;
    }
    std::vector<std::pair<std::string, std::string>> options;
    for (const auto& [key, value] : section->second) {
        const bool overridden = std::any_of(choice.options.begin(), choice.options.end(),
                                            [&key = key](const auto& o) { return o.first == key; });
        if (!overridden) {
            options.emplace_back(key, value);
        }
    }
    options.insert(options.end(), choice.options.begin(), choice.options.end());
    choice.options = std::move(options);
}

std::string default_plugin_dir(const std::string& executable_dir) {
    const std::filesystem::path beside = std::filesystem::path(executable_dir) / "plugins";
    std::error_code ignored;
    if (!executable_dir.empty() && std::filesystem::is_directory(beside, ignored)) {
        return beside.string();
    }
    return std::string(kInstalledPlugins);
}

Status resolve_plugins(Draft& draft, const ResolveInputs& inputs) {
    PluginConfig& plugins = draft.config.plugins;
    if (!inputs.is_given("plugin-dir")) {
        plugins.dir = default_plugin_dir(inputs.executable_dir);
    }
    if (!inputs.is_given("auth")) {
        const Option* auth = find_option("auth");
        if (Status s = auth->apply(draft, draft.auth_token); !s.ok()) {
            return {errors::kConfig, "invalid value " + in_quotes(draft.auth_token) +
                                         " for auth-token: " + s.message()};
        }
    }
    add_section(draft, "storage", plugins.storage);
    add_section(draft, "transport", plugins.transport);
    add_section(draft, "auth", plugins.auth);
    return {};
}

// {"maxsize": 100, "maxage": 0, ...}: the keys that zap's rotation has.
Result<log::Rotation> parse_rotation(const std::string& json) {
    const auto bad = [&json](const std::string& reason) {
        return Status(errors::kConfig, "invalid value " + in_quotes(json) +
                                           " for log-rotation-config-json: " + reason);
    };
    const Result<YamlNode> root = parse_yaml("log-rotation-config-json", json);
    if (!root || root->kind != YamlNode::Kind::kMap) {
        return bad("must be a JSON object");
    }
    log::Rotation rotation;
    const std::pair<std::string_view, uint32_t*> numbers[] = {
        {"maxsize", &rotation.size_max_mib},
        {"maxage", &rotation.age_max_days},
        {"maxbackups", &rotation.backups_max}};
    for (const auto& [key, node] : root->fields) {
        const auto* number = std::find_if(std::begin(numbers), std::end(numbers),
                                          [&key = key](const auto& n) { return n.first == key; });
        if (number != std::end(numbers)) {
            const Result<uint32_t> value = to_uint32(node.text);
            if (!value) {
                return bad(key + " " + value.error().message());
            }
            *number->second = *value;
            continue;
        }
        const Result<bool> value = to_bool(node.text);
        if (key != "localtime" && key != "compress") {
            return bad("unknown key " + in_quotes(key));
        }
        if (!value) {
            return bad(key + " " + value.error().message());
        }
        if (key == "compress" && *value) {
            return bad("compress is not supported");
        }
        rotation.local_time = rotation.local_time || (key == "localtime" && *value);
    }
    if (rotation.size_max_mib == 0) {
        rotation.size_max_mib = 100;  // as zap's rotation reads it
    }
    return rotation;
}

Status resolve_rotation(Draft& draft) {
    if (!draft.enable_log_rotation) {
        return {};
    }
    const std::vector<std::string>& outputs = draft.config.log.outputs;
    if (outputs.size() != 1 || !log::is_file(outputs[0])) {
        return {errors::kConfig,
                "--log-outputs requires a single file path when --log-rotate-config-json is "
                "defined"};
    }
    Result<log::Rotation> rotation = parse_rotation(draft.log_rotation_json);
    if (!rotation) {
        return rotation.error();
    }
    draft.config.log.rotation = *rotation;
    return {};
}

void raise_timeout(int64_t& timeout_ns, std::string_view option, std::vector<Note>& notes) {
    constexpr int64_t kMinimum_ns = 5 * kSecond_ns;
    if (timeout_ns < kMinimum_ns) {
        timeout_ns = kMinimum_ns;
        notes.push_back(
            {log::Level::kInfo,
             std::string(option) + " increased to minimum value: " + format_duration(kMinimum_ns),
             {}});
    }
}

}  // namespace

Status resolve(Draft& draft, const ResolveInputs& inputs, std::vector<Note>& notes) {
    Config& config = draft.config;
    if (!inputs.is_given("data-dir") || config.member.data_dir.empty()) {
        config.member.data_dir = config.member.name + ".etcd";
    }
    // What clients are told can't be guessed once the listeners are not the default ones.
    if (inputs.is_given("listen-client-urls") && !inputs.is_given("advertise-client-urls")) {
        config.urls.advertise_client.clear();
    }
    if (Status s = resolve_members(draft, inputs); !s.ok()) {
        return s;
    }
    const Result<int64_t> retention =
        parse_retention(config.mvcc.auto_compaction_mode, draft.auto_compaction_retention);
    if (!retention) {
        return retention.error();
    }
    config.mvcc.auto_compaction_retention = *retention;
    if (Status s = resolve_rotation(draft); !s.ok()) {
        return s;
    }
    raise_timeout(config.raft.peer_read_timeout_ns, "raft-read-timeout", notes);
    raise_timeout(config.raft.peer_write_timeout_ns, "raft-write-timeout", notes);
    return resolve_plugins(draft, inputs);
}

}  // namespace quorate::config
