// SPDX-License-Identifier: Apache-2.0
#include "mvcc/removals.h"

#include "base/assert.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace quorate::mvcc {

void Removals::add(std::vector<Revision> revisions) {
    if (revisions.empty()) {
        return;
    }
    count_ += revisions.size();
    std::sort(revisions.begin(), revisions.end(), std::greater<>());
    revisions.shrink_to_fit();
    const Revision oldest = revisions.back();
    revisions.pop_back();
    runs_.push_back({oldest, std::move(revisions)});
    std::push_heap(runs_.begin(), runs_.end(), is_newer);
}

Revision Removals::take_oldest() {
    QUORATE_ASSERT(!empty());
    --count_;
    std::pop_heap(runs_.begin(), runs_.end(), is_newer);
    Run& run = runs_.back();
    const Revision oldest = run.oldest;
    if (run.others.empty()) {
        runs_.pop_back();
    } else {
        run.oldest = run.others.back();
        run.others.pop_back();
        std::push_heap(runs_.begin(), runs_.end(), is_newer);
    }
    return oldest;
}

}  // namespace quorate::mvcc
