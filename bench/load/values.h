// SPDX-License-Identifier: Apache-2.0
//
// Values that do not compress and differ from one put to the next: slices of one random buffer.
// One thread.
#pragma once

#include "key_space.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::load {

class Values {
  public:
    Values(size_t size, uint64_t seed);

    // Valid until the next call.
    std::string_view next();

  private:
    static constexpr size_t kSpread = 64 << 10;

    const size_t size_;
    Random random_;
    std::string buffer_;
};

}  // namespace quorate::load
