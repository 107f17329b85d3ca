// SPDX-License-Identifier: Apache-2.0
//
// FaultFileSystem: a disk in memory that does to its user what disks may do, decided by seeds
// alone.
//
// What it promises is what POSIX promises and no more:
//   - A write is seen by reads at once, and is on the disk after sync_data() of that file.
//   - Until then any part of it may be, in units of a sector and in any order with other writes.
//   - A name (created, renamed, removed) is on the disk after sync_dir() of its folder; until then
//     each change may be or not, whatever happened to the others; a rename is one change. Syncing a
//     file does not sync its name.
//   - After a failed sync the unsynced data still reads back, but a later sync does not write it:
//     what of it is on the disk has been decided, and only writing it again helps.
// A power cut decides all that is open. Files and locks that were open before it, or before a
// kill, fail from then on.
// Thread: any; calls are serialized.
#pragma once

#include "base/file.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace quorate {

inline constexpr size_t kSectorBytes = 512;

class FaultFileSystem final : public FileSystem {
  public:
    FaultFileSystem();
    ~FaultFileSystem() override;

    // The `n`-th change from now on (1 is the next; writes, syncs, truncations and name changes
    // count) begins, is cut short by a crash, and fails as does everything after it. Then
    // power_cut() or kill() tells what is left.
    void crash_at_change(uint64_t n);
    // The n-th sync_data from now on fails.
    void fail_sync_at(uint64_t n);
    // Files together hold at most this; a write beyond it stores what fits and says kDiskFull.
    void set_capacity(uint64_t bytes);
    // Damages the disk itself.
    void flip(const std::string& path, uint64_t offset, uint8_t mask);

    // The machine loses power and comes back.
    void power_cut(uint64_t seed);
    // The process dies and is started again: nothing is lost but what is open.
    void kill();

    bool crashed() const;
    // Changes so far, for sweeps with crash_at_change.
    uint64_t change_count() const;
    // Everything as reads see it, by path.
    std::map<std::string, Bytes> content() const;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Status create_dirs(const std::string& path) override;
    Result<std::vector<std::string>> list(const std::string& dir) const override;
    Result<bool> exists(const std::string& path) const override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status sync_dir(const std::string& dir) override;
    Result<std::unique_ptr<File>> lock(const std::string& path) override;

  private:
    class Handle;

    // A change to a file that is not on the disk yet.
    struct FileChange {
        uint64_t offset = 0;
        Bytes data;
        std::optional<uint64_t> truncate_to;  // instead of a write
    };
    struct Inode {
        Bytes seen;  // by reads
        Bytes disk;
        std::vector<FileChange> open_changes;
    };
    // Atomic: a rename sets one entry and removes another of the same folder.
    struct NameChange {
        std::string dir;
        std::string removed;
        std::string set;               // empty: nothing is set
        std::shared_ptr<Inode> inode;  // of the entry that is set
    };
    using Names = std::map<std::string, std::shared_ptr<Inode>>;

    // All with mutex_ held.
    Status begin_change();
    Status check_alive(uint64_t epoch) const;
    void change_names(NameChange&& change);
    static void apply(const NameChange& change, Names& names);
    uint64_t used_bytes() const;
    Status write(Inode& inode, uint64_t offset, ByteView data);
    void decide(Inode& inode, std::mt19937_64& random);

    mutable std::mutex mutex_;
    Names seen_names_;
    Names disk_names_;
    std::vector<NameChange> open_names_;
    std::set<std::string> dirs_;
    std::set<std::string> locked_;
    uint64_t epoch_ = 0;  // counts crashes; a handle of an older one is dead
    bool crashed_ = false;
    uint64_t changes_ = 0;
    uint64_t crash_at_ = 0;  // value of changes_; 0 = never
    uint64_t syncs_ = 0;
    uint64_t fail_sync_at_ = 0;
    uint64_t capacity_ = UINT64_MAX;
};

}  // namespace quorate
