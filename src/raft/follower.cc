// SPDX-License-Identifier: Apache-2.0
#include "raft/follower.h"

#include "base/errors.h"
#include "raft/confchange.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

bool Follower::tick() {
    if (!timer_.tick()) {
        return false;
    }
    leader_ = kNobody;
    must_campaign_ = false;
    return true;
}

Status Follower::append(Core& core, MemberId from, AppendRequest&& request) {
    if (Status status = heard(from); !status.ok()) {
        return status;
    }
    Log& log = core.log;
    if (request.previous.index < log.committed()) {
        // An old request. What is committed agrees with every later leader's log.
        core.send(from, AppendResponse{log.committed()});
        return {};
    }
    if (!log.matches(request.previous)) {
        const uint64_t limit = std::min(request.previous.index, log.last_index());
        const uint64_t index = log.last_index_within({request.previous.term, limit});
        core.send(from, AppendReject{request.previous.index, {log.term_at(index), index}});
        return {};
    }
    const size_t known = log.first_difference(request.entries);
    const uint64_t last = request.previous.index + request.entries.size();
    if (known < request.entries.size()) {
        const uint64_t agreed = request.previous.index + known;
        if (agreed < log.last_index()) {
            core.truncate_after(agreed);
        }
        for (size_t i = known; i < request.entries.size(); ++i) {
            log.append(std::move(request.entries[i]));
        }
    }
    log.commit_to(std::min(request.commit, last));
    core.send(from, AppendResponse{last});
    return {};
}

Status Follower::heartbeat(Core& core, MemberId from, const HeartbeatRequest& request) {
    if (Status status = heard(from); !status.ok()) {
        return status;
    }
    if (request.commit > core.log.last_index()) {
        // The leader counts on entries that were acknowledged from here.
        return Status(errors::kDamaged,
                      "raft log is shorter than what this member has acknowledged");
    }
    core.log.commit_to(request.commit);
    core.send(from, HeartbeatResponse{request.read_round});
    return {};
}

Status Follower::install(Core& core, MemberId from, const SnapshotRequest& request) {
    if (Status status = heard(from); !status.ok()) {
        return status;
    }
    const Snapshot& snapshot = request.snapshot;
    if (snapshot.id.index > core.log.committed()) {
        if (core.log.matches(snapshot.id)) {
            // Everything is here already, only the news that it is committed was missing.
            core.log.commit_to(snapshot.id.index);
        } else if (is_member(snapshot.configuration, core.config.self)) {
            core.restart_after(snapshot);
        }
    }
    core.send(from, AppendResponse{core.log.committed()});
    return {};
}

Status Follower::read_index(Core& core, uint64_t request_id) {
    if (leader_ == kNobody) {
        return errors::kNoLeader;
    }
    core.send(leader_, ReadIndexRequest{request_id});
    return {};
}

Status Follower::heard(MemberId from) {
    if (leader_ != kNobody && leader_ != from) {
        return Status(errors::kDamaged, "two leaders in one term");
    }
    leader_ = from;
    timer_.reset();
    return {};
}

}  // namespace quorate::raft
