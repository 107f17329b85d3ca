// SPDX-License-Identifier: Apache-2.0
//
// Passwords from the terminal, without showing them. The command's thread.
#pragma once

#include "base/status.h"

#include <string>
#include <string_view>

namespace quorate::ctl {

// errors::kUsage when there is no terminal; `otherwise` says how the password can be given then.
Result<std::string> ask_password(std::string_view prompt, std::string_view otherwise);

// A new one, typed twice. errors::kUsage when it is empty or the two differ.
Result<std::string> ask_new_password(std::string_view user);

// The first word of standard input.
std::string read_password_word();

}  // namespace quorate::ctl
