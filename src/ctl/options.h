// SPDX-License-Identifier: Apache-2.0
//
// The flags that every command takes, and what they say about the cluster to talk to. What the
// command line leaves open comes from QUORATECTL_NAME, else from ETCDCTL_NAME in the environment.
// One thread.
#pragma once

#include "base/status.h"
#include "ctl/client.h"
#include "ctl/flags.h"

#include <span>
#include <string>
#include <string_view>

namespace quorate::ctl {

extern const std::span<const FlagSpec> kGlobalFlags;

// Sets the flags of these groups that were not given but are in the environment. errors::kUsage
// names the variable whose value does not fit.
Status take_environment(Flags& flags, const FlagGroups& groups);

// errors::kUsage for what can't be; asks for a password on the terminal when only a user is given.
Result<ClientOptions> client_options(const Flags& flags);

struct Login {
    std::string user;
    std::string password;
};
// What is said on a terminal, and where there is none.
struct Asking {
    std::string_view prompt;
    std::string_view otherwise;
};
// "user[:password]" and the password's own flag; asks when there is none.
Result<Login> login_of(std::string_view user, std::string_view password, const Asking& asking);

}  // namespace quorate::ctl
