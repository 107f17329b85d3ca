// SPDX-License-Identifier: Apache-2.0
//
// A bar on standard error for work that takes long; nothing when that is no terminal. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::ctl {

class ProgressBar {
  public:
    // How an amount is shown.
    enum class Unit : uint8_t { kCount, kBytes };

    // `total` of 0: not known.
    ProgressBar(std::string title, uint64_t total, Unit unit);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void set(uint64_t done, uint64_t total);

    // The line for a state, without the terminal's control characters.
    static std::string line(std::string_view title, uint64_t done, uint64_t total, Unit unit);

  private:
    const std::string title_;
    const Unit unit_;
    const bool shown_;
    int64_t next_ns_ = 0;
};

}  // namespace quorate::ctl
