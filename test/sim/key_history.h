// SPDX-License-Identifier: Apache-2.0
//
// What one key has to do with a history: each call's part in it, as a condition on the register and
// a change of it.
#pragma once

#include "sim/history.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quorate::sim {

// The state of one key. Values are numbered, 0 is "does not exist", and all that nobody has read or
// asked for are one. A revision is kUnknown when the
// call that made it was never answered and nobody has read it.
struct Register {
    static constexpr int64_t kUnknown = -1;
    static constexpr uint32_t kUnseen = 1;
    uint32_t value = 0;
    int64_t mod_revision = 0;
    int64_t create_revision = 0;
    int64_t version = 0;

    friend bool operator==(const Register&, const Register&) = default;
};

// One thing that a call may have done to the key.
struct Step {
    enum class Kind : uint8_t {
        kIsAt,       // condition: mod_revision
        kIsNotAt,    // condition
        kHolds,      // condition: value
        kHoldsNot,   // condition
        kReads,      // condition: all of `state` that is known
        kDeletes,    // condition: it exists; then it does not
        kMayDelete,  // it does not exist afterwards
        kPuts,       // value, at mod_revision
    };
    Kind kind = Kind::kReads;
    Register state;

    friend bool operator==(const Step&, const Step&) = default;
};

// A call's part. It happens as one of the alternatives.
struct KeyCall {
    const Call* call = nullptr;
    int64_t start_ns = 0;
    int64_t end_ns = Call::kNever;  // by when it has happened, answered or seen by somebody
    bool must_happen = true;
    std::vector<std::vector<Step>> alternatives;
};

struct KeyHistory {
    std::string key;
    std::vector<KeyCall> calls;  // by start
};

// By key, without serializable reads and reads of the past. Keys that leases may delete are left
// out when history.leases_expire.
std::vector<KeyHistory> split_by_key(const History& history);

// The register after the step, or nothing when its condition does not hold.
std::optional<Register> take(const Register& before, const Step& step);

}  // namespace quorate::sim
