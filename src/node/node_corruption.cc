// SPDX-License-Identifier: Apache-2.0
//
// The node comparing its state and its data with the other members' (corruption_check.h). Core
// thread.
#include "base/log.h"
#include "node/node.h"
#include "peer.pb.h"

#include <cstdio>
#include <utility>

namespace quorate::node {
namespace {

constexpr ByteView kStateHashPath = "/quorate.peer.Peer/StateHash";
constexpr ByteView kHashPath = "/quorate.peer.Peer/Hash";
constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kPatience_ns = 5000 * kMillisecond_ns;

std::string hex(uint32_t hash) {
    char text[9];
    std::snprintf(text, sizeof text, "%08x", hash);
    return text;
}

}  // namespace

void Node::check_corruption_if_due(int64_t now_ns) {
    const int64_t interval_ns = config_.mvcc.compact_hash_check_interval_ns;
    if (interval_ns <= 0) {
        return;
    }
    if (judge_hashes_ns_ != 0 && now_ns >= judge_hashes_ns_) {
        judge_hashes_ns_ = 0;
        judge_hashes();
    }
    if (now_ns < next_hash_check_ns_) {
        return;
    }
    const bool first = next_hash_check_ns_ == 0;
    next_hash_check_ns_ = now_ns + interval_ns;
    if (first) {
        return;
    }
    judge_hashes_ns_ = now_ns + std::min(kPatience_ns, interval_ns / 2);
    hashes_.clear();
    for (const cluster::Member& member : members()->members) {
        if (member.id == booted_.identity.member_id) {
            continue;
        }
        peers_->call(
            member.id, kStateHashPath, {}, static_cast<uint64_t>(kPatience_ns / kMillisecond_ns),
            [this, id = member.id](Result<Bytes> answer) {
                auto theirs = answer ? decode_checkpoints(*answer) : std::nullopt;
                if (theirs) {
                    raft_inbox_.push_always(RaftTask([this, id, theirs = std::move(*theirs)](
                                                         RaftLoop&) { hashes_[id] = theirs; }));
                }
            });
    }
}

void Node::judge_hashes() {
    act_on(judge(state_hash_.checkpoints(), hashes_, members()->members.size()), "log index");
}

// The whole of the data is read for this, so it is done only when asked for: --corrupt-check-time,
// and the gate InitialCorruptCheck for once before this member is ready.
void Node::check_data_if_due(int64_t now_ns) {
    if (judge_data_ns_ != 0) {
        const bool all = data_hashes_.size() + 1 >= members()->members.size();
        if (now_ns >= judge_data_ns_ || (own_data_hash_ && all)) {
            judge_data();
        }
        return;
    }
    const int64_t interval_ns = config_.mvcc.corrupt_check_interval_ns;
    const bool now = data_check_holds_ready_ && caught_up_.load();
    if (!now && (interval_ns <= 0 || now_ns < next_data_check_ns_)) {
        return;
    }
    const bool first = std::exchange(next_data_check_ns_, now_ns + interval_ns) == 0;
    if (first && !now) {
        return;
    }
    judge_data_ns_ = now_ns + kPatience_ns + interval_ns;
    own_data_hash_.reset();
    data_hashes_.clear();
    const bool taken = run_in_pool([this] {
        auto hash = store().hash_kv(0);
        raft_inbox_.push_always(RaftTask([this, hash = std::move(hash)](RaftLoop&) {
            if (!hash) {
                log::error("the data can't be hashed", {log::Field(hash.error())});
                return;
            }
            own_data_hash_ = *hash;
            ask_for_data_hashes();
        }));
    });
    if (!taken) {
        judge_data_ns_ = 0;  // busy: at the next turn of the clock
        next_data_check_ns_ = now_ns + 1;
    }
}

void Node::ask_for_data_hashes() {
    judge_data_ns_ = environment_.clock.monotonic_ns() + kPatience_ns;
    peer::HashRequest request;
    request.set_revision(own_data_hash_->hash_revision);
    for (const cluster::Member& member : members()->members) {
        if (member.id == booted_.identity.member_id) {
            continue;
        }
        peers_->call(member.id, kHashPath, request.SerializeAsString(),
                     static_cast<uint64_t>(kPatience_ns / kMillisecond_ns),
                     [this, id = member.id](Result<Bytes> answer) {
                         peer::HashResponse response;
                         if (!answer || !response.ParseFromString(*answer)) {
                             return;
                         }
                         mvcc::KeyValueHash theirs;
                         theirs.hash = response.hash();
                         theirs.compact_revision = response.compact_revision();
                         raft_inbox_.push_always(RaftTask(
                             [this, id, theirs](RaftLoop&) { data_hashes_[id] = theirs; }));
                     });
    }
}

// Only hashes over the same history can be compared: from the same compaction on.
void Node::judge_data() {
    judge_data_ns_ = 0;
    data_check_holds_ready_ = false;
    if (!own_data_hash_) {
        return;
    }
    const auto revision = static_cast<uint64_t>(own_data_hash_->hash_revision);
    std::map<raft::MemberId, HashCheckpoints> others;
    for (const auto& [id, theirs] : data_hashes_) {
        if (theirs.compact_revision == own_data_hash_->compact_revision) {
            others[id] = {{revision, theirs.hash}};
        }
    }
    act_on(judge({{revision, own_data_hash_->hash}}, others, members()->members.size()),
           "revision");
}

void Node::act_on(const Judgement& judgement, const std::string& where) {
    switch (judgement.verdict) {
        case Verdict::kNothing:
        case Verdict::kSame:
            break;
        case Verdict::kDamaged:
            fence(judgement, where);
            break;
        case Verdict::kDisputed:
            if (!status_.alarm_corrupt.load()) {
                log::error(
                    "members hold different states and none has a majority; raising the "
                    "alarm CORRUPT",
                    {{"where", where}, {"at", judgement.index}, {"hash", hex(judgement.own)}});
                etcdserverpb::AlarmRequest alarm;
                alarm.set_action(etcdserverpb::AlarmRequest::ACTIVATE);
                alarm.set_alarm(etcdserverpb::CORRUPT);
                alarm.set_memberid(booted_.identity.member_id);
                propose_own(wire::CommandKind::kAlarm, alarm.SerializeAsString());
            }
            break;
    }
}

// Not even a read of this member can be trusted, so it ends, and does not start again.
void Node::fence(const Judgement& judgement, const std::string& where) {
    const std::string why = "the state of this member differs from a majority of the others at " +
                            where + " " + std::to_string(judgement.index) + ": its hash is " +
                            hex(judgement.own) + ", theirs is " + hex(judgement.others) +
                            "; it serves no more. Remove it with \"etcdctl member remove " +
                            cluster::format_id(booted_.identity.member_id) + "\", remove " +
                            config_.member.data_dir + " and add it again";
    if (const Status s =
            write_file_atomically(environment_.fs, data_paths(config_).fence_file, why);
        !s.ok()) {
        log::error("the fence can't be written", {log::Field(s)});
    }
    log::fatal(why, {});
}

}  // namespace quorate::node
