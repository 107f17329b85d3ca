// SPDX-License-Identifier: Apache-2.0
//
// Recovery: reads all segments of a folder, checks that they are one chain, and says what the log
// held and where writing goes on. It changes nothing; what has to be repaired before the next
// append is in the result. The reasoning is in wal.h. Wal loop. Errors: as Wal::open.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "wal/frame.h"
#include "wal/log_shape.h"
#include "wal/reader.h"
#include "wal/segment.h"
#include "wal/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quorate::wal {

struct RecoveryLimits {
    uint64_t history_entries_max = 0;
    uint64_t history_bytes_max = 0;
};

struct RecoveredSegment {
    std::string path;
    SegmentHeader header;
    SegmentPosition position;  // behind the last whole frame
    uint64_t last_index = 0;   // the highest of any entry in it, 0 if none
    uint64_t frame_count = 0;
    std::optional<FrameKind> last_kind;
};

struct Recovery {
    Recovered recovered;
    LogShape shape;
    std::vector<RecoveredSegment> segments;  // oldest first, at least one
    // Of the last segment: what may hold parts of frames that were dropped reaches to here.
    uint64_t clean_from = 0;
};

// Names of the segments in `dir`, in order. Fails when a name ending like a segment's is none.
Result<std::vector<std::string>> list_segments(FileSystem& fs, const std::string& dir);

Result<Recovery> recover(FileSystem& fs, const std::string& dir, const Identity& identity,
                         const RecoveryLimits& limits);

}  // namespace quorate::wal
