// SPDX-License-Identifier: Apache-2.0
//
// The offline tool: `quorate util ...`, also by the name quorateutl. It works on files while no
// server uses them. Main thread.
#pragma once

#include <string>
#include <vector>

namespace quorate::util {

// `arguments` without the program's name and "util". What the process is to end with: 0, 1 for what
// failed, 2 for a wrong command line.
int run(const std::vector<std::string>& arguments, const std::string& executable_dir);

}  // namespace quorate::util
