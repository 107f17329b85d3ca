// SPDX-License-Identifier: Apache-2.0
//
// What a hangup asks for: log files are opened again, and the configuration is read again, of which
// the log's settings are taken over. All else stays as it was at the start; what differs is named.
// Main thread.
#pragma once

#include "base/status.h"
#include "config/load.h"

#include <string>
#include <vector>

namespace quorate {

class Reloader {
  public:
    // Both outlive it: what the process was started with, and what that was read as.
    Reloader(const config::Inputs& inputs, const config::Loaded& started);

    // A configuration that is not valid, or half written, changes nothing.
    Status reload();

  private:
    const config::Inputs& inputs_;
    const config::Loaded& started_;
    std::vector<log::Field> effective_;  // as of the last time that it was valid
};

}  // namespace quorate
