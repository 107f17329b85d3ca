// SPDX-License-Identifier: Apache-2.0
//
// Puts by many clients at once, each with one request under way, at a steady rate or as fast as
// they are answered: the load of `check`. The command's thread.
#pragma once

#include "ctl/client.h"
#include "ctl/job.h"
#include "ctl/waiter.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quorate::ctl {

struct LoadOptions {
    int64_t rate = 0;          // a second; 0: no limit
    int64_t requests_max = 0;  // 0: no limit
    int64_t duration_ns = 0;   // 0: no limit
    std::string prefix;
    size_t key_bytes = 0;  // behind the prefix
    size_t value_bytes = 0;
};

struct LoadResult {
    int64_t answered = 0;  // without an error
    double per_second = 0;
    double slowest_s = 0;
    double deviation_s = 0;
    std::map<std::string, int64_t> errors;  // how often each
    bool interrupted = false;
};

// Made before the load, and one for each client.
Result<std::vector<std::unique_ptr<Client>>> load_clients(Job& job, size_t count);

// `on_progress` gets the number of answers now and then.
LoadResult run_load(const std::vector<std::unique_ptr<Client>>& clients, const LoadOptions& options,
                    Interrupts& interrupts, const std::function<void(int64_t)>& on_progress);

}  // namespace quorate::ctl
