// SPDX-License-Identifier: Apache-2.0
//
// The naive twin of the store: the full history of every key in a map, everything answered by
// looking at all of it. Slow on purpose and written from the interface's description, not from the
// store.
#pragma once

#include "mvcc/range.h"
#include "mvcc/record.h"
#include "mvcc/revision.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quorate::mvcc {

struct ModelChange {
    Revision revision;
    bool deletion = false;
    int64_t create_revision = 0;
    int64_t version = 0;
    std::string value;
    int64_t lease = 0;
};

struct ModelPair {
    std::string key;
    ModelChange change;

    Bytes encoded(bool with_value = true, bool with_lease = true) const {
        if (change.deletion) {
            return encode_record({.key = key, .mod_revision = change.revision.main});
        }
        return encode_record({.key = key,
                              .create_revision = change.create_revision,
                              .mod_revision = change.revision.main,
                              .version = change.version,
                              .value = with_value ? ByteView(change.value) : ByteView(),
                              .lease = with_lease ? change.lease : 0});
    }
};

struct ModelAnswer {
    enum class Kind { kFine, kCompacted, kFuture };
    Kind kind = Kind::kFine;
    int64_t revision = 0;
    int64_t count = 0;
    bool more = false;
    std::vector<Bytes> kvs;
};

class Model {
  public:
    int64_t current = kFirstRevision;
    int64_t compacted = kNeverCompacted;

    // The newest change of `key` at `main`.
    const ModelChange* at(const std::string& key, int64_t main) const {
        const auto found = history_.find(key);
        const ModelChange* newest = nullptr;
        if (found != history_.end()) {
            for (const ModelChange& change : found->second) {
                newest = change.revision.main <= main ? &change : newest;
            }
        }
        return newest;
    }

    void put(const std::string& key, const std::string& value, int64_t lease, Revision revision) {
        const ModelChange* before = at(key, revision.main);
        const bool creates = before == nullptr || before->deletion;
        history_[key].push_back({revision, false, creates ? revision.main : before->create_revision,
                                 creates ? 1 : before->version + 1, value, lease});
    }

    void erase(const std::string& key, Revision revision) {
        history_[key].push_back({revision, true, 0, 0, "", 0});
    }

    std::vector<ModelPair> live(const KeyRange& range, int64_t main) const {
        std::vector<ModelPair> pairs;
        for (const auto& [key, changes] : history_) {
            if (range.is_empty() || !range.contains(key)) {
                continue;
            }
            const ModelChange* change = at(key, main);
            if (change != nullptr && !change->deletion) {
                pairs.push_back({key, *change});
            }
        }
        return pairs;
    }

    // Every change with from <= main <= to, in revision order.
    std::vector<ModelPair> changes(int64_t from, int64_t to) const {
        std::vector<ModelPair> all;
        for (const auto& [key, changes] : history_) {
            for (const ModelChange& change : changes) {
                if (change.revision.main >= from && change.revision.main <= to) {
                    all.push_back({key, change});
                }
            }
        }
        std::sort(all.begin(), all.end(), [](const ModelPair& a, const ModelPair& b) {
            return a.change.revision < b.change.revision;
        });
        return all;
    }

    ModelAnswer range(const RangeQuery& query) const {
        ModelAnswer answer;
        answer.revision = current;
        if (query.revision > current) {
            answer.kind = ModelAnswer::Kind::kFuture;
            return answer;
        }
        if (query.revision > 0 && query.revision < compacted) {
            answer.kind = ModelAnswer::Kind::kCompacted;
            return answer;
        }
        std::vector<ModelPair> pairs =
            live(query.range, query.revision > 0 ? query.revision : current);
        answer.count = static_cast<int64_t>(pairs.size());
        if (query.count_only) {
            return answer;
        }
        const bool none = query.sort_order == SortOrder::kNone;
        const bool default_order = none || (query.sort_order == SortOrder::kAscend &&
                                            query.sort_target == SortTarget::kKey);
        const auto limit = static_cast<size_t>(std::max<int64_t>(query.limit, 0));
        if (default_order && !query.has_filter() && limit > 0 && pairs.size() > limit + 1) {
            pairs.resize(limit + 1);
        }
        std::erase_if(pairs, [&](const ModelPair& pair) { return !passes(query, pair.change); });
        std::stable_sort(pairs.begin(), pairs.end(), [&](const ModelPair& a, const ModelPair& b) {
            return query.sort_order == SortOrder::kDescend ? less(query.sort_target, b, a)
                                                           : less(query.sort_target, a, b);
        });
        if (limit > 0 && pairs.size() > limit) {
            pairs.resize(limit);
            answer.more = true;
        }
        const bool with_lease = !query.keys_only || query.sort_target == SortTarget::kValue;
        for (const ModelPair& pair : pairs) {
            answer.kvs.push_back(pair.encoded(!query.keys_only, with_lease));
        }
        return answer;
    }

    // Whether compaction at `floor` keeps this change of `key`.
    bool kept(const std::string& key, const ModelChange& change, int64_t floor) const {
        if (change.revision.main > floor) {
            return true;
        }
        return at(key, floor) == find(key, change.revision) &&
               (!change.deletion || change.revision.main == floor);
    }

    bool kept(const std::string& key, Revision revision, int64_t floor) const {
        const ModelChange* change = find(key, revision);
        return change != nullptr && kept(key, *change, floor);
    }

    const std::map<std::string, std::vector<ModelChange>>& history() const { return history_; }

  private:
    const ModelChange* find(const std::string& key, Revision revision) const {
        for (const ModelChange& change : history_.at(key)) {
            if (change.revision == revision) {
                return &change;
            }
        }
        return nullptr;
    }

    static bool within(int64_t value, int64_t low, int64_t high) {
        return (low == 0 || value >= low) && (high == 0 || value <= high);
    }

    static bool passes(const RangeQuery& query, const ModelChange& change) {
        return within(change.revision.main, query.min_mod_revision, query.max_mod_revision) &&
               within(change.create_revision, query.min_create_revision, query.max_create_revision);
    }

    static bool less(SortTarget target, const ModelPair& a, const ModelPair& b) {
        switch (target) {
            case SortTarget::kKey:
                return a.key < b.key;
            case SortTarget::kVersion:
                return a.change.version < b.change.version;
            case SortTarget::kCreate:
                return a.change.create_revision < b.change.create_revision;
            case SortTarget::kMod:
                return a.change.revision.main < b.change.revision.main;
            case SortTarget::kValue:
                return a.change.value < b.change.value;
        }
        return false;
    }

    std::map<std::string, std::vector<ModelChange>> history_;
};

}  // namespace quorate::mvcc
