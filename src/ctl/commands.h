// SPDX-License-Identifier: Apache-2.0
//
// The table of commands, each group in the file of its name. Constant, any thread.
#pragma once

#include "ctl/command.h"

#include <span>
#include <string_view>
#include <vector>

namespace quorate::ctl {

extern const std::span<const Command> kKeyCommands;
extern const std::span<const Command> kTxnCommands;
extern const std::span<const Command> kWatchCommands;
extern const std::span<const Command> kLeaseCommands;
extern const std::span<const Command> kMemberCommands;
extern const std::span<const Command> kEndpointCommands;
extern const std::span<const Command> kMaintenanceCommands;
extern const std::span<const Command> kSnapshotCommands;
extern const std::span<const Command> kLockCommands;
extern const std::span<const Command> kElectCommands;
extern const std::span<const Command> kAuthCommands;
extern const std::span<const Command> kUserCommands;
extern const std::span<const Command> kRoleCommands;
extern const std::span<const Command> kMirrorCommands;
extern const std::span<const Command> kCheckCommands;
extern const std::span<const Command> kUtilityCommands;

// All of them, in the order of the help.
std::vector<const Command*> all_commands();

// What a group of commands is about: the "lease" of "lease grant". Empty for no group.
std::string_view group_summary(std::string_view group);

}  // namespace quorate::ctl
