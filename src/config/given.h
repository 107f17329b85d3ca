// SPDX-License-Identifier: Apache-2.0
//
// What the command line, the environment and the configuration file say, before it means anything:
// options with their texts and where each came from. Start-up thread.
#pragma once

#include "base/status.h"
#include "config/load.h"
#include "config/options.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::config {

struct Given {
    const Option* option;
    std::string text;
    // How an error names the option and its source: "flag --name", "environment variable
    // ETCD_NAME", or "quorate.conf:12: name".
    std::string origin;
    bool from_flag = false;
};

struct CommandLine {
    Command command = Command::kRun;
    std::vector<Given> given;  // in order; the last of an option counts
};

// Go's rules: -name and --name alike, values after = or as the next argument, switches alone or
// with =. errors::kUsage for an unknown option, a missing value or an argument.
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

struct EnvironmentOptions {
    std::vector<Given> given;
    std::vector<Note> notes;
};

// The ETCD_ and QUORATE_ variables of options that are not in `flags`: one that is in both is an
// error, and so is an option that has both variables.
Result<EnvironmentOptions> parse_environment(const std::vector<std::string>& environment,
                                             const std::vector<Given>& flags);

struct FileOptions {
    std::vector<Given> given;
    std::map<std::string, std::vector<std::pair<std::string, std::string>>, std::less<>> sections;
    std::vector<Note> notes;
    std::vector<PluginLine> plugin_lines;
};

// Our own file format; an unknown key or section is an error.
Result<FileOptions> options_of_own_file(const std::string& path, std::string_view content);

// etcd's file format, YAML or JSON; an unknown key is a note.
Result<FileOptions> options_of_etcd_file(const std::string& path, std::string_view content);

// Tells the two apart by the ending of the name, else by the first line that says something.
bool is_etcd_file(std::string_view path, std::string_view content);

}  // namespace quorate::config
