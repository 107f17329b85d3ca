// SPDX-License-Identifier: Apache-2.0
#include "wal/repair.h"

#include "wal/aligned_buffer.h"
#include "wal/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace quorate::wal {
namespace {

constexpr uint64_t kPieceBytes = 1024 * 1024;

// Writes the frames again that nothing vouches for: after a failed sync they may be readable and
// not on the disk.
Status rewrite_unproven(FileSystem& fs, const RecoveredSegment& segment, File& file) {
    auto reader = SegmentReader::open(fs, segment.path);
    if (!reader) {
        return reader.error();
    }
    AlignedBuffer copy;
    const uint64_t end = segment.position.offset;
    for (uint64_t at = segment.position.synced; at < end; at += kPieceBytes) {
        const auto bytes = static_cast<size_t>(std::min(kPieceBytes, end - at));
        auto raw = reader->view(at, bytes);
        if (!raw) {
            return raw.error();
        }
        copy.reserve(bytes);
        std::memcpy(copy.data(), raw->data(), bytes);
        if (Status s = file.write_at(at, copy.view(bytes)); !s.ok()) {
            return s;
        }
    }
    return {};
}

// What remains of dropped frames must never be taken for frames.
Status write_zeros(File& file, uint64_t from, uint64_t to) {
    AlignedBuffer zeros;
    for (uint64_t at = from; at < to; at += kPieceBytes) {
        const auto bytes = static_cast<size_t>(std::min(kPieceBytes, to - at));
        zeros.reserve(bytes);
        std::memset(zeros.data(), 0, bytes);
        if (Status s = file.write_at(at, zeros.view(bytes)); !s.ok()) {
            return s;
        }
    }
    return {};
}

// Finishes the segment before one that has no frame yet, and returns the checksum of its seal.
Result<uint32_t> finish_predecessor(FileSystem& fs, const RecoveredSegment& segment,
                                    const RepairOptions& options) {
    auto opened = fs.open(segment.path, OpenMode::kWriteDirect);
    if (!opened) {
        return opened.error();
    }
    File& file = **opened;
    if (Status s = rewrite_unproven(fs, segment, file); !s.ok()) {
        return s;
    }
    uint32_t crc = segment.position.previous_crc;
    if (segment.last_kind != FrameKind::kSeal) {
        SegmentPosition end = segment.position;
        end.synced = end.offset;  // before its successor got its name
        FrameBuffer buffer;
        const ByteView seal = buffer.encode(
            FrameKind::kSeal, {.salt = segment.header.salt, .position = end}, std::nullopt, {});
        if (Status s = file.write_at(end.offset, seal); !s.ok()) {
            return s;
        }
        crc = buffer.crc();
    }
    if (!options.unsafe_no_fsync) {
        if (Status s = file.sync_data(); !s.ok()) {
            return s;
        }
    }
    return crc;
}

}  // namespace

Result<RepairedEnd> repair(FileSystem& fs, const std::string& dir, const Recovery& recovery,
                           const RepairOptions& options) {
    // The names that were found may be known to the kernel alone.
    if (!options.unsafe_no_fsync) {
        if (Status s = fs.sync_dir(dir); !s.ok()) {
            return s;
        }
    }
    const size_t count = recovery.segments.size();
    const RecoveredSegment& last = recovery.segments.back();
    RepairedEnd out{.position = last.position};
    if (last.frame_count == 0 && count > 1) {
        auto crc = finish_predecessor(fs, recovery.segments[count - 2], options);
        if (!crc) {
            return crc.error();
        }
        out.position.previous_crc = *crc;
    }
    auto file = fs.open(last.path, OpenMode::kWriteDirect);
    if (!file) {
        return file.error();
    }
    out.file = std::move(file).value();
    if (Status s = rewrite_unproven(fs, last, *out.file); !s.ok()) {
        return s;
    }
    if (Status s = write_zeros(*out.file, last.position.offset, recovery.clean_from); !s.ok()) {
        return s;
    }
    if (!options.unsafe_no_fsync) {
        if (Status s = out.file->sync_data(); !s.ok()) {
            return s;
        }
        out.position.synced = out.position.offset;
    }
    return out;
}

}  // namespace quorate::wal
