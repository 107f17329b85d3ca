// SPDX-License-Identifier: Apache-2.0
//
// SegmentReader: the frames of one segment in order, for recovery and for the offline dump tool. It
// only reads, a window at a time. Not thread-safe.
// Errors: errors::kDamaged and kNewerFormat with file, byte offset and reason; kIo.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "wal/frame.h"
#include "wal/segment.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace quorate::wal {

Status damaged_at(const std::string& path, uint64_t offset, std::string_view reason);

struct Frame {
    uint64_t offset = 0;
    FrameHeader header;
    FrameContent content;
};

// What lies behind the last whole frame of a segment.
struct Tail {
    // Nothing that could be a frame of this segment begins at or behind this.
    uint64_t clean_from = 0;
    // A whole frame that was written when the first bad byte was known to be on disk: the segment
    // is damaged, not torn.
    std::optional<uint64_t> vouched_by;
};

class SegmentReader {
  public:
    static Result<SegmentReader> open(FileSystem& fs, const std::string& path);

    const std::string& path() const { return path_; }
    const SegmentHeader& header() const { return header_; }
    // Of the next frame. Its `synced` is what the frames so far claim.
    const SegmentPosition& position() const { return position_; }
    uint64_t frame_count() const { return frame_count_; }
    // Of the frame that next() gave last.
    std::optional<FrameKind> last_kind() const { return last_kind_; }

    // The next frame; nothing behind a seal, at the end, and where no whole frame begins. Entries
    // at or below `entries_above` come without their bytes. That the first frame follows the
    // segment before is the caller's to check.
    Result<std::optional<Frame>> next(uint64_t entries_above);

    // After next() gave nothing: looks through the rest of the segment.
    Result<Tail> inspect_tail();

    // Bytes of the file as they are, for writing them again. Borrowed until the next call.
    Result<ByteView> view(uint64_t offset, size_t bytes);

  private:
    SegmentReader(std::string path, std::unique_ptr<File> file)
        : path_(std::move(path)), file_(std::move(file)) {}

    // The frame at `offset` if it is whole.
    Result<std::optional<FrameHeader>> whole_frame_at(uint64_t offset);

    std::string path_;
    std::unique_ptr<File> file_;
    SegmentHeader header_;
    SegmentPosition position_;
    uint64_t frame_count_ = 0;
    std::optional<FrameKind> last_kind_;

    Bytes window_;
    uint64_t window_offset_ = 0;
};

}  // namespace quorate::wal
