// SPDX-License-Identifier: Apache-2.0
//
// Repair: makes the disk agree with what recovery found, before anything is appended. The reasons
// are cases 1, 5 and 6 in wal.h. After a crash in the middle of it recovery finds the same again.
// Wal loop.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "wal/recovery.h"

#include <memory>
#include <string>

namespace quorate::wal {

// The last segment, open for the next frame at `position`.
struct RepairedEnd {
    std::unique_ptr<File> file;
    SegmentPosition position;
};

struct RepairOptions {
    bool unsafe_no_fsync = false;
};

Result<RepairedEnd> repair(FileSystem& fs, const std::string& dir, const Recovery& recovery,
                           const RepairOptions& options);

}  // namespace quorate::wal
