// SPDX-License-Identifier: Apache-2.0
#include "sim/history.h"

namespace quorate::sim {
namespace {

std::string describe(const Operation& operation, const OperationResult* result) {
    std::string out;
    switch (operation.kind) {
        case Operation::Kind::kPut:
            return "put " + operation.key + "=" + operation.value;
        case Operation::Kind::kDelete:
            out = "delete " + operation.key;
            break;
        case Operation::Kind::kRange:
            out = "get " + operation.key;
            break;
    }
    if (!operation.range_end.empty()) {
        out += ".." + operation.range_end;
    }
    if (operation.revision != 0) {
        out += "@" + std::to_string(operation.revision);
    }
    if (result == nullptr) {
        return out;
    }
    if (operation.kind == Operation::Kind::kDelete) {
        return out + " -> " + std::to_string(result->deleted);
    }
    out += " -> [";
    for (const KeyValue& kv : result->kvs) {
        out += " " + kv.key + "=" + kv.value + "@" + std::to_string(kv.mod_revision) + "v" +
               std::to_string(kv.version);
    }
    return out + " ]";
}

}  // namespace

std::string describe(const Call& call) {
    std::string out = "client " + std::to_string(call.client) + " [" +
                      std::to_string(call.start_ns) + ", " +
                      (call.answered() ? std::to_string(call.end_ns) : std::string("never")) + "]";
    for (const Compare& compare : call.compares) {
        out += " if " + compare.key +
               (compare.target == Compare::Target::kValue
                    ? " is " + compare.value
                    : " at " + std::to_string(compare.mod_revision));
    }
    if (!call.answered()) {
        for (const Operation& operation : call.success) {
            out += " " + describe(operation, nullptr) + ";";
        }
        return out;
    }
    if (!call.compares.empty()) {
        out += call.succeeded ? " then" : " else";
    }
    for (size_t i = 0; i < call.branch().size(); ++i) {
        out += " " +
               describe(call.branch()[i], i < call.results.size() ? &call.results[i] : nullptr) +
               ";";
    }
    return out + " at revision " + std::to_string(call.revision);
}

std::string describe(const Change& change) {
    const std::string at = " at " + std::to_string(change.kv.mod_revision);
    if (change.deletion) {
        return "delete " + change.kv.key + at;
    }
    return "put " + change.kv.key + "=" + change.kv.value + at + " version " +
           std::to_string(change.kv.version) + " created " +
           std::to_string(change.kv.create_revision);
}

}  // namespace quorate::sim
