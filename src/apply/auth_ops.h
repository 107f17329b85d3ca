// SPDX-License-Identifier: Apache-2.0
//
// Changes of users, roles and permissions, and tokens that were issued. The caller's right to them
// was checked. Apply loop.
#pragma once

#include "apply/state.h"
#include "base/status.h"
#include "command.pb.h"

namespace quorate::apply {

// False for commands of other kinds.
bool is_auth_command(const wire::Command& command);

// Carries out one of the auth commands. Gives what the answer holds besides its header: a token or
// nothing.
Result<Bytes> run_auth(State& state, const wire::Command& command);

}  // namespace quorate::apply
