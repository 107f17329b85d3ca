// SPDX-License-Identifier: Apache-2.0
//
// Sizes for people. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace quorate {

// As etcd's tools print sizes: 82854982 is "83 MB".
std::string human_bytes(uint64_t bytes);

}  // namespace quorate
