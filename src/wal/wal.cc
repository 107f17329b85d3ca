// SPDX-License-Identifier: Apache-2.0
#include "wal/wal.h"

#include "base/assert.h"
#include "base/errors.h"
#include "wal/aligned_buffer.h"
#include "wal/recovery.h"
#include "wal/repair.h"

#include <algorithm>
#include <utility>

namespace quorate::wal {
namespace {

// What is made on the spot when no spare is ready: small enough to wait for (a few milliseconds),
// large enough for the next spare to be ready when it is full.
constexpr uint64_t kQuickSegmentBytes = 4 * 1024 * 1024;

// The fixed parts of a frame besides its entries stay below this, whatever the configuration.
constexpr uint64_t kFrameOverheadMax = 1024 * 1024;
static_assert(kFrameBytesTarget + kFrameOverheadMax < kFrameBytesMax);

// What is made on the spot is called this until it is a segment.
constexpr std::string_view kQuickSpareName = "quick.spare";

uint64_t highest_index(const Batch& batch) {
    return batch.entries.empty() ? 0 : batch.entries.back().id.index;
}

std::string join(const std::string& dir, std::string_view name) {
    return std::string(dir).append("/").append(name);
}

}  // namespace

Wal::Wal(FileSystem& fs, std::string dir, const Identity& identity, const Options& options)
    : fs_(fs),
      dir_(std::move(dir)),
      identity_(identity),
      options_(options),
      spares_(fs, dir_,
              {.segment_bytes = options.segment_bytes,
               .count_max = options.spare_segments_max,
               .waker = options.spares_waker}) {
    QUORATE_ASSERT(options.segment_bytes >= kSegmentBytesMin);
    QUORATE_ASSERT(options.segment_bytes % kBlockBytes == 0);
}

Wal::~Wal() = default;

Result<bool> Wal::exists(FileSystem& fs, const std::string& dir) {
    auto there = fs.exists(dir);
    if (!there || !*there) {
        return there;
    }
    auto names = list_segments(fs, dir);
    if (!names) {
        return names.error();
    }
    return !names->empty();
}

Result<std::unique_ptr<Wal>> Wal::prepare(FileSystem& fs, const std::string& dir,
                                          const Identity& identity, const Options& options) {
    std::unique_ptr<Wal> wal(new Wal(fs, dir, identity, options));
    auto lock = fs.lock(join(dir, kLockName));
    if (!lock) {
        return lock.error();
    }
    wal->lock_ = std::move(lock).value();
    return wal;
}

Result<std::unique_ptr<Wal>> Wal::create(FileSystem& fs, const std::string& dir,
                                         const Identity& identity, const Batch& first,
                                         const Options& options) {
    if (Status s = fs.create_dirs(dir); !s.ok()) {
        return s;
    }
    auto wal = prepare(fs, dir, identity, options);
    if (!wal) {
        return wal.error();
    }
    auto there = exists(fs, dir);
    if (!there) {
        return there.error();
    }
    if (*there) {
        return Status(errors::kIo, dir + ": there is a log already");
    }
    Status begun = (*wal)->spares_.open();
    if (begun.ok()) {
        begun = (*wal)->begin_log(first);
    }
    if (!begun.ok()) {
        return begun;
    }
    return wal;
}

Result<Wal::Opened> Wal::open(FileSystem& fs, const std::string& dir, const Identity& identity,
                              const Options& options) {
    auto there = exists(fs, dir);
    if (!there) {
        return there.error();
    }
    if (!*there) {
        return Status(errors::kFileNotFound, dir + ": no log here");
    }
    auto wal = prepare(fs, dir, identity, options);
    if (!wal) {
        return wal.error();
    }
    auto recovery = recover(fs, dir, identity,
                            {.history_entries_max = options.history_entries_max,
                             .history_bytes_max = options.history_bytes_max});
    if (!recovery) {
        return recovery.error();
    }
    // Only now, when the log is known to be well, anything is changed.
    Status resumed = (*wal)->spares_.open();
    if (resumed.ok()) {
        resumed = (*wal)->resume(*recovery);
    }
    if (!resumed.ok()) {
        return resumed;
    }
    return Opened{std::move(wal).value(), std::move(recovery->recovered)};
}

Status Wal::begin_log(const Batch& first) {
    assert_acceptable(first);
    QUORATE_ASSERT(first.entries.empty());
    const Batch whole = with_state(first);
    auto segment = new_segment(1, encoded_frame_bytes(whole, true));
    if (!segment) {
        return segment.error();
    }
    // The segment keeps its spare's name until its first frame is on disk, so that a log that can
    // be found always has one.
    active_ = std::move(segment).value();
    if (Status s = write_frame(FrameKind::kBatch, carry(), whole); !s.ok()) {
        return s;
    }
    note(first);
    if (Status s = sync_active(); !s.ok()) {
        return s;
    }
    const std::string path = join(dir_, segment_file_name({.sequence = 1, .first_index = 1}));
    if (Status s = fs_.rename(active_.path, path); !s.ok()) {
        return s;
    }
    active_.path = path;
    return sync_dir();
}

Status Wal::resume(const Recovery& recovery) {
    for (size_t i = 0; i + 1 < recovery.segments.size(); ++i) {
        const RecoveredSegment& segment = recovery.segments[i];
        sealed_.push_back({.path = segment.path,
                           .bytes = segment.header.capacity,
                           .last_index = segment.last_index});
        sealed_bytes_ += segment.header.capacity;
    }
    auto end = repair(fs_, dir_, recovery, {.unsafe_no_fsync = options_.unsafe_no_fsync});
    if (!end) {
        return end.error();
    }
    const RecoveredSegment& last = recovery.segments.back();
    active_ = {.path = last.path,
               .file = std::move(end->file),
               .header = last.header,
               .position = end->position,
               .frame_count = last.frame_count,
               .last_index = last.last_index,
               .head_synced = last.frame_count > 0,
               .closed = last.last_kind == FrameKind::kClose};
    shape_ = recovery.shape;
    hard_state_ = recovery.recovered.hard_state;
    mark_ = recovery.recovered.mark;
    synced_mark_index_ = mark_.id.index;
    return {};
}

Status Wal::append(const Batch& batch) {
    if (!failed_.ok()) {
        return failed_;
    }
    assert_acceptable(batch);
    for (const raft::Entry& entry : batch.entries) {
        if (encoded_entry_bytes(entry) > kFrameBytesMax - kFrameOverheadMax) {
            return {errors::kResourceExhausted,
                    "an entry of " + std::to_string(entry.data().size()) +
                        " bytes is more than one frame of the log holds"};
        }
    }
    Status written = write_split(batch);
    QUORATE_VERIFY(*this);
    return written;
}

Status Wal::sync() {
    if (!failed_.ok()) {
        return failed_;
    }
    return sync_active();
}

Status Wal::append_and_sync(const Batch& batch) {
    if (Status s = append(batch); !s.ok()) {
        return s;
    }
    return sync();
}

Status Wal::close() {
    if (Status s = sync(); !s.ok()) {
        return s;
    }
    if (active_.closed || !fits(kBlockBytes) || active_.frame_count == 0) {
        return {};
    }
    if (Status s = write_frame(FrameKind::kClose, std::nullopt, {}); !s.ok()) {
        return s;
    }
    return sync_active();
}

void Wal::release(uint64_t index) {
    index = std::min(index, synced_mark_index_);
    while (!sealed_.empty() && sealed_.front().last_index <= index &&
           (sealed_.size() > 1 || active_.head_synced)) {
        sealed_bytes_ -= sealed_.front().bytes;
        spares_.retire(std::move(sealed_.front().path), sealed_.front().bytes);
        sealed_.pop_front();
    }
    spares_.poll();
}

uint64_t Wal::bytes_on_disk() const {
    return sealed_bytes_ + active_.header.capacity + spares_.bytes();
}

// What a batch may hold is the caller's promise (types.h); a log that breaks it could not be read.
void Wal::assert_acceptable(const Batch& batch) const {
    if (batch.hard_state) {
        QUORATE_ASSERT(batch.hard_state->term >= hard_state_.term);
    }
    if (batch.mark) {
        LogShape shape = shape_;
        shape.set_mark(batch.mark->id);
        QUORATE_ASSERT(batch.entries.empty() || shape.accepts(batch.entries.front().id));
    } else {
        QUORATE_ASSERT(batch.entries.empty() || shape_.accepts(batch.entries.front().id));
    }
    for (size_t i = 1; i < batch.entries.size(); ++i) {
        QUORATE_ASSERT(batch.entries[i].id.index == batch.entries[i - 1].id.index + 1);
        QUORATE_ASSERT(batch.entries[i].id.term >= batch.entries[i - 1].id.term);
    }
}

Status Wal::write_split(const Batch& batch) {
    Batch part{.mark = batch.mark};
    size_t begin = 0;
    do {
        uint64_t bytes = 0;
        size_t end = begin;
        while (end < batch.entries.size()) {
            bytes += encoded_entry_bytes(batch.entries[end]);
            if (bytes > kFrameBytesTarget && end > begin) {
                break;
            }
            ++end;
        }
        part.entries = batch.entries.subspan(begin, end - begin);
        // A crash between two parts leaves the first: it must not say that more is committed than
        // is there.
        part.hard_state = batch.hard_state;
        if (part.hard_state && end < batch.entries.size()) {
            part.hard_state->commit =
                std::min(part.hard_state->commit, part.entries.back().id.index);
        }
        if (Status s = write_batch(part); !s.ok()) {
            return s;
        }
        part.mark.reset();
        begin = end;
    } while (begin < batch.entries.size());
    return {};
}

Status Wal::write_batch(const Batch& batch) {
    const bool fits_here = active_.frame_count == 0
                               ? fits(encoded_frame_bytes(with_state(batch), true))
                               : fits(encoded_frame_bytes(batch, false));
    if (!fits_here) {
        if (Status s = next_segment(encoded_frame_bytes(with_state(batch), true)); !s.ok()) {
            return s;
        }
    }
    Status written = active_.frame_count == 0
                         ? write_frame(FrameKind::kBatch, carry(), with_state(batch))
                         : write_frame(FrameKind::kBatch, std::nullopt, batch);
    if (written.ok()) {
        note(batch);
    }
    return written;
}

Status Wal::write_frame(FrameKind kind, const std::optional<Carry>& carry, const Batch& batch) {
    const ByteView frame = buffer_.encode(
        kind, {.salt = active_.header.salt, .position = active_.position}, carry, batch);
    QUORATE_ASSERT(active_.position.offset + frame.size() <= active_.header.capacity);
    if (Status s = active_.file->write_at(active_.position.offset, frame); !s.ok()) {
        return fail(std::move(s));
    }
    active_.position.offset += frame.size();
    active_.position.previous_crc = buffer_.crc();
    ++active_.frame_count;
    active_.last_index = std::max(active_.last_index, highest_index(batch));
    active_.closed = kind == FrameKind::kClose;
    return {};
}

// Takes over what is in the log now.
void Wal::note(const Batch& batch) {
    if (batch.hard_state) {
        hard_state_ = *batch.hard_state;
    }
    if (batch.mark) {
        shape_.set_mark(batch.mark->id);
        mark_ = *batch.mark;
    }
    for (const raft::Entry& entry : batch.entries) {
        shape_.append(entry.id);
    }
}

Status Wal::sync_active() {
    if (active_.position.synced == active_.position.offset) {
        return {};
    }
    if (Status s = sync_file(*active_.file); !s.ok()) {
        return fail(std::move(s));
    }
    if (!options_.unsafe_no_fsync) {
        active_.position.synced = active_.position.offset;
    }
    active_.head_synced = active_.frame_count > 0;
    synced_mark_index_ = mark_.id.index;
    return {};
}

Batch Wal::with_state(const Batch& batch) const {
    Batch whole = batch;
    if (!whole.hard_state) {
        whole.hard_state = hard_state_;
    }
    if (!whole.mark) {
        whole.mark = mark_;
    }
    return whole;
}

bool Wal::fits(uint64_t frame_bytes) const {
    return active_.position.offset + frame_bytes + kSealBytes <= active_.header.capacity;
}

// The order of the steps is case 5 in wal.h.
Status Wal::next_segment(uint64_t frame_bytes) {
    if (active_.frame_count == 0) {
        // A segment that is left behind needs a first frame, or the chain breaks here. The least
        // segment has room for it.
        if (Status s = write_frame(FrameKind::kBatch, carry(), with_state({})); !s.ok()) {
            return s;
        }
    }
    if (Status s = sync_active(); !s.ok()) {
        return s;
    }
    auto next = new_segment(active_.header.sequence + 1, frame_bytes);
    if (!next) {
        return fail(next.error());
    }
    const std::string path =
        join(dir_, segment_file_name({.sequence = next->header.sequence,
                                      .first_index = shape_.last().index + 1}));
    if (Status s = fs_.rename(next->path, path); !s.ok()) {
        return fail(std::move(s));
    }
    next->path = path;
    if (Status s = sync_dir(); !s.ok()) {
        return fail(std::move(s));
    }
    if (Status s = write_frame(FrameKind::kSeal, std::nullopt, {}); !s.ok()) {
        return s;
    }
    if (Status s = sync_active(); !s.ok()) {
        return s;
    }
    next->position.previous_crc = active_.position.previous_crc;
    sealed_.push_back({.path = std::move(active_.path),
                       .bytes = active_.header.capacity,
                       .last_index = active_.last_index});
    sealed_bytes_ += sealed_.back().bytes;
    active_ = std::move(next).value();
    return {};
}

// A file with room for the frame and a synced header, still under a spare's name.
Result<Wal::Active> Wal::new_segment(uint64_t sequence, uint64_t frame_bytes) {
    const uint64_t capacity_min = kSegmentHeaderBytes + frame_bytes + kSealBytes;
    Active segment{
        .header = {.identity = identity_, .sequence = sequence, .salt = salt_of(sequence)}};
    std::optional<std::string> spare;
    if (capacity_min <= options_.segment_bytes) {
        spare = spares_.take();
    }
    if (spare) {
        segment.path = std::move(*spare);
        segment.header.capacity = options_.segment_bytes;
    } else {
        segment.path = join(dir_, kQuickSpareName);
        segment.header.capacity =
            std::max(capacity_min, std::min(kQuickSegmentBytes, options_.segment_bytes));
        Status made = Spares::make_zeroed(fs_, segment.path, segment.header.capacity);
        if (!made.ok()) {
            return made;
        }
    }
    auto file = fs_.open(segment.path, OpenMode::kWriteDirect);
    if (!file) {
        return file.error();
    }
    segment.file = std::move(file).value();
    AlignedBuffer block;
    block.reserve(kSegmentHeaderBytes);
    encode_segment_header(segment.header).copy(block.data(), kSegmentHeaderBytes);
    Status written = segment.file->write_at(0, block.view(kSegmentHeaderBytes));
    if (written.ok()) {
        written = sync_file(*segment.file);
    }
    if (!written.ok()) {
        return written;
    }
    segment.position = {.offset = kSegmentHeaderBytes, .synced = kSegmentHeaderBytes};
    return segment;
}

Status Wal::sync_file(File& file) const {
    return options_.unsafe_no_fsync ? Status() : file.sync_data();
}

Status Wal::sync_dir() const {
    return options_.unsafe_no_fsync ? Status() : fs_.sync_dir(dir_);
}

Status Wal::fail(Status status) {
    QUORATE_ASSERT(!status.ok());
    failed_ = status;
    return status;
}

// As hard to guess as the seed, and distinct for each segment even if the seed is the same: no
// frame is ever written into a file before its sequence is taken for good.
uint64_t Wal::salt_of(uint64_t sequence) const {
    // splitmix64
    uint64_t z = options_.salt_seed + sequence * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void Wal::check_invariants() const {
    shape_.check_invariants();
    QUORATE_ASSERT(shape_.mark() == mark_.id);
    QUORATE_ASSERT(synced_mark_index_ <= mark_.id.index);
    QUORATE_ASSERT(active_.position.synced <= active_.position.offset);
    QUORATE_ASSERT(active_.position.offset <= active_.header.capacity);
    if (failed_.ok()) {
        // A log that failed between the seal and the next segment's first frame has used that room.
        QUORATE_ASSERT(active_.position.offset + kSealBytes <= active_.header.capacity);
    }
    uint64_t bytes = 0;
    for (const Sealed& segment : sealed_) {
        bytes += segment.bytes;
    }
    QUORATE_ASSERT(bytes == sealed_bytes_);
}

}  // namespace quorate::wal
