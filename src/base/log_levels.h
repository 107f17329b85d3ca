// SPDX-License-Identifier: Apache-2.0
//
// Which lines are written: one level for all modules and others for some, "raft=debug,info".
// A value; immutable once parsed.
#pragma once

#include "base/log.h"
#include "base/status.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::log {

class Levels {
  public:
    // "info" for everything.
    Levels() = default;
    // Items "level" or "module=level" with commas between; at most one bare level, which is info
    // when there is none. Fails with errors::kConfig and what is allowed.
    static Result<Levels> parse(std::string_view text);

    Level of(std::string_view module) const;
    // The lowest level of any module: what lies below is never written.
    Level lowest() const;

  private:
    Level rest_ = Level::kInfo;
    std::vector<std::pair<std::string, Level>> modules_;
};

}  // namespace quorate::log
