// SPDX-License-Identifier: Apache-2.0
#include "process_usage.h"

#include "base/errors.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace quorate::load {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The fields after the command name, which may itself hold spaces and parentheses.
Status read_cpu(const std::string& directory, double& cpu_s) {
    std::ifstream file(directory + "/stat");
    std::string line;
    if (!std::getline(file, line)) {
        return {errors::kUnknown, "cannot read " + directory + "/stat: no such process?"};
    }
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    constexpr int kFieldsBeforeUtime = 11;
    for (int i = 0; i < kFieldsBeforeUtime; ++i) {
        fields >> skipped;
    }
    uint64_t user = 0;
    uint64_t system = 0;
    fields >> user >> system;
    cpu_s = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    return {};
}

}  // namespace

Result<ProcessUsage> process_usage(int pid) {
    const std::string directory = "/proc/" + std::to_string(pid);
    ProcessUsage usage;
    const Status status = read_cpu(directory, usage.cpu_s);
    if (!status.ok()) {
        return status;
    }
    std::ifstream file(directory + "/status");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        uint64_t kib = 0;
        words >> name >> kib;
        if (name == "VmRSS:") {
            usage.rss_bytes = kib << 10;
        } else if (name == "VmHWM:") {
            usage.peak_rss_bytes = kib << 10;
        }
    }
    return usage;
}

double own_cpu_s() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace quorate::load
