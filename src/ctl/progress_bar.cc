// SPDX-License-Identifier: Apache-2.0
#include "ctl/progress_bar.h"

#include "base/human_bytes.h"
#include "ctl/waiter.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr size_t kWidth = 40;
constexpr int64_t kBetween_ns = 100 * kMillisecond_ns;

std::string amount(uint64_t value, ProgressBar::Unit unit) {
    return unit == ProgressBar::Unit::kBytes ? human_bytes(value) : std::to_string(value);
}

}  // namespace

ProgressBar::ProgressBar(std::string title, uint64_t total, Unit unit)
    : title_(std::move(title)), unit_(unit), shown_(isatty(STDERR_FILENO) == 1) {
    set(0, total);
}

ProgressBar::~ProgressBar() {
    if (shown_) {
        std::fprintf(stderr, "\r\033[K");
    }
}

std::string ProgressBar::line(std::string_view title, uint64_t done, uint64_t total, Unit unit) {
    std::string text = std::string(title) + " " + amount(done, unit);
    if (total == 0) {
        return text;
    }
    const uint64_t reached = std::min(done, total);
    const auto filled = static_cast<size_t>(static_cast<double>(reached) /
                                            static_cast<double>(total) * double{kWidth});
    return text + " of " + amount(total, unit) + " [" + std::string(filled, '#') +
           std::string(kWidth - filled, '.') + "] " + std::to_string(filled * 100 / kWidth) + "%";
}

void ProgressBar::set(uint64_t done, uint64_t total) {
    if (!shown_ || now_ns() < next_ns_) {
        return;
    }
    next_ns_ = now_ns() + kBetween_ns;
    std::fprintf(stderr, "\r%s\033[K", line(title_, done, total, unit_).c_str());
    std::fflush(stderr);
}

}  // namespace quorate::ctl
