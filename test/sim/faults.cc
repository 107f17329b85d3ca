// SPDX-License-Identifier: Apache-2.0
#include "sim/faults.h"

#include "sim/rng.h"

#include <array>

namespace quorate::sim {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;

}  // namespace

const char* name_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::kKill:
            return "kill";
        case FaultKind::kPowerCut:
            return "power-cut";
        case FaultKind::kBlackout:
            return "blackout";
        case FaultKind::kCutAfterVote:
            return "cut-after-vote";
        case FaultKind::kCutAfterAck:
            return "cut-after-ack";
        case FaultKind::kCrashInWrite:
            return "crash-in-write";
        case FaultKind::kSyncFails:
            return "sync-fails";
        case FaultKind::kDiskFull:
            return "disk-full";
        case FaultKind::kEngineFails:
            return "engine-fails";
        case FaultKind::kRestart:
            return "restart";
        case FaultKind::kFreeze:
            return "freeze";
        case FaultKind::kSlowDisk:
            return "slow-disk";
        case FaultKind::kSlowLoop:
            return "slow-loop";
        case FaultKind::kClockJump:
            return "clock-jump";
        case FaultKind::kFlip:
            return "flip";
        case FaultKind::kBadNetwork:
            return "bad-network";
        case FaultKind::kCut:
            return "cut";
        case FaultKind::kBadLinks:
            return "bad-links";
        case FaultKind::kOldAnswers:
            return "old-answers";
        case FaultKind::kPartition:
            return "partition";
    }
    return "";
}

std::string describe(const Fault& fault) {
    return "#" + std::to_string(fault.number) + " " + name_of(fault.kind) + " m" +
           std::to_string(fault.member + 1) + " at " +
           std::to_string(fault.at_ns / kMillisecond_ns) + " ms for " +
           std::to_string(fault.duration_ns / kMillisecond_ns) + " ms";
}

std::vector<Fault> plan_faults(const FaultPlan& plan) {
    Rng random(plan.seed, "faults");
    // Every seed has a climate of its own: what is rare in one is common in another.
    std::array<uint64_t, kFaultKinds> weight{};
    uint64_t total = 0;
    for (uint64_t& w : weight) {
        w = random.permille(300) ? 0 : 1 + random.below(10);
        total += w;
    }
    const int64_t pause_ns = random.skewed(100 * kMillisecond_ns, 5);
    std::vector<Fault> faults;
    int64_t at_ns = 0;
    while (total > 0) {
        at_ns += random.skewed(pause_ns, 3);
        if (at_ns >= plan.until_ns) {
            break;
        }
        Fault fault;
        fault.number = faults.size();
        fault.at_ns = at_ns;
        uint64_t choice = random.below(total);
        size_t kind = 0;
        while (choice >= weight[kind]) {
            choice -= weight[kind++];
        }
        fault.kind = static_cast<FaultKind>(kind);
        fault.duration_ns = random.skewed(20 * kMillisecond_ns, 8);
        fault.member = random.below(plan.members);
        fault.seed = random.next();
        faults.push_back(fault);
    }
    return faults;
}

}  // namespace quorate::sim
