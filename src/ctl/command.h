// SPDX-License-Identifier: Apache-2.0
//
// What a command of quoratectl is. One table of them (commands.h) makes the parser, the help and
// the completion of shells. Values, one thread.
#pragma once

#include "ctl/exit.h"
#include "ctl/flags.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace quorate::ctl {

class Job;

enum class Section : uint8_t { kKeys, kCluster, kConcurrency, kAuthentication, kUtility };

struct Command {
    std::string_view name;      // "lease grant"
    std::string_view operands;  // "<ttl>", for the help
    std::string_view summary;   // one line
    Section section;
    Exit (*run)(Job& job);
    std::span<const FlagSpec> flags = {};
    std::string_view details = {};          // what else to know, lines of the help
    std::string_view operand_choices = {};  // for completion, separated by blanks
};

}  // namespace quorate::ctl
