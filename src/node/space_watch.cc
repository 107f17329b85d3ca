// SPDX-License-Identifier: Apache-2.0
#include "node/space_watch.h"

namespace quorate::node {
namespace {

constexpr int kMarks[] = {80, 90};
// How far it has to fall below a mark to be told of that again: usage that sways around it is one
// piece of news.
constexpr int kSlack = 5;

}  // namespace

std::optional<int> SpaceWatch::reached(uint64_t stored_bytes, int64_t quota_bytes) {
    if (quota_bytes <= 0) {
        return std::nullopt;
    }
    const double percent =
        static_cast<double>(stored_bytes) * 100 / static_cast<double>(quota_bytes);
    int mark = 0;
    int still = 0;
    for (const int one : kMarks) {
        mark = percent >= one ? one : mark;
        still = percent >= one - kSlack ? one : still;
    }
    if (mark > told_) {
        told_ = mark;
        return mark;
    }
    if (still < told_) {
        told_ = still;
    }
    return std::nullopt;
}

}  // namespace quorate::node
