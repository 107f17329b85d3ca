// SPDX-License-Identifier: Apache-2.0
//
// The write-ahead log: what this member must not forget (Raft's hard state and entries), on disk
// before anything is acknowledged. Thread: wal loop; only spares().turn() may run elsewhere.
//
// A folder holds segments, "<sequence>-<first index>.wal" in hexadecimal, which together are one
// chain of frames (frame.h), and "*.spare" files that wait to become segments. A segment has its
// full size before it is used, so an append never allocates, and the disk can only be full between
// two segments. Appends go past the page cache, in whole blocks of 4 KiB.
//
// Why no acknowledged write is lost and none is invented, crash by crash:
//
//  1. Crash while a frame is written. Some of its blocks are on disk, in any order. Its checksum
//     does not match, nothing behind it is valid, so it is a torn tail: never synced, hence never
//     acknowledged. Recovery drops it and zeroes what could be taken for a frame later.
//  2. Crash between several writes and their one sync. A later frame may be whole while an earlier
//     one is torn. Each frame says up to where everything was known to be synced when it was
//     written; none of the later ones claims the torn place, so the tail from there on is dropped.
//  3. Damage of a synced frame (rot, a lost or misdirected write). The next frame was written after
//     its sync and claims it: the log is refused with file and offset, and nothing is touched. The
//     same holds for a segment that has a successor, since it was synced whole before.
//  4. Damage of the very last synced frame. No later frame vouches for it, so it can't be told from
//     case 1; the window is the last sync of a member that was killed. close() ends the log with a
//     frame that vouches for all before it.
//  5. Crash while the log goes on to the next segment: the old one is synced, the new one gets its
//     header, is synced and renamed into place, the folder is synced, the old one is sealed and
//     synced, and only then a frame is written into the new one. A last segment without a frame
//     behind an unsealed one is a crash in between, and open() seals it. A sealed segment without a
//     successor means that a file was lost, as does a hole in the sequence: both are refused.
//  6. A sync fails. What is on disk is unknown, and the kernel may show the lost bytes from memory:
//     the log refuses everything from then on, and the process ends. The next open() writes the
//     frames that no later frame vouches for once more before it trusts them.
//  7. Old bytes in a recycled segment, or bytes of a frame inside a client's value. Every frame's
//     checksum starts from the segment's random salt, which nobody outside knows, and from its
//     offset; and each names the checksum of the frame before it.
//
// Errors: errors::kIo, kDiskFull; from open() also kDamaged, kForeignData, kNewerFormat,
// kFileNotFound (no log here), each with file and reason. After a failed append or sync every
// further one returns the same error.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "base/waker.h"
#include "wal/frame.h"
#include "wal/log_shape.h"
#include "wal/segment.h"
#include "wal/spares.h"
#include "wal/types.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace quorate::wal {

struct Recovery;

struct Options {
    uint64_t segment_bytes = 64 * 1024 * 1024;
    // Released segments kept for reuse; overwriting them is faster than new ones.
    uint32_t spare_segments_max = 4;
    // How much of what lies at or below the mark open() returns, for followers that lag behind.
    uint64_t history_entries_max = 5000;
    uint64_t history_bytes_max = 64 * 1024 * 1024;
    // From a random source in production: salts must not be guessable (case 7).
    uint64_t salt_seed = 0;
    // Acknowledges without syncing (--unsafe-no-fsync): a power cut loses writes.
    bool unsafe_no_fsync = false;
    // Of the thread that runs spares().turn(), to be woken when there is work for it.
    Waker* spares_waker = nullptr;
};

class Wal {
  public:
    struct Opened;

    // Whether `dir` holds a log, whole or not.
    static Result<bool> exists(FileSystem& fs, const std::string& dir);

    // A new log that begins with `first`; it exists after a crash whole or not at all. Fails when
    // there is a log already.
    static Result<std::unique_ptr<Wal>> create(FileSystem& fs, const std::string& dir,
                                               const Identity& identity, const Batch& first,
                                               const Options& options);

    // Reads the log of the last run and goes on behind it. Writes nothing unless all of it is well.
    static Result<Opened> open(FileSystem& fs, const std::string& dir, const Identity& identity,
                               const Options& options);

    ~Wal();
    Wal(const Wal&) = delete;
    Wal& operator=(const Wal&) = delete;

    // Writes the batch as one frame: after a crash before the sync all of it is there or nothing.
    // (A batch of more than kFrameBytesTarget becomes several frames, in order.) Copies the batch.
    // An entry of more than kFrameBytesMax is refused with kResourceExhausted; nothing is written
    // then and the log goes on.
    Status append(const Batch& batch);
    // All that was appended is on disk when this returns.
    Status sync();
    Status append_and_sync(const Batch& batch);

    // Lets segments go whose entries are all at or below `index` and at or below the newest synced
    // mark. The files are reused or removed by spares().turn().
    void release(uint64_t index);

    // Syncs and vouches for the tail (case 4). Not closing is safe.
    Status close();

    // The last entry, or the mark when there is none behind it.
    raft::EntryId last() const { return shape_.last(); }
    raft::EntryId mark() const { return shape_.mark(); }
    uint64_t bytes_on_disk() const;
    uint64_t segment_count() const { return sealed_.size() + 1; }

    // Its turn() is pumped by a LoopThread of its own, or by the wal loop when that is idle.
    // Without it the log works on, but with pauses, and gives no space back. Stop the thread before
    // the Wal goes.
    Spares& spares() { return spares_; }

    void check_invariants() const;

  private:
    // A segment that is full: only recovery reads it, and one day it is released.
    struct Sealed {
        std::string path;
        uint64_t bytes = 0;
        uint64_t last_index = 0;  // the highest of any entry in it, 0 if none
    };
    // The one that is written.
    struct Active {
        std::string path;
        std::unique_ptr<File> file;
        SegmentHeader header;
        SegmentPosition position;  // of the next frame
        uint64_t frame_count = 0;
        uint64_t last_index = 0;   // as Sealed::last_index
        bool head_synced = false;  // the first frame is on disk
        bool closed = false;       // the last frame is a kClose
    };

    Wal(FileSystem& fs, std::string dir, const Identity& identity, const Options& options);
    // With the folder locked.
    static Result<std::unique_ptr<Wal>> prepare(FileSystem& fs, const std::string& dir,
                                                const Identity& identity, const Options& options);

    Status begin_log(const Batch& first);
    Status resume(const Recovery& recovery);

    void assert_acceptable(const Batch& batch) const;
    Status write_split(const Batch& batch);
    Status write_batch(const Batch& batch);
    Status write_frame(FrameKind kind, const std::optional<Carry>& carry, const Batch& batch);
    void note(const Batch& batch);
    Status sync_active();

    // What the first frame of a segment says about the log before it.
    Carry carry() const { return {.mark = shape_.mark(), .last = shape_.last()}; }
    Batch with_state(const Batch& batch) const;
    bool fits(uint64_t frame_bytes) const;
    Status next_segment(uint64_t frame_bytes);
    Result<Active> new_segment(uint64_t sequence, uint64_t frame_bytes);
    Status sync_file(File& file) const;
    Status sync_dir() const;
    Status fail(Status status);
    uint64_t salt_of(uint64_t sequence) const;

    FileSystem& fs_;
    const std::string dir_;
    const Identity identity_;
    const Options options_;
    std::unique_ptr<File> lock_;
    Spares spares_;

    std::deque<Sealed> sealed_;  // oldest first
    uint64_t sealed_bytes_ = 0;
    Active active_;
    FrameBuffer buffer_;

    // The log as appended.
    LogShape shape_;
    raft::HardState hard_state_;
    Mark mark_;
    uint64_t synced_mark_index_ = 0;
    Status failed_;
};

struct Wal::Opened {
    std::unique_ptr<Wal> wal;
    Recovered recovered;
};

}  // namespace quorate::wal
