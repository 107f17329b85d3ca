// SPDX-License-Identifier: Apache-2.0
#include "values.h"

namespace quorate::load {

Values::Values(size_t size, uint64_t seed) : size_(size), random_(Random::mix(seed)) {
    buffer_.reserve(size + kSpread);
    while (buffer_.size() < size + kSpread) {
        buffer_.push_back(static_cast<char>(random_.next() >> 56));
    }
}

std::string_view Values::next() {
    return std::string_view(buffer_).substr(random_.below(kSpread), size_);
}

}  // namespace quorate::load
