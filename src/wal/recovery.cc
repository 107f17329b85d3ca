// SPDX-License-Identifier: Apache-2.0
#include "wal/recovery.h"

#include "base/assert.h"
#include "base/errors.h"
#include "wal/replay.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

namespace quorate::wal {
namespace {

// What a disk writes whole or not at all.
constexpr size_t kSectorBytes = 512;

std::string in_hex(uint64_t id) {
    char raw[20];
    std::snprintf(raw, sizeof raw, "%" PRIx64, id);
    return raw;
}

Status check_identity(const SegmentReader& reader, const Identity& expected) {
    const Identity& found = reader.header().identity;
    if (found.cluster_id != expected.cluster_id) {
        return {errors::kForeignData, reader.path() + ": belongs to cluster " +
                                          in_hex(found.cluster_id) + ", this is cluster " +
                                          in_hex(expected.cluster_id)};
    }
    if (found.member_id != expected.member_id) {
        return {errors::kForeignData, reader.path() + ": belongs to member " +
                                          in_hex(found.member_id) + ", this is member " +
                                          in_hex(expected.member_id)};
    }
    return {};
}

Status missing_segment(const std::string& dir, uint64_t sequence) {
    return {errors::kDamaged,
            dir + ": the segment with sequence " + in_hex(sequence) + " is missing"};
}

// The frames of one segment after the other, with what only the neighbours can tell about each.
class ChainReader {
  public:
    ChainReader(FileSystem& fs, const std::string& dir, const Identity& identity, Replay& replay)
        : fs_(fs), dir_(dir), identity_(identity), replay_(replay) {}

    Status read(const std::string& name, bool last) {
        auto reader = SegmentReader::open(fs_, dir_ + "/" + name);
        if (!reader) {
            return reader.error();
        }
        Status checked = check_identity(*reader, identity_);
        if (checked.ok()) {
            checked = check_name(name, *reader);
        }
        if (!checked.ok()) {
            return checked;
        }
        RecoveredSegment segment{.path = reader->path(), .header = reader->header()};
        if (Status s = read_frames(name, *reader, segment); !s.ok()) {
            return s;
        }
        segment.position = reader->position();
        segment.frame_count = reader->frame_count();
        segment.last_kind = reader->last_kind();
        out_.recovered.bytes_read += reader->position().offset;
        if (Status s = check_end(*reader, last); !s.ok()) {
            return s;
        }
        out_.segments.push_back(std::move(segment));
        return {};
    }

    Recovery& result() { return out_; }

  private:
    Status check_name(const std::string& name, const SegmentReader& reader) const {
        const auto parsed = parse_segment_file_name(name);
        QUORATE_ASSERT(parsed.has_value());
        if (parsed->sequence != reader.header().sequence) {
            return damaged_at(reader.path(), 0,
                              "the header says sequence " + in_hex(reader.header().sequence) +
                                  ": the file was renamed");
        }
        if (!out_.segments.empty()) {
            const uint64_t expected = out_.segments.back().header.sequence + 1;
            if (parsed->sequence != expected) {
                return missing_segment(dir_, expected);
            }
        }
        return {};
    }

    Status read_frames(const std::string& name, SegmentReader& reader, RecoveredSegment& segment) {
        for (;;) {
            const bool first = reader.frame_count() == 0;
            auto frame = reader.next(replay_.entries_above());
            if (!frame) {
                return frame.error();
            }
            if (!frame->has_value()) {
                return {};
            }
            const uint64_t offset = (*frame)->offset;
            if (first) {
                if (Status s = check_link(name, reader, **frame); !s.ok()) {
                    return s;
                }
            }
            if ((*frame)->header.kind != FrameKind::kBatch) {
                continue;
            }
            FrameContent& content = (*frame)->content;
            for (const raft::Entry& entry : content.entries) {
                segment.last_index = std::max(segment.last_index, entry.id.index);
            }
            if (Status s = replay_.apply(std::move(content), first); !s.ok()) {
                return damaged_at(reader.path(), offset, s.detail());
            }
        }
    }

    // The first frame of a segment against its name and the segment before.
    Status check_link(const std::string& name, const SegmentReader& reader,
                      const Frame& frame) const {
        if (!out_.segments.empty()) {
            const RecoveredSegment& before = out_.segments.back();
            if (before.last_kind != FrameKind::kSeal) {
                return damaged_at(
                    before.path, before.position.offset,
                    "no whole frame begins here, and the next segment has been begun");
            }
            if (frame.header.previous_crc != before.position.previous_crc) {
                return damaged_at(reader.path(), frame.offset,
                                  "the segment does not follow the one before it");
            }
        }
        if (frame.header.kind != FrameKind::kBatch || !frame.content.carry) {
            return damaged_at(reader.path(), frame.offset,
                              "the first frame of the segment does not say what came before it");
        }
        if (frame.content.carry->last.index + 1 != parse_segment_file_name(name)->first_index) {
            return damaged_at(reader.path(), frame.offset,
                              "the segment begins with another index than its name says");
        }
        return {};
    }

    // Where the frames end is where writing ended, or damage.
    Status check_end(SegmentReader& reader, bool last) {
        if (reader.last_kind() == FrameKind::kSeal) {
            return last ? missing_segment(dir_, reader.header().sequence + 1) : Status();
        }
        const uint64_t end = reader.position().offset;
        if (end + kSealBytes > reader.header().capacity) {
            return damaged_at(reader.path(), end,
                              "the frames leave no room for the one that ends the segment");
        }
        auto tail = reader.inspect_tail();
        if (!tail) {
            return tail.error();
        }
        if (tail->vouched_by) {
            return damaged_at(reader.path(), end,
                              "no whole frame begins here, but the frame at byte offset " +
                                  std::to_string(*tail->vouched_by) +
                                  " was written after this place had been synced");
        }
        if (!last && tail->clean_from > end) {
            auto torn_seal = begins_with_seal(reader);
            if (!torn_seal) {
                return torn_seal.error();
            }
            if (!*torn_seal || tail->clean_from > end + kBlockBytes) {
                return damaged_at(reader.path(), end,
                                  "a frame is cut off here, and a later segment exists");
            }
        }
        out_.clean_from = tail->clean_from;
        out_.recovered.torn_bytes = tail->clean_from - end;
        return {};
    }

    // Whether the bad frame is the seal that a crash left half written. Its first sector holds all
    // that is not zero, and says what it was.
    static Result<bool> begins_with_seal(SegmentReader& reader) {
        auto block = reader.view(reader.position().offset, kBlockBytes);
        if (!block) {
            return block.error();
        }
        const auto header = decode_frame_header(*block, reader.header().salt);
        if (!header) {
            return false;
        }
        SegmentPosition end = reader.position();
        end.synced = std::min(header->synced, end.offset);
        FrameBuffer buffer;
        const ByteView seal = buffer.encode(
            FrameKind::kSeal, {.salt = reader.header().salt, .position = end}, std::nullopt, {});
        return block->substr(0, kSectorBytes) == seal.substr(0, kSectorBytes);
    }

    FileSystem& fs_;
    const std::string& dir_;
    const Identity& identity_;
    Replay& replay_;
    Recovery out_;
};

// The mark that the newest segment with a first frame knows of. Whatever is wrong with a file is
// left to the reading proper.
uint64_t peek_mark(FileSystem& fs, const std::string& dir, const std::vector<std::string>& names) {
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        auto reader = SegmentReader::open(fs, dir + "/" + *name);
        if (!reader) {
            return 0;
        }
        auto frame = reader->next(UINT64_MAX);
        if (!frame) {
            return 0;
        }
        if (frame->has_value() && (*frame)->content.mark) {
            return (*frame)->content.mark->id.index;
        }
    }
    return 0;
}

// A last segment without a frame was made for one that says at least what the log knows by now.
Status check_room_for_first_frame(const RecoveredSegment& last, const Recovered& recovered) {
    const uint64_t needed = encoded_frame_bytes(
        {.hard_state = recovered.hard_state, .mark = recovered.mark}, /*with_carry=*/true);
    if (last.frame_count == 0 &&
        last.position.offset + needed + kSealBytes > last.header.capacity) {
        return damaged_at(
            last.path, last.position.offset,
            "the segment has no room for its first frame of " + std::to_string(needed) + " bytes");
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>> list_segments(FileSystem& fs, const std::string& dir) {
    auto names = fs.list(dir);
    if (!names) {
        return names.error();
    }
    std::vector<std::string> segments;
    for (std::string& name : *names) {
        if (!name.ends_with(kSegmentSuffix)) {
            continue;
        }
        if (!parse_segment_file_name(name)) {
            return Status(errors::kDamaged,
                          dir + "/" + name + ": is named like a log segment but is none");
        }
        segments.push_back(std::move(name));
    }
    return segments;
}

Result<Recovery> recover(FileSystem& fs, const std::string& dir, const Identity& identity,
                         const RecoveryLimits& limits) {
    auto names = list_segments(fs, dir);
    if (!names) {
        return names.error();
    }
    if (names->empty()) {
        return Status(errors::kFileNotFound, dir + ": no log here");
    }
    Replay replay({.history_entries_max = limits.history_entries_max,
                   .history_bytes_max = limits.history_bytes_max,
                   .known_mark_index = peek_mark(fs, dir, *names)});
    ChainReader chain(fs, dir, identity, replay);
    for (const std::string& name : *names) {
        if (Status s = chain.read(name, &name == &names->back()); !s.ok()) {
            return s;
        }
    }
    auto recovered = replay.finish();
    if (!recovered) {
        return Status(errors::kDamaged, dir + ": " + std::string(recovered.error().detail()));
    }
    Recovery& out = chain.result();
    recovered->torn_bytes = out.recovered.torn_bytes;
    recovered->bytes_read = out.recovered.bytes_read;
    out.recovered = std::move(recovered).value();
    if (Status s = check_room_for_first_frame(out.segments.back(), out.recovered); !s.ok()) {
        return s;
    }
    out.shape = replay.shape();
    return std::move(out);
}

}  // namespace quorate::wal
