// SPDX-License-Identifier: Apache-2.0
#include "sim/key_history.h"

#include <algorithm>
#include <set>

namespace quorate::sim {
namespace {

struct PutFacts {
    uint32_t number = Register::kUnseen;
    int64_t revision = Register::kUnknown;
    int64_t seen_ns = Call::kNever;  // the end of the first answer that shows it
};

class Splitter {
  public:
    explicit Splitter(const History& history) : history_(history) {
        for (const Call& call : history.calls) {
            note_keys(call);
            note_values(call);
        }
    }

    std::vector<KeyHistory> run() {
        std::vector<KeyHistory> out;
        for (const std::string& key : keys_) {
            if (history_.leases_expire && leased_.contains(key)) {
                continue;
            }
            KeyHistory& of_key = out.emplace_back();
            of_key.key = key;
            for (const Call& call : history_.calls) {
                if (!call.serializable) {
                    add(of_key, call);
                }
            }
            std::sort(of_key.calls.begin(), of_key.calls.end(),
                      [](const KeyCall& a, const KeyCall& b) { return a.start_ns < b.start_ns; });
        }
        return out;
    }

  private:
    void note_keys(const Call& call) {
        for (const auto* branch : {&call.success, &call.failure}) {
            for (const Operation& operation : *branch) {
                if (operation.range_end.empty()) {
                    keys_.insert(operation.key);
                }
                if (operation.kind == Operation::Kind::kPut && operation.lease != 0) {
                    leased_.insert(operation.key);
                }
            }
        }
    }

    void note_values(const Call& call) {
        for (const Compare& compare : call.compares) {
            if (compare.target == Compare::Target::kValue) {
                tell_apart(compare.value);
            }
        }
        for (size_t i = 0; call.answered() && i < call.branch().size(); ++i) {
            const Operation& operation = call.branch()[i];
            if (operation.kind == Operation::Kind::kPut) {
                put(operation.value).revision = call.revision;
            }
            if (i >= call.results.size()) {
                continue;
            }
            for (const KeyValue& kv : call.results[i].kvs) {
                PutFacts& facts = tell_apart(kv.value);
                facts.revision = kv.mod_revision;
                facts.seen_ns = std::min(facts.seen_ns, call.end_ns);
            }
        }
    }

    PutFacts& put(const std::string& value) { return values_[value]; }

    // Somebody has read the value or asked for it: it differs from others.
    PutFacts& tell_apart(const std::string& value) {
        PutFacts& facts = put(value);
        if (facts.number == Register::kUnseen) {
            facts.number = ++last_number_;
        }
        return facts;
    }

    void add(KeyHistory& of_key, const Call& call) {
        KeyCall part;
        part.call = &call;
        part.start_ns = call.start_ns;
        part.end_ns = call.end_ns;
        part.must_happen = call.answered();
        if (call.answered()) {
            std::vector<Step> steps;
            // A failed compare among several can't be told from those that held.
            if (call.succeeded || call.compares.size() == 1) {
                add_compares(steps, call, of_key.key, call.succeeded);
            }
            if (!add_operations(steps, part, of_key.key, call.branch(), &call.results)) {
                return;
            }
            if (steps.empty()) {
                return;
            }
            part.alternatives.push_back(std::move(steps));
        } else {
            add_unanswered(part, of_key.key, call);
        }
        if (!part.alternatives.empty()) {
            of_key.calls.push_back(std::move(part));
        }
    }

    void add_unanswered(KeyCall& part, const std::string& key, const Call& call) {
        std::vector<Step> then;
        add_compares(then, call, key, true);
        const size_t conditions = then.size();
        add_operations(then, part, key, call.success, nullptr);
        if (then.size() > conditions) {
            part.alternatives.push_back(std::move(then));
        }
        if (part.must_happen) {
            return;  // somebody has seen what it put
        }
        std::vector<Step> otherwise;
        if (call.compares.size() == 1) {
            add_compares(otherwise, call, key, false);
        }
        const size_t negations = otherwise.size();
        add_operations(otherwise, part, key, call.failure, nullptr);
        if (otherwise.size() > negations) {
            part.alternatives.push_back(std::move(otherwise));
        }
    }

    void add_compares(std::vector<Step>& steps, const Call& call, const std::string& key,
                      bool hold) {
        for (const Compare& compare : call.compares) {
            if (compare.key != key) {
                continue;
            }
            Step step;
            if (compare.target == Compare::Target::kValue) {
                step.kind = hold ? Step::Kind::kHolds : Step::Kind::kHoldsNot;
                step.state.value = put(compare.value).number;
            } else {
                step.kind = hold ? Step::Kind::kIsAt : Step::Kind::kIsNotAt;
                step.state.mod_revision = compare.mod_revision;
            }
            steps.push_back(step);
        }
    }

    // False when the call says nothing of this key. `results` is null for an unanswered call.
    bool add_operations(std::vector<Step>& steps, KeyCall& part, const std::string& key,
                        const std::vector<Operation>& operations,
                        const std::vector<OperationResult>* results) {
        bool any = !steps.empty();
        for (size_t i = 0; i < operations.size(); ++i) {
            const Operation& operation = operations[i];
            if (!operation.covers(key)) {
                continue;
            }
            Step step;
            switch (operation.kind) {
                case Operation::Kind::kPut: {
                    const PutFacts& facts = put(operation.value);
                    step.kind = Step::Kind::kPuts;
                    step.state.value = facts.number;
                    step.state.mod_revision = facts.revision;
                    part.end_ns = std::min(part.end_ns, facts.seen_ns);
                    part.must_happen = part.must_happen || facts.seen_ns != Call::kNever;
                    break;
                }
                case Operation::Kind::kDelete:
                    step.kind = Step::Kind::kMayDelete;
                    if (results != nullptr && operation.range_end.empty()) {
                        const bool deleted = (*results)[i].deleted > 0;
                        step.kind = deleted ? Step::Kind::kDeletes : Step::Kind::kReads;
                    }
                    break;
                case Operation::Kind::kRange:
                    if (results == nullptr || operation.revision != 0) {
                        continue;
                    }
                    step.state = shown((*results)[i], key);
                    break;
            }
            steps.push_back(step);
            any = true;
        }
        return any;
    }

    Register shown(const OperationResult& result, const std::string& key) {
        for (const KeyValue& kv : result.kvs) {
            if (kv.key == key) {
                return {put(kv.value).number, kv.mod_revision, kv.create_revision, kv.version};
            }
        }
        return {};
    }

    const History& history_;
    std::set<std::string> keys_;
    std::set<std::string> leased_;
    std::map<std::string, PutFacts> values_;
    uint32_t last_number_ = Register::kUnseen;
};

bool agrees(int64_t known, int64_t read) {
    return known == Register::kUnknown || known == read;
}

}  // namespace

std::vector<KeyHistory> split_by_key(const History& history) {
    return Splitter(history).run();
}

std::optional<Register> take(const Register& before, const Step& step) {
    const auto only_if = [&](bool condition) {
        return condition ? std::optional(before) : std::nullopt;
    };
    switch (step.kind) {
        case Step::Kind::kIsAt:
            if (before.mod_revision == Register::kUnknown && step.state.mod_revision != 0) {
                // A client that guessed right; from here on it is known.
                Register after = before;
                after.mod_revision = step.state.mod_revision;
                return after;
            }
            return only_if(before.mod_revision == step.state.mod_revision);
        case Step::Kind::kIsNotAt:
            return only_if(before.mod_revision != step.state.mod_revision);
        case Step::Kind::kHolds:
            return only_if(before.value == step.state.value);
        case Step::Kind::kHoldsNot:
            return only_if(before.value != step.state.value);
        case Step::Kind::kReads:
            if (before.value != step.state.value ||
                !agrees(before.mod_revision, step.state.mod_revision) ||
                !agrees(before.create_revision, step.state.create_revision) ||
                before.version != step.state.version) {
                return std::nullopt;
            }
            return step.state;
        case Step::Kind::kDeletes:
            return before.value == 0 ? std::nullopt : std::optional(Register{});
        case Step::Kind::kMayDelete:
            return Register{};
        case Step::Kind::kPuts: {
            Register after = step.state;
            after.version = before.version + 1;
            after.create_revision =
                before.value == 0 ? step.state.mod_revision : before.create_revision;
            return after;
        }
    }
    return std::nullopt;
}

}  // namespace quorate::sim
