// SPDX-License-Identifier: Apache-2.0
#include "sim/revision_check.h"

#include "sim/model.h"

#include <algorithm>
#include <map>
#include <set>

namespace quorate::sim {
namespace {

constexpr size_t kFindingsMax = 5;

class Check {
  public:
    explicit Check(const History& history) : history_(history) {
        for (const Change& change : history.changes) {
            changes_[change.kv.mod_revision].push_back(change);
        }
    }

    std::vector<std::string> run() {
        check_real_time();
        std::map<int64_t, std::vector<const Call*>> by_revision;
        for (const Call& call : history_.calls) {
            if (call.answered()) {
                by_revision[call.revision].push_back(&call);
                note_old_reads(call);
            } else {
                unanswered_.push_back(&call);
            }
        }
        int64_t seen_ns = Call::kNever;
        for (auto it = by_revision.rbegin(); it != by_revision.rend(); ++it) {
            for (const Call* call : it->second) {
                seen_ns = std::min(seen_ns, call->end_ns);
            }
            seen_ns_[it->first] = seen_ns;
        }
        int64_t last = 1;
        if (!changes_.empty()) {
            last = changes_.rbegin()->first;
        }
        if (!by_revision.empty() && by_revision.rbegin()->first > last) {
            report("revision " + std::to_string(by_revision.rbegin()->first) +
                   " was answered, but never happened: " +
                   describe(*by_revision.rbegin()->second.front()));
        }
        check_at(1, by_revision[1]);
        for (int64_t revision = 2; revision <= last && findings_.size() < kFindingsMax;
             ++revision) {
            step(revision, by_revision[revision]);
        }
        return findings_;
    }

  private:
    void report(std::string text) {
        if (findings_.size() < kFindingsMax) {
            findings_.push_back(std::move(text));
        }
    }

    static bool mutates(const Call& call) {
        for (size_t i = 0; i < call.branch().size(); ++i) {
            const Operation& operation = call.branch()[i];
            if (operation.kind == Operation::Kind::kPut ||
                (operation.kind == Operation::Kind::kDelete && i < call.results.size() &&
                 call.results[i].deleted > 0)) {
                return true;
            }
        }
        return false;
    }

    void check_real_time() {
        std::vector<const Call*> by_start;
        std::vector<const Call*> by_end;
        for (const Call& call : history_.calls) {
            if (call.answered()) {
                by_start.push_back(&call);
                by_end.push_back(&call);
            }
        }
        std::sort(by_start.begin(), by_start.end(),
                  [](const Call* a, const Call* b) { return a->start_ns < b->start_ns; });
        std::sort(by_end.begin(), by_end.end(),
                  [](const Call* a, const Call* b) { return a->end_ns < b->end_ns; });
        const Call* newest = nullptr;  // of those that have ended
        size_t ended = 0;
        for (const Call* call : by_start) {
            for (; ended < by_end.size() && by_end[ended]->end_ns < call->start_ns; ++ended) {
                if (newest == nullptr || by_end[ended]->revision > newest->revision) {
                    newest = by_end[ended];
                }
            }
            if (newest == nullptr || call->serializable) {
                continue;
            }
            if (call->revision < newest->revision ||
                (mutates(*call) && call->revision == newest->revision)) {
                report("not in the order of time: " + describe(*call) + "  came after  " +
                       describe(*newest));
            }
        }
    }

    // Reads of old revisions are judged when the replay is there.
    void note_old_reads(const Call& call) {
        for (size_t i = 0; i < call.branch().size(); ++i) {
            const Operation& operation = call.branch()[i];
            if (operation.kind == Operation::Kind::kRange && operation.revision != 0 &&
                i < call.results.size()) {
                old_reads_.insert({operation.revision, {&call, i}});
            }
        }
    }

    void step(int64_t revision, const std::vector<const Call*>& calls) {
        const auto found = changes_.find(revision);
        if (found == changes_.end()) {
            report("revision " + std::to_string(revision) + " has no change");
            return;
        }
        const std::vector<Change>& changes = found->second;
        const Call* owner = nullptr;
        for (const Call* call : calls) {
            if (!mutates(*call)) {
                continue;
            }
            const Expected expected = model_.run(*call, revision);
            if (owner != nullptr) {
                report("one revision for two calls: " + describe(*call) + "  and  " +
                       describe(*owner));
            }
            owner = call;
            compare(*call, expected);
            if (expected.changes != changes) {
                report("answered, but something else happened at " + std::to_string(revision) +
                       ": " + describe(*call) + "; what happened is " + describe(changes.front()));
            }
        }
        if (owner == nullptr) {
            find_owner(revision, changes);
        }
        check_changes(changes);
        for (const Change& change : changes) {
            model_.apply(change);
        }
        check_at(revision, calls);
    }

    // The calls at `revision` that have changed nothing, and reads of this revision made later.
    void check_at(int64_t revision, const std::vector<const Call*>& calls) {
        for (const Call* call : calls) {
            if (mutates(*call)) {
                continue;
            }
            const Expected expected = model_.run(*call, revision + 1);
            if (!expected.changes.empty()) {
                report("answered as if it had nothing to change: " + describe(*call));
            }
            compare(*call, expected);
        }
        const auto [first, end] = old_reads_.equal_range(revision);
        for (auto it = first; it != end; ++it) {
            const auto& [call, index] = it->second;
            Operation now = call->branch()[index];
            now.revision = 0;
            Call read;
            read.success = {now};
            if (model_.run(read, 0).results.front() != call->results[index]) {
                report("the past has changed: " + describe(*call));
            }
        }
    }

    void compare(const Call& call, const Expected& expected) {
        if (call.succeeded != expected.succeeded) {
            report("took the wrong branch: " + describe(call));
            return;
        }
        if (call.results.size() != expected.results.size()) {
            report("wrong number of results: " + describe(call));
            return;
        }
        for (size_t i = 0; i < call.results.size(); ++i) {
            if (call.branch()[i].revision == 0 && call.results[i] != expected.results[i]) {
                Call should = call;
                should.results = expected.results;
                report("wrong answer: " + describe(call) + "; right is " + describe(should));
                return;
            }
        }
    }

    // A change that nobody was told of: an unanswered call's, or that of a lease.
    void find_owner(int64_t revision, const std::vector<Change>& changes) {
        // Of several that fit, the one that fits the fewest other changes.
        const auto is_narrower = [](const Call& a, const Call& b) {
            return std::pair(a.compares.size(), a.success.front().range_end.empty()) >
                   std::pair(b.compares.size(), b.success.front().range_end.empty());
        };
        const auto seen = seen_ns_.lower_bound(revision);
        const int64_t happened_ns = seen == seen_ns_.end() ? Call::kNever : seen->second;
        auto best = unanswered_.end();
        for (auto it = unanswered_.begin(); it != unanswered_.end(); ++it) {
            if ((*it)->start_ns <= happened_ns && model_.run(**it, revision).changes == changes &&
                (best == unanswered_.end() || is_narrower(**it, **best))) {
                best = it;
            }
        }
        if (best != unanswered_.end()) {
            unanswered_.erase(best);
            return;
        }
        const bool lease_ran_out =
            history_.leases_expire &&
            std::all_of(changes.begin(), changes.end(), [this](const Change& change) {
                const auto it = model_.keys().find(change.kv.key);
                return change.deletion && it != model_.keys().end() && it->second.lease != 0;
            });
        if (!lease_ran_out) {
            report("happened without a call, or twice: " + describe(changes.front()));
        }
    }

    // What a watcher sees must follow from what was before, whoever did it.
    void check_changes(const std::vector<Change>& changes) {
        std::set<std::string> keys;
        for (const Change& change : changes) {
            const KeyValue& kv = change.kv;
            if (!keys.insert(kv.key).second) {
                continue;  // a key that one transaction deletes and puts
            }
            const auto it = model_.keys().find(kv.key);
            const KeyValue* before = it == model_.keys().end() ? nullptr : &it->second;
            if (change.deletion) {
                if (before == nullptr) {
                    report("deleted what was not there: " + describe(change));
                }
            } else if (kv.version != (before == nullptr ? 1 : before->version + 1) ||
                       kv.create_revision !=
                           (before == nullptr ? kv.mod_revision : before->create_revision)) {
                report("wrong version or create_revision: " + describe(change));
            }
        }
    }

    const History& history_;
    std::map<int64_t, std::vector<Change>> changes_;
    std::multimap<int64_t, std::pair<const Call*, size_t>> old_reads_;
    std::vector<const Call*> unanswered_;
    std::map<int64_t, int64_t>
        seen_ns_;  // by when somebody had an answer of this or a newer revision
    Model model_;
    std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> check_revisions(const History& history) {
    return Check(history).run();
}

}  // namespace quorate::sim
