// SPDX-License-Identifier: Apache-2.0
//
// Which command a line means. Any thread.
#pragma once

#include "base/status.h"
#include "ctl/command.h"

#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

struct Chosen {
    const Command* command = nullptr;    // null: only a group, or nothing, is named
    std::string group;                   // "lease", also of a command in it
    std::vector<std::string> arguments;  // the line without the command's words
};

// Words may be cut short as long as they mean one command; flags may stand anywhere. errors::kUsage
// with etcdctl's text for a command that there is not.
Result<Chosen> choose_command(const std::vector<std::string>& arguments, std::string_view program);

}  // namespace quorate::ctl
