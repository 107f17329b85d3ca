// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong in a run, and when. All of it is planned from the seed before the run begins, and
// each fault draws from a stream of its own: leaving some out does not change the others.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace quorate::sim {

enum class FaultKind : uint8_t {
    kKill,          // the process ends between two turns
    kPowerCut,      // and what was not synced is lost
    kBlackout,      // of several machines at once
    kCutAfterVote,  // of the next one that gives its vote, right behind it
    kCutAfterAck,   // the same, behind its next word that it has stored something
    kCrashInWrite,  // the machine dies in the midst of a change of its disk
    kSyncFails,
    kDiskFull,
    kEngineFails,
    kRestart,   // SIGTERM, and again
    kFreeze,    // SIGSTOP for a while
    kSlowDisk,  // the log's thread gets nothing done
    kSlowLoop,  // another thread does not
    kClockJump,
    kFlip,        // while it is down a bit of its log changes
    kBadNetwork,  // between clients and members
    kCut,         // between a client and a member
    kBadLinks,    // between members
    kOldAnswers,  // members that ask others hear again what those once answered
    kPartition,   // of the members, in one direction or both
};
inline constexpr size_t kFaultKinds = 20;

const char* name_of(FaultKind kind);

struct Fault {
    uint64_t number = 0;
    FaultKind kind = FaultKind::kKill;
    int64_t at_ns = 0;
    int64_t duration_ns = 0;
    uint64_t member = 0;
    uint64_t seed = 0;  // of whatever else it needs
};

std::string describe(const Fault& fault);

struct FaultPlan {
    uint64_t seed = 0;
    uint64_t members = 1;
    int64_t until_ns = 0;
};

// In order of time.
std::vector<Fault> plan_faults(const FaultPlan& plan);

}  // namespace quorate::sim
