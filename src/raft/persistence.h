// SPDX-License-Identifier: Apache-2.0
//
// What this member has on its disk, while several writes are under way. Thread: raft loop.
//
// Writes are numbered, are carried out in the order of their numbers, and an acknowledgement names
// a number. It does not name an entry, because of this:
//
//   1. The leader of term 1 sends entry 11; it is handed out to be written (write 7).
//   2. The leader of term 2 replaces entry 11 by its own (write 8).
//   3. The leader of term 3 has the entry 11 of term 1 and restores it (write 9).
//   4. Write 7 is acknowledged: "entry 11 of term 1 is on the disk". The log in memory does hold
//      that entry as 11 again, so an acknowledgement by index and term would be taken as true.
//   5. Write 8 puts entry 11 of term 2 on the disk, and the machine crashes. The entry that the
//      leader of term 3 has counted this member for is gone.
//
// Here step 2 lowers what write 7 stands for to entry 10, and the same again for write 8 in step 3:
// only write 9 can make entry 11 stable, and nothing ever has to be acknowledged twice.
#pragma once

#include "raft/types.h"

#include <cstdint>
#include <deque>

namespace quorate::raft {

class Persistence {
  public:
    // Everything that was restored is on the disk.
    Persistence(uint64_t last_index, const HardState& hard_state);

    uint64_t stable() const { return stable_; }          // entries up to here are on the disk
    uint64_t handed_out() const { return handed_out_; }  // and up to here in a write
    bool writing() const { return !writes_.empty(); }
    uint64_t durable_term() const { return durable_term_; }
    MemberId durable_vote() const { return durable_vote_; }  // in durable_term

    // Entries behind `index` were replaced or dropped.
    void truncate_after(uint64_t index);
    // The log now starts behind a snapshot; of what was written, entries up to `committed` count.
    struct Restart {
        uint64_t committed = 0;
        uint64_t snapshot_index = 0;
    };
    void restart(Restart restart);

    // A write of everything up to last_index begins. Returns its number.
    struct Write {
        uint64_t term = 0;
        MemberId vote = kNobody;
        uint64_t last_index = 0;
    };
    uint64_t begin(const Write& write);
    // This write and all before it are on the disk.
    void finish(uint64_t number);

    void check_invariants() const;

  private:
    std::deque<Write> writes_;    // under way, oldest first
    uint64_t last_finished_ = 0;  // the number of the write before the first of writes_
    uint64_t stable_;
    uint64_t handed_out_;
    uint64_t durable_term_;
    MemberId durable_vote_;
};

}  // namespace quorate::raft
