// SPDX-License-Identifier: Apache-2.0
//
// Tables as etcdctl 3.7 draws them. Any thread.
#pragma once

#include <string>
#include <vector>

namespace quorate::ctl {

struct Table {
    std::vector<std::string> titles;             // drawn in capitals, "_" as a blank, in the middle
    std::vector<std::vector<std::string>> rows;  // at the right

    std::string draw() const;
    // The rows alone, with ", " between the cells: what etcdctl calls simple.
    std::string lines() const;
};

}  // namespace quorate::ctl
