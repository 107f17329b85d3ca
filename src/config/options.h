// SPDX-License-Identifier: Apache-2.0
//
// The one table of options: command line, environment, configuration file, defaults, help and the
// effective configuration in the log all come from it. The names, defaults and meanings of the
// options that etcd has are etcd's. Any thread; the table is constant.
#pragma once

#include "base/status.h"
#include "config/config.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::config {

enum class Group : uint8_t {
    kMember,
    kClustering,
    kSecurity,
    kAuth,
    kMonitoring,
    kLogging,
    kChecks,
    kUnsafe,
    kPlugins,
    kProgram,
};
std::string_view group_title(Group group);

enum class Support : uint8_t {
    kFull,
    kNoEffect,  // accepted; a value other than the default is warned about with `note`
    kRefused,   // a value other than the default refuses start with `note`
    kLegacy,    // etcd accepts and ignores it; so do we, and the help leaves it out
};

// A Config on its way, and the texts that can only be read once the other options are known.
struct Draft {
    Config config;
    std::string auto_compaction_retention;
    std::string initial_cluster;
    std::string auth_token;
    std::string auth_plugin;
    std::string log_rotation_json;
    bool enable_log_rotation = false;
    // Sections of our configuration file: "storage.leveldb" to its keys and values, in order.
    std::map<std::string, std::vector<std::pair<std::string, std::string>>, std::less<>> sections;
};

struct Option {
    std::string_view name;
    // What the help calls the value, "" for a switch (true and false, may stand alone).
    std::string_view value_name;
    // As the user would write it; "${name}" stands for a value derived from other options.
    std::string_view default_text;
    std::string_view help;
    // Null for what the loader itself acts on (help, version, config-file ...).
    Status (*apply)(Draft& draft, std::string_view text);
    Group group = Group::kMember;
    Support support = Support::kFull;
    std::string_view note = {};
    bool ours = false;    // not one of etcd's: no ETCD_ variable
    bool secret = false;  // blanked in the log

    bool is_switch() const { return value_name.empty(); }
    bool is_derived() const { return default_text.find("${") != std::string_view::npos; }
};

// All options, by group in the order of the help.
const std::vector<Option>& option_table();

// What it is for, and for one that does nothing here: why.
std::string help_of(const Option& option);

// Null when there is no option of this name.
const Option* find_option(std::string_view name);

// The option that `name` is a slip of, or the successor of one that etcd has removed; "" for none.
std::string_view suggest_option(std::string_view name);

// ETCD_ or QUORATE_ and the name in upper case with underscores.
std::string variable_name(std::string_view prefix, const Option& option);

}  // namespace quorate::config
