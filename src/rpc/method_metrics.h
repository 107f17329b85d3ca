// SPDX-License-Identifier: Apache-2.0
//
// What is counted of each method, under the names that dashboards made for etcd read. All series
// are there from the start, at zero. Any thread.
#pragma once

#include "base/metrics.h"
#include "base/status.h"

#include <array>
#include <cstdint>
#include <string>

namespace quorate::rpc {

enum class MethodType : uint8_t { kUnary, kServerStream, kBidiStream };

struct MethodMetrics {
    // `path` is "/package.Service/Method". `latencies`: with the histogram of --metrics=extensive.
    MethodMetrics(metrics::Registry& registry, const std::string& path, MethodType type,
                  bool latencies);

    void ended(Code code, int64_t took_ns);

    metrics::Counter& started;
    metrics::Counter& received;
    metrics::Counter& sent;
    std::array<metrics::Counter*, 17> handled{};  // by code
    metrics::Histogram* handling_seconds = nullptr;
    // Of the requests that read or change the store; null for others.
    metrics::Histogram* succeeded_seconds = nullptr;
    metrics::Histogram* failed_seconds = nullptr;
};

}  // namespace quorate::rpc
