// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"

#include <utility>

namespace quorate::ctl {

std::vector<const Command*> all_commands() {
    std::vector<const Command*> all;
    for (const auto& group :
         {kKeyCommands, kTxnCommands, kWatchCommands, kLeaseCommands, kMemberCommands,
          kEndpointCommands, kMaintenanceCommands, kSnapshotCommands, kLockCommands, kElectCommands,
          kAuthCommands, kUserCommands, kRoleCommands, kMirrorCommands, kCheckCommands,
          kUtilityCommands}) {
        for (const Command& command : group) {
            all.push_back(&command);
        }
    }
    return all;
}

std::string_view group_summary(std::string_view group) {
    constexpr std::pair<std::string_view, std::string_view> kGroups[] = {
        {"alarm", "Alarm related commands"},
        {"auth", "Enable or disable authentication"},
        {"check", "Commands for checking properties of the cluster"},
        {"downgrade", "Downgrade related commands"},
        {"endpoint", "Endpoint related commands"},
        {"lease", "Lease related commands"},
        {"member", "Membership related commands"},
        {"role", "Role related commands"},
        {"snapshot", "Manages snapshots of a member"},
        {"user", "User related commands"},
    };
    for (const auto& [name, summary] : kGroups) {
        if (name == group) {
            return summary;
        }
    }
    return {};
}

}  // namespace quorate::ctl
