// SPDX-License-Identifier: Apache-2.0
//
// Every value of Raft as one line of text, for logs and for the scripts of the tests, where a
// change of these forms shows as a difference. Pure functions, any thread.
#pragma once

#include "raft/confchange.h"
#include "raft/message.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/ready.h"
#include "raft/types.h"

#include <string>
#include <string_view>

namespace quorate::raft {

std::string_view describe(Role role);
std::string_view describe(VoteKind kind);
std::string_view describe(ProgressState state);
std::string_view describe(VoteResult result);
std::string_view describe(Priority priority);

std::string describe(const EntryId& id);                   // term/index: 2/14
std::string describe(const Entry& entry);                  // 2/14 "bytes"
std::string describe(const HardState& hard_state);         // term=2 vote=1 commit=13
std::string describe(const SoftState& soft_state);         // leader of 2: see describe.cc
std::string describe(const Configuration& configuration);  // voters=(1 2 3)&&(1 2) learners=(4)
std::string describe(const ConfChange& change);            // v4 l5 r6
std::string describe(const Snapshot& snapshot);
std::string describe(const Progress& progress);
std::string describe(const Message& message);  // 1->2 Append term=2 ...
std::string describe(const ReadState& read_state);

}  // namespace quorate::raft
