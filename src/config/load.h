// SPDX-License-Identifier: Apache-2.0
//
// From what the process was started with to a validated Config. The command line wins over the
// environment, which wins over our configuration file, which wins over the defaults; etcd's YAML or
// JSON file replaces command line and environment, as it does there.
// Start-up thread. Every failure is one line that names the option, the value, where it came from
// and what is allowed.
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "config/config.h"

#include <functional>
#include <string>
#include <vector>

namespace quorate::config {

enum class Command : uint8_t { kRun, kHelp, kVersion, kCheckConfig, kListPlugins };

// Something to log once the log is set up: an option without effect, an environment variable that
// was used, a name that should not stay the default.
struct Note {
    log::Level level;
    std::string message;
    std::vector<log::Field> fields;
};

struct Inputs {
    std::vector<std::string> arguments;    // without the program's name
    std::vector<std::string> environment;  // NAME=value
    std::string executable_dir;            // where the binary lies; for the plugin folder
    // Reads the configuration file; the disk when it is empty.
    std::function<Result<std::string>(const std::string& path)> read_file;
};

// A key of a plugin's section in the configuration file.
struct PluginLine {
    std::string section;  // "storage.leveldb"
    std::string key;
    std::string value;
    std::string place;  // "quorate.conf:12"
};

struct Loaded {
    Command command = Command::kRun;
    Config config;
    std::vector<Note> notes;
    // One field per option with its effective value, secrets blanked; to be logged once.
    std::vector<log::Field> effective;
    std::vector<PluginLine> plugin_lines;
};

Inputs inputs_of_process(int argc, const char* const* argv, const char* const* environment);

// errors::kUsage when the command line itself is wrong, errors::kConfig for everything else.
Result<Loaded> load(const Inputs& inputs);

// A plugin knows keys and values and not where they stand: its complaint about one that the file
// gave, with the line in front.
Status with_line(const Status& error, const Loaded& loaded);

// What the process ends with, by the kind of what keeps it from starting. Service managers and
// scripts go by these: 2 to 5 stay the same however often it is tried.
enum class ExitCode : uint8_t {
    kFailure = 1,        // disk, network, another member: another try may help
    kUsage = 2,          // the command line, as Go programs say it
    kConfiguration = 3,  // an option's value, or what options say together
    kPlugin = 4,         // missing, not usable, or not the one that the data belong to
    kData = 5,           // damaged, of another cluster or member, of a newer version
    kAddress = 6,        // can't be listened on
};
int exit_code(const Status& status);

std::string help_text();
// etcd's four lines and our own.
std::string version_text();

}  // namespace quorate::config
