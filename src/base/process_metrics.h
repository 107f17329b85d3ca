// SPDX-License-Identifier: Apache-2.0
//
// What every Prometheus client exports about its process (process_*), and etcd's os_fd_*.
#pragma once

#include "base/metrics.h"

namespace quorate::metrics {

// Start-up thread. The values are read from /proc when the registry is printed.
void add_process_metrics(Registry& registry);

}  // namespace quorate::metrics
