// SPDX-License-Identifier: Apache-2.0
#include "wal/reader.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <utility>

namespace quorate::wal {
namespace {

constexpr size_t kWindowBytes = 1024 * 1024;

}  // namespace

Status damaged_at(const std::string& path, uint64_t offset, std::string_view reason) {
    return {errors::kDamaged,
            path + ": byte offset " + std::to_string(offset) + ": " + std::string(reason)};
}

Result<SegmentReader> SegmentReader::open(FileSystem& fs, const std::string& path) {
    auto file = fs.open(path, OpenMode::kRead);
    if (!file) {
        return file.error();
    }
    SegmentReader reader(path, std::move(file).value());
    auto block = reader.file_->read_at(0, kSegmentHeaderBytes);
    if (!block) {
        return block.error();
    }
    auto header = decode_segment_header(*block);
    if (!header) {
        const Status error = header.error();
        if (error.is(errors::kNewerFormat)) {
            return Status(errors::kNewerFormat, path + ": " + std::string(error.detail()));
        }
        return damaged_at(path, 0, error.detail());
    }
    auto size = reader.file_->size();
    if (!size) {
        return size.error();
    }
    if (*size < header->capacity) {
        return damaged_at(
            path, *size,
            "the file ends here, but was made with " + std::to_string(header->capacity) + " bytes");
    }
    reader.header_ = *header;
    reader.position_ = {.offset = kSegmentHeaderBytes, .synced = kSegmentHeaderBytes};
    return reader;
}

Result<ByteView> SegmentReader::view(uint64_t offset, size_t bytes) {
    if (offset < window_offset_ || offset + bytes > window_offset_ + window_.size()) {
        const uint64_t rest = header_.capacity - offset;
        const auto wanted =
            static_cast<size_t>(std::min<uint64_t>(std::max(bytes, kWindowBytes), rest));
        auto window = file_->read_at(offset, wanted);
        if (!window) {
            return window.error();
        }
        window_ = std::move(window).value();
        window_offset_ = offset;
        if (window_.size() < bytes) {
            return damaged_at(path_, offset + window_.size(), "the file ends here");
        }
    }
    return ByteView(window_).substr(static_cast<size_t>(offset - window_offset_), bytes);
}

Result<std::optional<FrameHeader>> SegmentReader::whole_frame_at(uint64_t offset) {
    if (offset + kBlockBytes > header_.capacity) {
        return std::optional<FrameHeader>();
    }
    auto block = view(offset, kBlockBytes);
    if (!block) {
        return block.error();
    }
    const auto header = decode_frame_header(*block, header_.salt);
    if (!header || header->total_bytes() > header_.capacity - offset) {
        return std::optional<FrameHeader>();
    }
    auto frame = view(offset, static_cast<size_t>(header->total_bytes()));
    if (!frame) {
        return frame.error();
    }
    if (!frame_checksum_matches(*frame, *header, header_.salt, offset)) {
        return std::optional<FrameHeader>();
    }
    return header;
}

Result<std::optional<Frame>> SegmentReader::next(uint64_t entries_above) {
    if (last_kind_ == FrameKind::kSeal) {
        return std::optional<Frame>();
    }
    const uint64_t offset = position_.offset;
    auto header = whole_frame_at(offset);
    if (!header) {
        return header.error();
    }
    if (!header->has_value()) {
        return std::optional<Frame>();
    }
    Frame frame{.offset = offset, .header = **header};
    const uint64_t bytes = frame.header.total_bytes();
    if (frame_count_ > 0 && frame.header.previous_crc != position_.previous_crc) {
        return damaged_at(path_, offset, "this frame does not follow the one before it");
    }
    if (frame.header.synced > offset) {
        return damaged_at(path_, offset, "this frame claims what lies behind it");
    }
    auto raw = view(offset, static_cast<size_t>(bytes));
    if (!raw) {
        return raw.error();
    }
    auto content = decode_frame_content(*raw, frame.header, entries_above);
    if (!content) {
        return damaged_at(path_, offset, content.error().detail());
    }
    frame.content = std::move(content).value();

    position_ = {.offset = offset + bytes,
                 .synced = std::max(position_.synced, frame.header.synced),
                 .previous_crc = frame.header.crc};
    ++frame_count_;
    last_kind_ = frame.header.kind;
    return std::optional<Frame>(std::move(frame));
}

Result<Tail> SegmentReader::inspect_tail() {
    Tail tail{.clean_from = position_.offset};
    for (uint64_t at = position_.offset; at + kBlockBytes <= header_.capacity; at += kBlockBytes) {
        auto block = view(at, kBlockBytes);
        if (!block) {
            return block.error();
        }
        if (load_le32(block->data()) != static_cast<uint32_t>(header_.salt)) {
            continue;
        }
        const auto claimed = decode_frame_header(*block, header_.salt);
        const uint64_t end = at + (claimed ? claimed->total_bytes() : kBlockBytes);
        tail.clean_from = std::max(tail.clean_from, std::min(end, header_.capacity));
        auto whole = whole_frame_at(at);
        if (!whole) {
            return whole.error();
        }
        if (whole->has_value() && (*whole)->synced > position_.offset) {
            tail.vouched_by = at;
            return tail;
        }
    }
    return tail;
}

}  // namespace quorate::wal
