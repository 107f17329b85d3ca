// SPDX-License-Identifier: Apache-2.0
//
// Log against a naive twin: a plain map of entries, with every answer found by looking at all.
#include "raft/log.h"

#include "raft/model_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace quorate::raft {
namespace {

class NaiveLog {
  public:
    explicit NaiveLog(EntryId behind) : start(behind) {}

    uint64_t last_index() const { return entries.empty() ? start.index : entries.rbegin()->first; }
    EntryId last() const { return entries.empty() ? start : entries.rbegin()->second.id; }
    uint64_t term_at(uint64_t index) const {
        const auto it = entries.find(index);
        return index == start.index ? start.term : it == entries.end() ? 0 : it->second.id.term;
    }
    bool matches(EntryId id) const {
        return id.index >= start.index && id.index <= last_index() && term_at(id.index) == id.term;
    }
    uint64_t last_index_within(EntryId limit) const {
        if (limit.index < start.index) {
            return limit.index;
        }
        uint64_t best = start.index - 1;
        for (uint64_t index = start.index; index <= std::min(limit.index, last_index()); ++index) {
            best = term_at(index) <= limit.term ? index : best;
        }
        return best;
    }
    uint64_t bytes(uint64_t after, uint64_t through) const {
        uint64_t sum = 0;
        for (const auto& [index, entry] : entries) {
            sum += index > after && index <= through ? entry_bytes(entry) : 0;
        }
        return sum;
    }
    std::vector<EntryId> slice(uint64_t first, uint64_t last, uint64_t bytes_max) const {
        std::vector<EntryId> ids;
        uint64_t sum = 0;
        for (uint64_t index = first; index <= last; ++index) {
            sum += entry_bytes(entries.at(index));
            if (sum > bytes_max && !ids.empty()) {
                break;
            }
            ids.push_back(entries.at(index).id);
        }
        return ids;
    }

    EntryId start;
    std::map<uint64_t, Entry> entries;
    uint64_t committed = 0;
};

std::vector<EntryId> ids_of(const std::vector<Entry>& entries) {
    std::vector<EntryId> ids;
    for (const Entry& entry : entries) {
        ids.push_back(entry.id);
    }
    return ids;
}

class LogTwins {
  public:
    explicit LogTwins(uint64_t seed)
        : random_(seed), log_(EntryId{2, 10}, {}), naive_(EntryId{2, 10}) {
        naive_.committed = 10;
    }

    void change() {
        switch (below(8)) {
            case 0:
            case 1:
            case 2:
                append();
                return;
            case 3:
                truncate();
                return;
            case 4:
            case 5:
                commit();
                return;
            case 6:
                compact();
                return;
            default:
                if (below(20) == 0) {
                    restart();
                }
        }
    }

    void compare() {
        log_.check_invariants();
        ASSERT_EQ(naive_.last_index(), log_.last_index());
        ASSERT_EQ(naive_.last(), log_.last());
        ASSERT_EQ(naive_.start, log_.start());
        ASSERT_EQ(naive_.committed, log_.committed());
        const uint64_t index = naive_.start.index + below(30) - std::min<uint64_t>(5, below(10));
        ASSERT_EQ(naive_.term_at(index), log_.term_at(index));
        const EntryId id{1 + below(12), index};
        ASSERT_EQ(naive_.matches(id), log_.matches(id));
        ASSERT_EQ(naive_.last_index_within(id), log_.last_index_within(id));
        const EntryId last = naive_.last();
        ASSERT_EQ(id.term > last.term || (id.term == last.term && id.index >= last.index),
                  log_.is_not_newer_than(id));
        const uint64_t count = naive_.last_index() - naive_.start.index;
        const uint64_t after = naive_.start.index + below(count + 1);
        const uint64_t through = after + below(naive_.last_index() - after + 1);
        ASSERT_EQ(naive_.bytes(after, through), log_.bytes({after, through}));
        const uint64_t bytes_max = below(400);
        ASSERT_EQ(naive_.slice(after + 1, through, bytes_max),
                  ids_of(log_.slice({after + 1, through, bytes_max})));
    }

    void compare_difference() {
        // What a leader would send: a stretch of our entries, perhaps with other terms at the end.
        std::vector<Entry> entries;
        size_t expected = 0;
        bool same = true;
        for (uint64_t index = naive_.committed + 1; index <= naive_.last_index() + below(3);
             ++index) {
            const bool here = naive_.entries.contains(index);
            same = same && here && below(6) != 0;
            entries.push_back(
                {{same ? naive_.term_at(index) : 99, index}, EntryType::kNormal, nullptr});
            expected += same ? 1u : 0u;
        }
        ASSERT_EQ(expected, log_.first_difference(entries));
    }

  private:
    uint64_t below(uint64_t bound) { return random_() % bound; }

    void append() {
        term_ += below(4) == 0 ? 1u : 0u;
        const Entry entry{{std::max(term_, naive_.last().term), naive_.last_index() + 1},
                          EntryType::kNormal,
                          below(3) == 0 ? nullptr : payload(std::string(below(100), 'x'))};
        naive_.entries[entry.id.index] = entry;
        log_.append(entry);
    }
    void truncate() {
        const uint64_t index = naive_.committed + below(naive_.last_index() - naive_.committed + 1);
        naive_.entries.erase(naive_.entries.upper_bound(index), naive_.entries.end());
        log_.truncate_after(index);
    }
    void commit() {
        naive_.committed += below(naive_.last_index() - naive_.committed + 1);
        log_.commit_to(naive_.committed);
        log_.commit_to(10);  // never goes back
    }
    void compact() {
        log_.apply_to(naive_.committed);
        log_.applied_to(naive_.committed);
        const uint64_t index =
            naive_.start.index + below(naive_.committed - naive_.start.index + 1);
        naive_.start = {naive_.term_at(index), index};
        naive_.entries.erase(naive_.entries.begin(), naive_.entries.upper_bound(index));
        log_.compact_to(index);
    }
    void restart() {
        ++term_;
        naive_.start = {term_, naive_.committed + 1 + below(50)};
        naive_.entries.clear();
        naive_.committed = naive_.start.index;
        log_.restart_after(naive_.start);
    }

    std::mt19937_64 random_;
    Log log_;
    NaiveLog naive_;
    uint64_t term_ = 2;
};

TEST(LogTest, AnswersAsTheNaiveOneDoes) {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        LogTwins twins(seed);
        for (int i = 0; i < 400; ++i) {
            twins.change();
            ASSERT_NO_FATAL_FAILURE(twins.compare()) << "seed " << seed << " step " << i;
            ASSERT_NO_FATAL_FAILURE(twins.compare_difference()) << "seed " << seed << " step " << i;
        }
    }
}

}  // namespace
}  // namespace quorate::raft
