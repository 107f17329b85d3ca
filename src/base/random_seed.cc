// SPDX-License-Identifier: Apache-2.0
#include "base/random_seed.h"

#include <random>

namespace quorate {

uint64_t random_seed() {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
}

}  // namespace quorate
