// SPDX-License-Identifier: Apache-2.0
#include "raft/message.h"

#include "base/errors.h"
#include "raft/confchange.h"

#include <algorithm>

namespace quorate::raft {

namespace {

// Terms and indexes count up from 0 one by one: nothing gets near to this, and below it they can be
// counted on without a thought of overflow.
constexpr uint64_t kNumberMax = uint64_t{1} << 62;

uint64_t largest(const EntryId& id) {
    return std::max(id.term, id.index);
}

struct LargestNumber {
    uint64_t operator()(const VoteRequest& request) const {
        return std::max(largest(request.last), largest(request.committed));
    }
    uint64_t operator()(const VoteResponse& response) const { return largest(response.committed); }
    uint64_t operator()(const AppendRequest& request) const {
        return std::max(largest(request.previous), request.commit);
    }
    uint64_t operator()(const AppendResponse& response) const { return response.match; }
    uint64_t operator()(const AppendReject& reject) const {
        return std::max(reject.previous_index, largest(reject.hint));
    }
    uint64_t operator()(const HeartbeatRequest& request) const { return request.commit; }
    uint64_t operator()(const HeartbeatResponse& response) const { return response.read_round; }
    uint64_t operator()(const SnapshotRequest& request) const {
        return largest(request.snapshot.id);
    }
    uint64_t operator()(const TimeoutNow&) const { return 0; }
    uint64_t operator()(const ReadIndexRequest&) const { return 0; }
    uint64_t operator()(const ReadIndexResponse& response) const { return response.index; }
    uint64_t operator()(const TermNotice&) const { return 0; }
};

bool are_consecutive(const Message& message, const AppendRequest& request) {
    EntryId before = request.previous;
    for (const Entry& entry : request.entries) {
        if (entry.id.index != before.index + 1 || entry.id.term < before.term) {
            return false;
        }
        before = entry.id;
    }
    return before.term <= message.term;
}

}  // namespace

Priority Message::priority() const {
    if (std::holds_alternative<AppendRequest>(body)) {
        return Priority::kEntries;
    }
    if (std::holds_alternative<SnapshotRequest>(body)) {
        return Priority::kBulk;
    }
    return Priority::kUrgent;
}

Status Message::check_form() const {
    if (from == kNobody || to == kNobody || from == to) {
        return Status(errors::kBadRaftMessage, "sender or receiver");
    }
    if (term == 0) {
        return Status(errors::kBadRaftMessage, "no term");
    }
    if (std::max(term, std::visit(LargestNumber{}, body)) > kNumberMax) {
        return Status(errors::kBadRaftMessage, "a term or index that nobody can have reached");
    }
    if (const auto* request = std::get_if<AppendRequest>(&body);
        request != nullptr && !are_consecutive(*this, *request)) {
        return Status(errors::kBadRaftMessage, "entries are not consecutive");
    }
    if (const auto* request = std::get_if<SnapshotRequest>(&body);
        request != nullptr &&
        (request->snapshot.id.term > term || !is_valid(request->snapshot.configuration))) {
        return Status(errors::kBadRaftMessage, "snapshot");
    }
    return {};
}

}  // namespace quorate::raft
