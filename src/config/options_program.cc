// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/option_rows.h"

namespace quorate::config {

namespace {

// Chooses a plugin by "name" or "name,key=value,...".
Status set_plugin(View text, PluginChoice& choice) {
    const std::vector<std::string> parts = split_list(text);
    PluginChoice chosen;
    for (const std::string& part : parts) {
        const size_t equals = part.find('=');
        if (chosen.name.empty()) {
            if (part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") !=
                std::string::npos) {
                return {errors::kConfig, "must begin with a plugin's name: a-z, 0-9 and _"};
            }
            chosen.name = part;
        } else if (equals == std::string::npos || equals == 0) {
            return {errors::kConfig, "must be a name and key=value pairs, separated by commas"};
        } else {
            chosen.options.emplace_back(trim(View(part).substr(0, equals)),
                                        trim(View(part).substr(equals + 1)));
        }
    }
    if (chosen.name.empty()) {
        return {errors::kConfig, "must not be empty"};
    }
    choice = std::move(chosen);
    return {};
}

std::vector<Option> unsafe_rows() {
    return {
        {"unsafe-no-fsync", "", "false", "Never wait for the disk: a power cut loses data.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.raft.unsafe_no_fsync); }},
        {"force-auth-disable", "", "false",
         "Turn authentication off, for all members and once: the way back in when root's password "
         "is lost. Start without it afterwards.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.auth.force_disable); }},
        {"force-new-cluster", "", "false",
         "Keep the data and become the only member; for when the quorum is lost for good.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.cluster.force_new_cluster); }},
    };
}

std::vector<Option> plugin_rows() {
    return {
        {"storage", "PLUGIN", "leveldb",
         "Storage engine, with its options: name,key=value,... (mem is built in, for tests).",
         [](Draft& d, View v) { return set_plugin(v, d.config.plugins.storage); }},
        {"transport", "PLUGIN", "http", "Transport, with its options.",
         [](Draft& d, View v) { return set_plugin(v, d.config.plugins.transport); }},
        {"auth", "PLUGIN", "${name}",
         "Token provider, when it is not the one that auth-token names.",
         [](Draft& d, View v) { return set_plugin(v, d.config.plugins.auth); }},
        {"plugin-dir", "DIR", "${name}",
         "Folder of the plugins: plugins beside the program, else the installed one.",
         [](Draft& d, View v) { return keep_text(v, d.config.plugins.dir); }},
    };
}

std::vector<Option> loader_rows() {
    return {
        {"config-file", "FILE", "",
         "Configuration file. etcd's own (.yml, .yaml, .json) replaces all other options, as "
         "there.",
         nullptr},
        {"check-config", "", "false", "Check the configuration and the plugins it names, and exit.",
         nullptr},
        {"list-plugins", "", "false", "List the plugins that can be loaded, and exit.", nullptr},
        {"version", "", "false", "Print the version and exit.", nullptr},
        {"help", "", "false", "Print this help and exit.", nullptr},
    };
}

std::vector<Option> legacy_rows() {
    std::vector<Option> rows;
    for (const View name : {"cluster-active-size", "cluster-remove-delay", "cluster-sync-interval",
                            "config", "force", "max-result-buffer", "max-retry-attempts",
                            "peer-heartbeat-interval", "peer-election-timeout", "retry-interval",
                            "snapshot", "v", "vv", "test.coverprofile", "test.outputdir"}) {
        rows.push_back({name, "", "", "", nullptr, Group::kProgram, Support::kLegacy,
                        "etcd accepts and ignores it"});
    }
    rows.push_back({"v2-deprecation", "STAGE", "write-only", "", nullptr, Group::kProgram,
                    Support::kLegacy, "etcd has removed this option"});
    return rows;
}

void append(std::vector<Option>& rows, std::vector<Option> part, Group group, bool ours) {
    for (Option& row : part) {
        row.group = group;
        row.ours = row.ours || ours;
        rows.push_back(row);
    }
}

}  // namespace

std::vector<Option> program_rows() {
    std::vector<Option> rows;
    append(rows, unsafe_rows(), Group::kUnsafe, false);
    append(rows, plugin_rows(), Group::kPlugins, true);
    append(rows, loader_rows(), Group::kProgram, false);
    for (Option& row : rows) {
        row.ours = row.ours || row.name == "check-config" || row.name == "list-plugins" ||
                   row.name == "force-auth-disable";
    }
    append(rows, legacy_rows(), Group::kProgram, false);
    return rows;
}

}  // namespace quorate::config
