// SPDX-License-Identifier: Apache-2.0
//
// Spares: files that wait to become segments. They have their full size and all their blocks, since
// overwriting those makes a sync 1.3 to 1.8 times faster than growing a file does, and never fails
// for want of space. New ones are filled with zeros in slices, released segments are reused, and
// all of it off the wal loop, which waits neither for megabytes of zeros nor for an unlink.
//
// Threads: turn() on one thread, everything else on the wal loop; the two talk through mailboxes. A
// loop without a thread of its own may as well be pumped by the wal loop when that has time.
// Order on disk: a released segment is renamed or removed, and the folder synced, before the next
// one is touched and before anything may overwrite it. So what is left after a crash is still one
// chain.
#pragma once

#include "base/file.h"
#include "base/mailbox.h"
#include "base/status.h"
#include "base/waker.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorate::wal {

class Spares {
  public:
    struct Settings {
        uint64_t segment_bytes = 0;
        // Released segments beyond this are removed. At least one spare is always made.
        uint32_t count_max = 0;
        // Of the thread that runs turn(); null when there is none to wake.
        Waker* waker = nullptr;
    };

    Spares(FileSystem& fs, std::string dir, const Settings& settings);
    ~Spares();

    // Wal loop, before turn() runs for the first time: takes over what the last run left, and
    // removes what is of no use. The first spare is made after this.
    Status open();

    // Wal loop. The path of a spare of segment_bytes, now the caller's to rename.
    std::optional<std::string> take();
    // A segment that nobody needs any more, oldest first.
    void retire(std::string path, uint64_t bytes);
    // What lies in the folder beside the segments, as far as is known here.
    uint64_t bytes() const { return available_.size() * settings_.segment_bytes + retiring_bytes_; }
    // Why making a spare failed the last time, a full disk mostly; ok() once it has worked again.
    const Status& health() const { return health_; }
    // Wal loop: takes in what turn() has done.
    void poll();

    // Worker thread. Does a slice of the work and returns for how many nanoseconds it may sleep.
    int64_t turn();

    // Makes a file of `bytes` zeros now and waits for the disk.
    static Status make_zeroed(FileSystem& fs, const std::string& path, uint64_t bytes);

  private:
    struct Order {
        enum class Kind : uint8_t { kTaken, kRetire };
        Kind kind;
        std::string path;    // kRetire
        uint64_t bytes = 0;  // kRetire
    };
    struct Report {
        std::optional<std::string> spare;
        uint64_t retired_bytes = 0;
        Status status;
    };
    class Filling;

    std::string next_path();
    Status retire_waiting();
    Status retire_one(const Order& order);
    Status fill_slice();

    FileSystem& fs_;
    const std::string dir_;
    const Settings settings_;
    Waker no_sleeper_;
    Mailbox<Order> orders_;
    Mailbox<Report> reports_;

    // Wal loop.
    std::deque<std::string> available_;
    uint64_t retiring_bytes_ = 0;
    Status health_;
    std::vector<Report> taken_reports_;

    // Worker thread.
    std::vector<Order> taken_orders_;
    std::deque<Order> waiting_;
    uint64_t count_ = 0;  // spares there are, taken ones not included
    uint64_t next_number_ = 1;
    std::unique_ptr<Filling> filling_;
};

}  // namespace quorate::wal
