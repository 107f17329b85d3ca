// SPDX-License-Identifier: Apache-2.0
//
// What processes have used, from /proc. Any thread.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::load {

struct ProcessUsage {
    double cpu_s = 0;  // user + system of all threads; the kernel counts in 10 ms
    uint64_t rss_bytes = 0;
    uint64_t peak_rss_bytes = 0;  // since the process began
};

Result<ProcessUsage> process_usage(int pid);
// Our own CPU, finer.
double own_cpu_s();

}  // namespace quorate::load
