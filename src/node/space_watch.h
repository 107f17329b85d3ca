// SPDX-License-Identifier: Apache-2.0
//
// Tells in good time that the space under --quota-backend-bytes is running out: once when so much
// is used, again at the next mark, and anew when it was freed in between. Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>

namespace quorate::node {

class SpaceWatch {
  public:
    // A mark that is reached, in percent of `quota`, for the caller to tell of. Quota 0: none.
    std::optional<int> reached(uint64_t stored_bytes, int64_t quota_bytes);

  private:
    int told_ = 0;  // the highest mark that was told of
};

}  // namespace quorate::node
