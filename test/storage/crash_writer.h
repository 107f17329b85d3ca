// SPDX-License-Identifier: Apache-2.0
//
// A child that writes numbered batches until it is killed or can't, and the parent's side of it.
#pragma once

#include "engines.h"
#include "storage/backend.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace quorate::storage::testing {

inline constexpr const char* kSeqKey = "~seq";  // holds the number of the newest batch, in decimal

// Batch number `seq` of the sequence that every writer writes; puts kSeqKey among others.
WriteBatch numbered_batch(uint64_t seq);

// The same for a sequence that fills a disk: each puts something new.
WriteBatch filling_batch(uint64_t seq);

// The number that a store has reached.
Result<uint64_t> reached_seq(Backend& backend);

// The jobs of a child: numbered batches straight to the engine, or by way of the write-behind
// layer; filling batches straight to the engine.
inline constexpr const char* kWriteToEngineJob = "write";
inline constexpr const char* kWriteBehindJob = "write-behind";
inline constexpr const char* kFillJob = "fill";

// In the child.
int run_crash_writer(const EngineUnderTest& engine, const std::string& dir, std::string_view job);

// What a child has said.
struct Acknowledged {
    uint64_t written = 0;    // write() of this batch had returned
    uint64_t synced = 0;     // ... and then a sync
    bool disk_full = false;  // a write or a sync failed because the disk is full
    bool killed = false;     // it was killed by us, and did not end by itself
};

// Starts a child on the store in `dir`, kills it with SIGKILL once it has acknowledged `acks`
// times, and gives all that it had said by then.
Acknowledged write_and_kill(const EngineUnderTest& engine, const std::string& dir,
                            const std::string& job, uint64_t acks);

// The same, and halts the child after each acknowledgement for `look`, which finds the store as if
// the child had been killed there.
Acknowledged write_and_look(const EngineUnderTest& engine, const std::string& dir,
                            const std::string& job, uint64_t acks,
                            const std::function<void(const Acknowledged&)>& look);

}  // namespace quorate::storage::testing
