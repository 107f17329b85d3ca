// SPDX-License-Identifier: Apache-2.0
//
// What a command of the offline tool is, and reading one from a command line. Values, one thread.
#pragma once

#include "base/status.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::util {

struct OptionSpec {
    std::string_view name;        // "rev" for --rev
    std::string_view value_name;  // "" for a switch
    std::string_view help;
    char letter = 0;  // 'w' for -w
};

// What was given to a command.
class Invocation {
  public:
    // Where the binary lies: the default plugin folder is beside it.
    std::string executable_dir;
    std::vector<std::string> operands;
    std::map<std::string, std::string, std::less<>> options;  // a switch: "true" or "false"

    bool given(std::string_view name) const { return options.contains(name); }
    bool on(std::string_view name) const;
    std::string_view text(std::string_view name, std::string_view otherwise = {}) const;
    // errors::kUsage unless it is a number of 0 or more.
    Result<int64_t> number(std::string_view name, int64_t otherwise) const;
};

struct Command {
    std::string_view name;      // "snapshot status"
    std::string_view operands;  // "FILE", for the help
    size_t operands_min = 0;
    size_t operands_max = 0;
    std::string_view summary;  // one line
    std::string_view details;  // what else to know, lines of the help
    std::span<const std::span<const OptionSpec>> options;
    Status (*run)(const Invocation& invocation) = nullptr;

    const OptionSpec* find(std::string_view option) const;
};

// `arguments` come behind the command's name. errors::kUsage names what is wrong and where the help
// is.
Result<Invocation> parse(const Command& command, std::span<const std::string> arguments);

std::string help_of(const Command& command);

}  // namespace quorate::util
