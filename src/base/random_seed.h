// SPDX-License-Identifier: Apache-2.0
//
// Numbers from the system's random source, for what nobody may guess and what must differ between
// members. A simulator links its own, so that a run can be repeated. Any thread.
#pragma once

#include <cstdint>

namespace quorate {

uint64_t random_seed();

}  // namespace quorate
