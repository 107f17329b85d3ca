// SPDX-License-Identifier: Apache-2.0
//
// What the index knows of one live key without reading its record. Value, any thread.
#pragma once

#include "mvcc/revision.h"

#include <cstdint>

namespace quorate::mvcc {

struct KeyState {
    Revision mod;  // where its record is
    int64_t create_revision = 0;
    int64_t version = 0;  // 1 at creation
    int64_t lease = 0;    // 0: none

    friend bool operator==(const KeyState&, const KeyState&) = default;
};

}  // namespace quorate::mvcc
