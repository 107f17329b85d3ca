// SPDX-License-Identifier: Apache-2.0
//
// The fast check: a store with revisions tells the order in which it did things, so nothing has to
// be searched for. It proves strict serializability of everything at once, transactions over many
// keys included, and needs the changes that a watcher of everything has seen:
//
//   - every answered call gives what the model gives at its revision, and its changes are the
//     recorded ones;
//   - calls that follow each other in time have revisions that do so too (serializable reads
//     excepted: those only never show what has not happened yet);
//   - every change belongs to one call, answered or not, and no call happened twice.
#pragma once

#include "sim/history.h"

#include <string>
#include <vector>

namespace quorate::sim {

// What is wrong, one text each, at most a few; empty when all is well.
std::vector<std::string> check_revisions(const History& history);

}  // namespace quorate::sim
