// SPDX-License-Identifier: Apache-2.0
//
// A log file: appended to with one write per line, rotated by size when asked to, and opened again
// by name for outside tools. Called under the sink's lock.
#pragma once

#include "base/log_output.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::log {

Result<std::unique_ptr<Output>> open_file(const std::string& path,
                                          const std::optional<Rotation>& rotation);

// One write where the system takes it whole; false when it failed.
bool write_all(int fd, std::string_view text);

}  // namespace quorate::log
