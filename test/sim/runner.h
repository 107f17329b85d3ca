// SPDX-License-Identifier: Apache-2.0
//
// Many simulations one after another, what they found, and the smallest run that still finds it.
#pragma once

#include "base/status.h"
#include "sim/world.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quorate::sim {

struct RunnerOptions {
    WorldOptions world;
    std::optional<uint64_t> seed;
    uint64_t seeds = 0;  // 0: one, or as many as there is time for
    double minutes = 0;
    bool shrink = true;
    bool expect_violation = false;
};

Result<RunnerOptions> parse_arguments(const std::vector<std::string>& arguments);

// The exit code: 0 when all is as it should be.
int run(const RunnerOptions& options);

// What one run in a process of its own came to.
struct Outcome {
    bool ok = false;
    WorldCounts counts;
    std::string violation;
};
Outcome run_in_child(const WorldOptions& options);

// The arguments that repeat a run.
std::string arguments_of(const WorldOptions& options);

// Leaves out whatever can be left out while the run still fails; `runs_max` tries.
WorldOptions shrink(const WorldOptions& options, uint64_t runs_max);

}  // namespace quorate::sim
