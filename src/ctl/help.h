// SPDX-License-Identifier: Apache-2.0
//
// Help and completion, made from the table of commands. Any thread.
#pragma once

#include "base/status.h"
#include "ctl/command.h"

#include <string>
#include <string_view>

namespace quorate::ctl {

std::string help_of_all(std::string_view program);
std::string help_of_group(std::string_view group, std::string_view program);
std::string help_of(const Command& command, std::string_view program);
// The flags that every command takes.
std::string help_of_flags(std::span<const FlagSpec> flags);

// A script for bash, zsh or fish that completes commands, flags and their values for a program as
// it was called: "etcdctl" for that name alone, all others for quoratectl and `quorate ctl`.
// errors::kUsage for another shell.
Result<std::string> completion_script(std::string_view shell, std::string_view program);

}  // namespace quorate::ctl
