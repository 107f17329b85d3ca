// SPDX-License-Identifier: Apache-2.0
#include "raft/describe.h"

#include <variant>
#include <vector>

namespace quorate::raft {

namespace {

// Payloads are the client's and may be of any size; a line shows their beginning.
constexpr size_t kShownBytesMax = 32;

std::string number(uint64_t value) {
    return std::to_string(value);
}

std::string list(const std::vector<MemberId>& members) {
    std::string text = "(";
    for (const MemberId member : members) {
        text += text.size() > 1 ? " " : "";
        text += number(member);
    }
    return text + ")";
}

std::string quoted(ByteView data) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text = "\"";
    for (const char c : data.substr(0, kShownBytesMax)) {
        if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
            text += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            text += "\\x";
            text += kDigits[byte >> 4];
            text += kDigits[byte & 15];
        }
    }
    text += "\"";
    if (data.size() > kShownBytesMax) {
        text += "+" + number(data.size() - kShownBytesMax);
    }
    return text;
}

struct DescribeBody {
    std::string operator()(const VoteRequest& request) const {
        return std::string(request.kind == VoteKind::kPreVote ? "PreVoteRequest" : "VoteRequest") +
               " last=" + describe(request.last) + " committed=" + describe(request.committed) +
               (request.transfer ? " transfer" : "");
    }
    std::string operator()(const VoteResponse& response) const {
        return std::string(response.kind == VoteKind::kPreVote ? "PreVoteResponse"
                                                               : "VoteResponse") +
               (response.granted ? " granted" : " refused") +
               " committed=" + describe(response.committed);
    }
    std::string operator()(const AppendRequest& request) const {
        std::string text = "AppendRequest previous=" + describe(request.previous) +
                           " commit=" + number(request.commit) + " entries=[";
        for (size_t i = 0; i < request.entries.size(); ++i) {
            text += (i > 0 ? ", " : "") + describe(request.entries[i]);
        }
        return text + "]";
    }
    std::string operator()(const AppendResponse& response) const {
        return "AppendResponse match=" + number(response.match);
    }
    std::string operator()(const AppendReject& reject) const {
        return "AppendReject previous=" + number(reject.previous_index) +
               " hint=" + describe(reject.hint);
    }
    std::string operator()(const HeartbeatRequest& request) const {
        return "HeartbeatRequest commit=" + number(request.commit) + round(request.read_round);
    }
    std::string operator()(const HeartbeatResponse& response) const {
        return "HeartbeatResponse" + round(response.read_round);
    }
    std::string operator()(const SnapshotRequest& request) const {
        return "SnapshotRequest " + describe(request.snapshot);
    }
    std::string operator()(const TimeoutNow&) const { return "TimeoutNow"; }
    std::string operator()(const ReadIndexRequest& request) const {
        return "ReadIndexRequest id=" + number(request.request_id);
    }
    std::string operator()(const ReadIndexResponse& response) const {
        return "ReadIndexResponse id=" + number(response.request_id) +
               " index=" + number(response.index);
    }
    std::string operator()(const TermNotice&) const { return "TermNotice"; }

  private:
    static std::string round(uint64_t read_round) {
        return read_round == 0 ? "" : " read_round=" + number(read_round);
    }
};

}  // namespace

std::string_view describe(Role role) {
    switch (role) {
        case Role::kFollower:
            return "follower";
        case Role::kPreCandidate:
            return "pre-candidate";
        case Role::kCandidate:
            return "candidate";
        case Role::kLeader:
            return "leader";
    }
    return "?";
}

std::string_view describe(VoteKind kind) {
    switch (kind) {
        case VoteKind::kPreVote:
            return "pre-vote";
        case VoteKind::kVote:
            return "vote";
    }
    return "?";
}

std::string_view describe(ProgressState state) {
    switch (state) {
        case ProgressState::kProbe:
            return "probe";
        case ProgressState::kReplicate:
            return "replicate";
        case ProgressState::kSnapshot:
            return "snapshot";
    }
    return "?";
}

std::string_view describe(VoteResult result) {
    switch (result) {
        case VoteResult::kPending:
            return "pending";
        case VoteResult::kWon:
            return "won";
        case VoteResult::kLost:
            return "lost";
    }
    return "?";
}

std::string_view describe(Priority priority) {
    switch (priority) {
        case Priority::kUrgent:
            return "urgent";
        case Priority::kEntries:
            return "entries";
        case Priority::kBulk:
            return "bulk";
    }
    return "?";
}

std::string describe(const EntryId& id) {
    return number(id.term) + "/" + number(id.index);
}

std::string describe(const Entry& entry) {
    std::string text = describe(entry.id);
    switch (entry.type) {
        case EntryType::kNormal:
            break;
        case EntryType::kConfChange:
            text += " conf-change";
            break;
    }
    return entry.data().empty() ? text : text + " " + quoted(entry.data());
}

std::string describe(const HardState& hard_state) {
    return "term=" + number(hard_state.term) + " vote=" + number(hard_state.vote) +
           " commit=" + number(hard_state.commit);
}

std::string describe(const SoftState& soft_state) {
    return std::string(describe(soft_state.role)) + " leader=" + number(soft_state.leader);
}

std::string describe(const Configuration& configuration) {
    std::string text = "voters=" + list(configuration.voters);
    if (configuration.joint()) {
        text += "&&" + list(configuration.voters_outgoing);
    }
    if (!configuration.learners.empty()) {
        text += " learners=" + list(configuration.learners);
    }
    if (!configuration.learners_next.empty()) {
        text += " learners_next=" + list(configuration.learners_next);
    }
    return configuration.auto_leave ? text + " auto_leave" : text;
}

std::string describe(const ConfChange& change) {
    if (change.leaves_joint()) {
        return "leave-joint";
    }
    std::string text;
    for (const ConfChangeStep& step : change.steps) {
        text += text.empty() ? "" : " ";
        switch (step.type) {
            case ConfChangeType::kAddVoter:
                text += "v";
                break;
            case ConfChangeType::kAddLearner:
                text += "l";
                break;
            case ConfChangeType::kRemove:
                text += "r";
                break;
        }
        text += number(step.member);
    }
    switch (change.transition) {
        case ConfChangeTransition::kAuto:
            return text;
        case ConfChangeTransition::kJointImplicit:
            return text + " implicit";
        case ConfChangeTransition::kJointExplicit:
            return text + " explicit";
    }
    return text;
}

std::string describe(const Snapshot& snapshot) {
    return describe(snapshot.id) + " " + describe(snapshot.configuration);
}

std::string describe(const Progress& progress) {
    std::string text = std::string(describe(progress.state())) +
                       " match=" + number(progress.match()) + " next=" + number(progress.next());
    if (progress.state() == ProgressState::kSnapshot) {
        text += " pending=" + number(progress.pending_snapshot());
    }
    if (progress.inflights().count() > 0) {
        text += " inflight=" + number(progress.inflights().count());
    }
    if (progress.inflights().full()) {
        text += " full";
    }
    if (progress.state() != ProgressState::kSnapshot && !progress.may_send()) {
        text += " paused";
    }
    return progress.recently_active() ? text : text + " inactive";
}

std::string describe(const Message& message) {
    return number(message.from) + "->" + number(message.to) + " term=" + number(message.term) +
           " " + std::visit(DescribeBody{}, message.body);
}

std::string describe(const ReadState& read_state) {
    return "id=" + number(read_state.request_id) + " index=" + number(read_state.index);
}

}  // namespace quorate::raft
