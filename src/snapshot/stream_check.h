// SPDX-License-Identifier: Apache-2.0
//
// StreamCheck: whether a snapshot file's bytes fit the SHA-256 behind them, found out while they
// come, in order and in pieces of any size, so that nobody has to read the file again for it. What
// a file of so many bytes has its hash behind is PageFile's rule. One thread at a time.
#pragma once

#include "base/bytes.h"
#include "snapshot/sha256.h"

#include <cstdint>

namespace quorate::snapshot {

class StreamCheck {
  public:
    explicit StreamCheck(uint64_t file_bytes);

    void add(ByteView piece);
    // The end: nothing is added afterwards. False, too, when more or fewer bytes came than
    // announced, or when such a file has no hash.
    bool fits();

  private:
    const uint64_t file_bytes_;
    const uint64_t image_bytes_;
    uint64_t added_ = 0;
    Sha256 hash_;
    Bytes stored_;
};

}  // namespace quorate::snapshot
