// SPDX-License-Identifier: Apache-2.0
#include "sim/linearizability.h"

#include "sim/key_history.h"

#include <algorithm>
#include <unordered_set>

namespace quorate::sim {
namespace {

enum class Verdict : uint8_t { kLinearizable, kNot, kUndecided };

// One key's search: depth first through the orders, the calls that must happen before those that
// may, and never twice from the same set of calls done and register.
class Search {
  public:
    Search(const KeyHistory& history, uint64_t states_max) : states_max_(states_max) {
        // The calls that must happen, by start; behind them those that may.
        for (const KeyCall& call : history.calls) {
            if (call.must_happen) {
                calls_.push_back(&call);
            }
        }
        must_ = calls_.size();
        for (const KeyCall& call : history.calls) {
            if (!call.must_happen) {
                calls_.push_back(&call);
            }
        }
        done_.assign(calls_.size(), false);
        // Of calls that would do the same, the first to start stands for all: where a later one
        // fits, it fits as well.
        for (size_t i = must_; i < calls_.size(); ++i) {
            size_t before = i;
            while (before > must_ && calls_[before - 1]->alternatives != calls_[i]->alternatives) {
                --before;
            }
            like_.push_back(before > must_ ? before - 1 : i);
        }
    }

    Verdict run() {
        std::vector<Frame> path;
        path.push_back(frame({}));
        while (done_count_ < must_) {
            if (states_ > states_max_) {
                return Verdict::kUndecided;
            }
            Frame& top = path.back();
            if (top.next == top.candidates.size()) {
                if (path.size() == 1) {
                    return Verdict::kNot;
                }
                path.pop_back();
                undo(path.back());
                continue;
            }
            const Candidate candidate = top.candidates[top.next++];
            set_done(candidate.call);
            if (visit(candidate.after)) {
                path.push_back(frame(candidate.after));
            } else {
                undo(top);
            }
        }
        return Verdict::kLinearizable;
    }

    uint64_t states() const { return states_; }

    // The first calls that fit nowhere behind the longest order that was found.
    std::string stuck() const {
        std::string out;
        for (const KeyCall* call : stuck_) {
            out += "\n    " + describe(*call->call);
        }
        return out;
    }

  private:
    struct Candidate {
        size_t call;
        Register after;
    };
    struct Frame {
        std::vector<Candidate> candidates;
        size_t next = 0;
    };

    void set_done(size_t call) {
        done_[call] = true;
        if (call >= must_) {
            return;
        }
        while (first_ < must_ && done_[first_]) {
            ++first_;
        }
        if (++done_count_ > most_done_) {
            most_done_ = done_count_;
            note_stuck();
        }
    }

    void undo(const Frame& frame) {
        const size_t call = frame.candidates[frame.next - 1].call;
        done_[call] = false;
        if (call < must_) {
            first_ = std::min(first_, call);
            --done_count_;
        }
    }

    // All calls that may come next: those that began before the first end of one that is not done.
    Frame frame(const Register& state) const {
        int64_t first_end_ns = Call::kNever;
        size_t end = first_;
        for (; end < must_ && calls_[end]->start_ns <= first_end_ns; ++end) {
            if (!done_[end]) {
                first_end_ns = std::min(first_end_ns, calls_[end]->end_ns);
            }
        }
        Frame frame;
        for (size_t i = first_; i < end && calls_[i]->start_ns <= first_end_ns; ++i) {
            if (!done_[i]) {
                add_alternatives(frame, i, state);
            }
        }
        for (size_t i = must_; i < calls_.size() && calls_[i]->start_ns <= first_end_ns; ++i) {
            const size_t like = like_[i - must_];
            if (!done_[i] && (like == i || done_[like])) {
                add_alternatives(frame, i, state);
            }
        }
        return frame;
    }

    void add_alternatives(Frame& frame, size_t index, const Register& state) const {
        for (const std::vector<Step>& steps : calls_[index]->alternatives) {
            std::optional<Register> after = state;
            for (const Step& step : steps) {
                after = take(*after, step);
                if (!after) {
                    break;
                }
            }
            // A call that may not have happened and changes nothing need not be placed.
            if (after && (index < must_ || *after != state)) {
                frame.candidates.push_back({index, *after});
            }
        }
    }

    bool visit(const Register& state) {
        ++states_;
        std::string key;
        const auto append = [&key](int64_t number) {
            key.append(reinterpret_cast<const char*>(&number), sizeof number);
        };
        append(static_cast<int64_t>(first_));
        append(state.value);
        append(state.mod_revision);
        append(state.create_revision);
        append(state.version);
        // What is done behind the first that is not; only few are concurrent with it.
        for (size_t i = first_, seen = done_count_ - first_; seen > 0; ++i) {
            if (done_[i]) {
                append(static_cast<int64_t>(i));
                --seen;
            }
        }
        append(-1);
        for (size_t i = must_; i < calls_.size(); ++i) {
            if (done_[i]) {
                append(static_cast<int64_t>(i));
            }
        }
        return visited_.insert(std::move(key)).second;
    }

    void note_stuck() {
        constexpr size_t kShown = 6;
        stuck_.clear();
        for (size_t i = first_; i < must_ && stuck_.size() < kShown; ++i) {
            if (!done_[i]) {
                stuck_.push_back(calls_[i]);
            }
        }
    }

    const uint64_t states_max_;
    std::vector<const KeyCall*> calls_;
    size_t must_ = 0;  // how many of them must happen
    std::vector<size_t>
        like_;  // of those that may: the one before that would do the same, or itself
    uint64_t states_ = 0;
    std::vector<bool> done_;
    size_t first_ = 0;       // the first that must happen and is not done
    size_t done_count_ = 0;  // of those that must
    size_t most_done_ = 0;
    std::vector<const KeyCall*> stuck_;
    std::unordered_set<std::string> visited_;
};

}  // namespace

Linearizability check_linearizability(const History& history, const SearchLimits& limits) {
    Linearizability result;
    for (const KeyHistory& key : split_by_key(history)) {
        Search search(key, limits.states_max);
        const Verdict verdict = search.run();
        result.states += search.states();
        if (verdict == Verdict::kNot) {
            result.findings.push_back("no order explains the answers about " + key.key +
                                      "; the longest one leaves" + search.stuck());
        } else if (verdict == Verdict::kUndecided) {
            result.undecided.push_back(key.key);
        }
    }
    return result;
}

}  // namespace quorate::sim
