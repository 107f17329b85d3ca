// SPDX-License-Identifier: Apache-2.0
//
// RangeWalk: how a range is answered. What RangeCursor hands out and Store::range is made of.
//
//   begin:   one look under the lock fixes the revision, counts, and gathers the first candidates
//   gather:  under the lock, a bounded number of index entries -> candidates (revision, state)
//   resolve: candidates -> records, from the recent changes under the lock, then from the engine
//
// Answers in key order stream: gather and resolve alternate and memory is bounded by the slice.
// Answers that are sorted or filtered gather everything first, as candidates without records where
// the sort does not look at values.
// One thread at a time.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/pins.h"
#include "mvcc/range.h"
#include "mvcc/read_view.h"
#include "mvcc/store_state.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace quorate::mvcc {

class RangeWalk {
  public:
    // Copies the query's bytes. `scope.state` outlives the walk.
    RangeWalk(const ReadScope& scope, const RangeQuery& query);
    RangeWalk(const RangeWalk&) = delete;
    RangeWalk& operator=(const RangeWalk&) = delete;

    Status begin();
    Result<std::vector<RecordRef>> next_slice(const SliceBounds& bounds);
    Result<int64_t> count();
    bool more() const { return more_; }
    int64_t newest() const { return newest_; }

  private:
    struct Candidate {
        Revision mod;
        // 0 when only the record knows: the index keeps these of a key's newest state alone.
        int64_t create_revision = 0;
        int64_t version = 0;
        RecordRef record;        // no owner: not resolved yet
        bool is_answer = false;  // `record` is what goes out, not what is stored
    };

    KeyRange range() const { return {key_, end_}; }
    bool wants_index_records() const;
    bool sorts() const;
    bool streams() const { return !sorts() && !query_.has_filter(); }

    Status gather();
    void add_candidate(const KeyEntry& entry, const KeyChange& change);
    RecordRef index_record(const KeyEntry& entry);
    Status gather_more();
    Status gather_everything();
    Status filter(size_t from);
    Status sort_candidates();
    Status resolve(size_t index);
    Status learn_state(size_t index);
    Result<RecordRef> answer_of(size_t index) const;

    const ReadScope scope_;
    const Bytes key_;
    const Bytes end_;
    const RangeQuery query_;  // its range is not used: it borrows
    int64_t revision_ = 0;
    int64_t newest_ = 0;
    std::optional<int64_t> count_;
    Pin pin_;
    EngineReader engine_;

    std::vector<Candidate> pending_;
    size_t next_pending_ = 0;
    size_t looked_up_ = 0;  // pending_ before this was looked for in the recent changes
    Bytes resume_;          // the key gather goes on from
    bool gathered_all_ = false;
    int64_t room_;  // candidates that gather may still add; one above the limit, which shows `more`
    bool more_ = false;
    std::shared_ptr<Bytes>
        arena_;  // of records made from the index; never grows beyond its capacity
};

Result<RangeCursor> open_cursor(const ReadScope& scope, const RangeQuery& query);
// The whole answer at once.
Result<RangeResult> answer_range(const ReadScope& scope, const RangeQuery& query);

}  // namespace quorate::mvcc
