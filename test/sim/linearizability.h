// SPDX-License-Identifier: Apache-2.0
//
// The thorough check: is there any order of the calls that respects time and gives the answers that
// were given? It knows nothing of a global order of revisions, asks for nothing but the calls, and
// searches (Wing and Gong's search with Lowe's cache, as Knossos and Porcupine do it).
// Linearizability is local, so each key is searched for itself; what a transaction does to several
// keys at once is revision_check's part.
//
// A key is a register of value, mod_revision, create_revision and version. A call without an answer
// may come anywhere behind its start, or never. Values that are put differ from each other.
#pragma once

#include "sim/history.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::sim {

struct SearchLimits {
    // Of one key; beyond it the key counts as undecided, which is no finding.
    uint64_t states_max = 2'000'000;
};

struct Linearizability {
    // The keys without an order, each with the longest prefix that has one.
    std::vector<std::string> findings;
    std::vector<std::string> undecided;  // keys
    uint64_t states = 0;
};

Linearizability check_linearizability(const History& history, const SearchLimits& limits = {});

}  // namespace quorate::sim
