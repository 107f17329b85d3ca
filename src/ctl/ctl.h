// SPDX-License-Identifier: Apache-2.0
//
// `quorate ctl`, also by the name quoratectl: the client's commands. The process's main thread.
#pragma once

#include <string>
#include <vector>

namespace quorate::ctl {

// `arguments` come behind the program's name (and "ctl"); `program` is how the tool was called, for
// the help. Returns the exit code.
int run(const std::vector<std::string>& arguments, const std::string& program,
        const std::string& executable_dir);

}  // namespace quorate::ctl
