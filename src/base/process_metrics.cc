// SPDX-License-Identifier: Apache-2.0
#include "base/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

namespace quorate::metrics {

namespace {

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double open_fds() {
    std::error_code error;
    double count = 0;
    for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        ++count;
    }
    return count > 0 ? count - 1 : 0;  // without the one that lists them
}

double max_fds() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
}

double max_virtual_bytes() {
    rlimit limit{};
    getrlimit(RLIMIT_AS, &limit);
    return static_cast<double>(
        limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<uint64_t>::max() : limit.rlim_cur);
}

// A column of /proc/self/net/netstat: a line with the names of a group is followed by one with its
// values. They are of the network namespace, as in every program that shows them so.
double network_bytes(std::string_view column) {
    std::ifstream in("/proc/self/net/netstat");
    for (std::string names, values; std::getline(in, names) && std::getline(in, values);) {
        if (!names.starts_with("IpExt:")) {
            continue;
        }
        std::istringstream name_words(names);
        std::istringstream value_words(values);
        std::string name;
        for (std::string value; name_words >> name && value_words >> value;) {
            if (name == column) {
                return std::stod(value);
            }
        }
    }
    return 0;
}

// Columns of /proc/self/statm, in pages.
enum class Memory : uint8_t { kVirtual = 0, kResident = 1 };

double memory_bytes(Memory which) {
    std::ifstream in("/proc/self/statm");
    std::array<double, 2> pages{};
    in >> pages[0] >> pages[1];
    return pages[static_cast<size_t>(which)] * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Unix time in seconds: when the machine started, and how long after that the process did.
double start_time() {
    std::ifstream machine("/proc/stat");
    double boot = 0;
    for (std::string word; machine >> word;) {
        if (word == "btime") {
            machine >> boot;
            break;
        }
    }
    std::ifstream process("/proc/self/stat");
    std::string line;
    std::getline(process, line);
    // The name in parentheses may hold anything; the 22nd column is the 20th behind it.
    size_t at = line.rfind(')');
    for (int column = 0; column < 20 && at != std::string::npos; ++column) {
        at = line.find(' ', at + 1);
    }
    if (at == std::string::npos) {
        return 0;
    }
    return boot + std::stod(line.substr(at)) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

void add_process_metrics(Registry& registry) {
    registry.function("process_cpu_seconds_total",
                      "Total user and system CPU time spent in seconds.", "counter", cpu_seconds);
    registry.function("process_open_fds", "Number of open file descriptors.", "gauge", open_fds);
    registry.function("process_max_fds", "Maximum number of open file descriptors.", "gauge",
                      max_fds);
    registry.function("process_resident_memory_bytes", "Resident memory size in bytes.", "gauge",
                      [] { return memory_bytes(Memory::kResident); });
    registry.function("process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge",
                      [] { return memory_bytes(Memory::kVirtual); });
    registry.function("process_virtual_memory_max_bytes",
                      "Maximum amount of virtual memory available in bytes.", "gauge",
                      max_virtual_bytes);
    registry.function("process_network_receive_bytes_total",
                      "Number of bytes received by the process over the network.", "counter",
                      [] { return network_bytes("InOctets"); });
    registry.function("process_network_transmit_bytes_total",
                      "Number of bytes sent by the process over the network.", "counter",
                      [] { return network_bytes("OutOctets"); });
    const double started = start_time();
    registry.function("process_start_time_seconds",
                      "Start time of the process since unix epoch in seconds.", "gauge",
                      [started] { return started; });
    registry.function("os_fd_used", "The number of used file descriptors.", "gauge", open_fds);
    registry.function("os_fd_limit", "The file descriptor limit.", "gauge", max_fds);
}

}  // namespace quorate::metrics
