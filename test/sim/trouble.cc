// SPDX-License-Identifier: Apache-2.0
//
// World: how faults begin and end.
#include "base/errors.h"
#include "sim/world.h"

#include <algorithm>

namespace quorate::sim {
namespace {

constexpr int64_t kMicrosecond_ns = 1000;
constexpr int64_t kMillisecond_ns = 1'000'000;

}  // namespace

void World::begin(const Fault& fault) {
    Member& member = *members_[fault.member];
    trace(describe(fault));
    switch (fault.kind) {
        case FaultKind::kKill:
            if (member.is_up()) {
                member.kill();
            }
            break;
        case FaultKind::kPowerCut:
            member.power_cut();
            break;
        case FaultKind::kBlackout:
            black_out(fault.seed);
            break;
        case FaultKind::kCutAfterVote:
        case FaultKind::kCutAfterAck:
            awaited_promises_.push_back(fault);
            break;
        case FaultKind::kRestart:
            if (member.is_ready() && member.process().held_until_ns < scheduler_.now_ns()) {
                member.stop();
            }
            break;
        case FaultKind::kFreeze:
            if (member.is_up()) {
                member.process().held_until_ns = scheduler_.now_ns() + fault.duration_ns;
            }
            break;
        case FaultKind::kClockJump: {
            Rng random(fault.seed);
            member.clock().jump(random.between(-3'600'000, 3'600'000) * kMillisecond_ns);
            break;
        }
        case FaultKind::kFlip:
            flip_a_bit(fault, member);
            break;
        case FaultKind::kCrashInWrite:
        case FaultKind::kSyncFails:
        case FaultKind::kDiskFull:
        case FaultKind::kEngineFails:
        case FaultKind::kSlowDisk:
        case FaultKind::kSlowLoop:
            disturb_disk(fault, member);
            break;
        case FaultKind::kBadNetwork:
        case FaultKind::kCut:
            disturb_network(fault, member);
            break;
        case FaultKind::kOldAnswers:
            peer_network_.old_answers = 500;
            scheduler_.after(10 * fault.duration_ns, [this] { peer_network_.old_answers = 0; });
            break;
        case FaultKind::kBadLinks:
        case FaultKind::kPartition:
            disturb_links(fault);
            break;
    }
}

void World::black_out(uint64_t seed) {
    Rng random(seed);
    const bool all = random.permille(500);
    for (const auto& member : members_) {
        if (all || random.permille(500)) {
            member->power_cut();
        }
    }
}

// What a member promises has to be on its disk before it says so, and whether it is shows when the
// power fails right behind the message. A cut at any odd time hits that moment almost never.
void World::follow_promises(Member& member, const raft::Message& message) {
    const auto* response = std::get_if<raft::VoteResponse>(&message.body);
    const bool votes =
        response != nullptr && response->granted && response->kind == raft::VoteKind::kVote;
    const bool acknowledges = std::holds_alternative<raft::AppendResponse>(message.body);
    const auto it =
        std::find_if(awaited_promises_.begin(), awaited_promises_.end(), [&](const Fault& fault) {
            return fault.kind == FaultKind::kCutAfterVote ? votes : acknowledges;
        });
    if (it == awaited_promises_.end()) {
        return;
    }
    Rng random(it->seed);
    trace(member.name() + " has given its word for #" + std::to_string(it->number));
    awaited_promises_.erase(it);
    scheduler_.after(random.skewed(kMicrosecond_ns, 4), [this, &member] {
        if (!peace_) {
            member.power_cut();
        }
    });
    // The others may have time to hear it before theirs fails too.
    if (random.permille(700)) {
        scheduler_.after(random.skewed(100 * kMicrosecond_ns, 5), [this, seed = random.next()] {
            if (!peace_) {
                black_out(seed);
            }
        });
    }
}

void World::disturb_disk(const Fault& fault, Member& member) {
    Rng random(fault.seed);
    if (!member.is_up()) {
        return;
    }
    if (fault.kind == FaultKind::kCrashInWrite) {
        member.disk().crash_at_change(1 + random.below(40));
        if (random.permille(700)) {
            dies_in_write_.insert(&member);
        }
    } else if (fault.kind == FaultKind::kSyncFails) {
        member.disk().fail_sync_at(1 + random.below(20));
        if (random.permille(500)) {
            dies_in_write_.insert(&member);
        }
    } else if (fault.kind == FaultKind::kEngineFails) {
        member.engine().fail_at(1 + random.below(20));
    } else if (fault.kind == FaultKind::kDiskFull) {
        uint64_t used = 0;
        for (const auto& [path, content] : member.disk().content()) {
            used += content.size();
        }
        member.disk().set_capacity(used + random.below(100'000));
        scheduler_.after(fault.duration_ns, [&member] { member.disk().set_capacity(UINT64_MAX); });
    } else {
        static const std::vector<std::string> kOthers = {"core",   "watch",  "write-behind",
                                                         "read-0", "read-1", "wal-spares"};
        const std::string loop =
            fault.kind == FaultKind::kSlowDisk ? "wal" : kOthers[random.below(kOthers.size())];
        member.process().slow[loop] = fault.duration_ns / 10;
        scheduler_.after(fault.duration_ns, [&member, loop, run = member.runs()] {
            if (member.is_up() && member.runs() == run) {
                member.process().slow.erase(loop);
            }
        });
    }
}

void World::disturb_network(const Fault& fault, Member& member) {
    Rng random(fault.seed);
    if (fault.kind == FaultKind::kBadNetwork) {
        network_.weather.lost_permille = random.below(300);
        network_.weather.latency_log2_max = 5 + random.below(8);
        scheduler_.after(fault.duration_ns, [this] {
            network_.weather.lost_permille = 0;
            network_.weather.latency_log2_max = 5;
        });
        return;
    }
    const auto clients =
        static_cast<uint64_t>(options_.kv_clients + options_.watchers + options_.lease_holders);
    const std::pair<int64_t, const Member*> pair{1 + static_cast<int64_t>(random.below(clients)),
                                                 &member};
    network_.cut.insert(pair);
    scheduler_.after(fault.duration_ns, [this, pair] { network_.cut.erase(pair); });
}

void World::disturb_links(const Fault& fault) {
    Rng random(fault.seed);
    if (fault.kind == FaultKind::kBadLinks) {
        PeerWeather& weather = peer_network_.weather;
        weather.latency_log2_max = 3 + random.below(9);
        weather.lost = random.permille(500) ? random.below(300) : 0;
        weather.doubled = random.permille(500) ? random.below(200) : 0;
        weather.overtakes = random.permille(500) ? random.below(300) : 0;
        weather.breaks = random.permille(300) ? random.below(20) : 0;
        scheduler_.after(fault.duration_ns, [this] { peer_network_.weather = {}; });
        return;
    }
    peer_network_.cut.clear();
    scheduler_.after(fault.duration_ns, [this] { peer_network_.cut.clear(); });
    if (random.permille(300)) {
        // Each way by itself: two that can't hear each other may both be heard by a third.
        for (const auto& from : members_) {
            for (const auto& to : members_) {
                if (from != to && random.permille(400)) {
                    peer_network_.cut.insert({from.get(), to.get()});
                }
            }
        }
        return;
    }
    const bool one_way = random.permille(300);
    std::set<const Member*> side;
    for (const auto& member : members_) {
        if (random.permille(500)) {
            side.insert(member.get());
        }
    }
    for (const auto& from : members_) {
        for (const auto& to : members_) {
            const bool crosses = side.contains(from.get()) != side.contains(to.get());
            if (crosses && (!one_way || side.contains(from.get()))) {
                peer_network_.cut.insert({from.get(), to.get()});
            }
        }
    }
}

// Of the log, in a place that a later write vouches for: the member has to refuse to start. The bit
// is put back then, as if from a copy.
void World::flip_a_bit(const Fault& fault, Member& member) {
    if (!member.is_up()) {
        return;
    }
    member.kill();
    Rng random(fault.seed);
    std::vector<std::string> segments;
    for (const auto& [path, content] : member.disk().content()) {
        if (path.starts_with(member.wal_dir()) && path.ends_with(".wal")) {
            segments.push_back(path);
        }
    }
    if (segments.size() < 2) {
        return;
    }
    const std::string& path = segments[random.below(segments.size() - 1)];
    const Bytes content = member.disk().content().at(path);
    size_t used = content.size();
    while (used > 0 && content[used - 1] == '\0') {
        --used;
    }
    const uint64_t offset = random.below(used);
    const auto mask = static_cast<uint8_t>(1u << random.below(8));
    member.disk().flip(path, offset, mask);
    const Status started = member.start();
    if (started.ok()) {
        // The bytes behind the last frame of a recycled segment mean nothing.
        trace("a flipped bit is not noticed: " + path + " at " + std::to_string(offset));
        member.kill();
    } else if (!started.is(errors::kDamaged)) {
        throw Violation("a flipped bit of the log gives: " + started.message());
    }
    member.disk().flip(path, offset, mask);
    start_later(member, fault.duration_ns);
}

}  // namespace quorate::sim
