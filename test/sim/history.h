// SPDX-License-Identifier: Apache-2.0
//
// What clients did and what they were told: the material that the checkers judge. A history is one
// list of calls, each a transaction in etcd's sense (a plain put, get or delete is one without
// compares), and the changes that a watcher of everything has seen. Values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::sim {

struct KeyValue {
    std::string key;
    std::string value;
    int64_t create_revision = 0;
    int64_t mod_revision = 0;
    int64_t version = 0;
    int64_t lease = 0;

    friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

// True when the key is as said: at this mod_revision (0: it does not exist), or with this value.
struct Compare {
    enum class Target : uint8_t { kModRevision, kValue };
    std::string key;
    Target target = Target::kModRevision;
    int64_t mod_revision = 0;
    std::string value;
};

struct Operation {
    enum class Kind : uint8_t { kPut, kDelete, kRange };
    Kind kind = Kind::kRange;
    std::string key;
    std::string range_end;  // empty: the key alone
    std::string value;      // kPut
    int64_t lease = 0;      // kPut
    int64_t revision = 0;   // kRange: the state to read, 0 the newest

    bool covers(std::string_view other) const {
        return range_end.empty() ? other == key : other >= key && other < range_end;
    }
};

struct OperationResult {
    std::vector<KeyValue> kvs;  // kRange, in key order
    int64_t deleted = 0;        // kDelete

    friend bool operator==(const OperationResult&, const OperationResult&) = default;
};

struct Call {
    int64_t client = 0;
    int64_t start_ns = 0;
    int64_t end_ns =
        kNever;  // kNever: no answer came, the call may have happened or not, or yet will
    bool serializable = false;  // reads only: may be answered from the past
    std::vector<Compare> compares;
    std::vector<Operation> success;
    std::vector<Operation> failure;

    // The answer.
    int64_t revision = 0;  // of the header
    bool succeeded = true;
    std::vector<OperationResult> results;

    static constexpr int64_t kNever = INT64_MAX;
    bool answered() const { return end_ns != kNever; }
    const std::vector<Operation>& branch() const { return succeeded ? success : failure; }
};

// One changed key. A deletion has key and mod_revision alone.
struct Change {
    KeyValue kv;
    bool deletion = false;

    friend bool operator==(const Change&, const Change&) = default;
};

struct History {
    std::vector<Call> calls;
    // All changes from revision 2 on, in order; empty when nobody has recorded them.
    std::vector<Change> changes;
    // Keys may go without a call: leases run out.
    bool leases_expire = false;
};

// For messages to people.
std::string describe(const Call& call);
std::string describe(const Change& change);

}  // namespace quorate::sim
