// SPDX-License-Identifier: Apache-2.0
//
// The result of a run, as aligned text for people and as JSON for bench/compare. Any thread.
#pragma once

#include "options.h"
#include "process_usage.h"
#include "recorder.h"

#include <string>
#include <vector>

namespace quorate::load {

struct RunResult {
    Recorder records;
    double measured_s = 0;
    double client_cpu_s = 0;
    // The servers' usage over the window: CPU is the difference, memory as it was at the end.
    std::vector<ProcessUsage> servers;
};

std::string report_text(const Options& options, const RunResult& result);
std::string report_json(const Options& options, const RunResult& result);

}  // namespace quorate::load
