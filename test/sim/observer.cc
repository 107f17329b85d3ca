// SPDX-License-Identifier: Apache-2.0
#include "sim/observer.h"

#include "base/errors.h"
#include "kv.pb.h"
#include "sim/model.h"
#include "sim/protocol.h"

namespace quorate::sim {
namespace {

Change to_change(const mvcc::Change& change) {
    mvccpb::KeyValue kv;
    if (!kv.ParseFromString(std::string(change.record.bytes))) {
        throw Violation("a record that is no KeyValue");
    }
    Change out{from_proto(kv), change.deletion};
    if (change.deletion) {
        out.kv = {.key = kv.key(), .mod_revision = change.revision.main};
    }
    return out;
}

}  // namespace

void Observer::look(Member& member) {
    if (!member.is_up()) {
        return;
    }
    mvcc::Store& store = member.node().store();
    Position& position = positions_[&member];
    if (position.run != member.runs()) {
        position = {member.runs(), std::max<int64_t>(2, store.compact_revision() + 1)};
    }
    while (position.next <= store.current_revision()) {
        const auto changes = store.changes({position.next, 1000, 1 << 20});
        if (!changes) {
            if (changes.error().is(errors::kCompacted)) {
                position.next = store.compact_revision() + 1;
                continue;
            }
            throw Violation(member.name() +
                            " can't read its changes: " + changes.error().message());
        }
        if (changes->empty()) {
            throw Violation(member.name() + " shows revision " +
                            std::to_string(store.current_revision()) + " but no change at " +
                            std::to_string(position.next));
        }
        for (size_t i = 0; i < changes->size();) {
            const int64_t revision = (*changes)[i].revision.main;
            std::vector<Change> of_revision;
            for (; i < changes->size() && (*changes)[i].revision.main == revision; ++i) {
                of_revision.push_back(to_change((*changes)[i]));
            }
            if (revision != position.next) {
                throw Violation(member.name() + " has no change at " +
                                std::to_string(position.next));
            }
            take(member.name(), revision, std::move(of_revision));
            ++position.next;
        }
    }
}

std::vector<Change> Observer::at(int64_t revision) const {
    const auto index = static_cast<size_t>(revision - 2);
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return {changes_.begin() + static_cast<ptrdiff_t>(begin),
            changes_.begin() + static_cast<ptrdiff_t>(ends_[index])};
}

void Observer::take(const std::string& name, int64_t revision, std::vector<Change>&& changes) {
    if (revision > this->revision() + 1) {
        throw Violation(name + " shows revision " + std::to_string(revision) +
                        ", but nobody has shown " + std::to_string(this->revision() + 1));
    }
    if (revision == this->revision() + 1) {
        changes_.insert(changes_.end(), changes.begin(), changes.end());
        ends_.push_back(changes_.size());
        seen_ns_.push_back(scheduler_.now_ns());
        return;
    }
    const std::vector<Change> known = at(revision);
    if (changes != known) {
        throw Violation(name + " shows " + describe(changes.front()) + ", but what happened is " +
                        describe(known.front()));
    }
}

int64_t Observer::seen_ns(int64_t revision) const {
    const auto index = static_cast<size_t>(revision - 2);
    return revision < 2 || index >= seen_ns_.size() ? INT64_MAX : seen_ns_[index];
}

void Observer::compare_state(Member& member) const {
    Model model;
    for (const Change& change : changes_) {
        model.apply(change);
    }
    mvcc::RangeQuery everything;
    const ByteView from_zero("\0", 1);
    everything.range = {from_zero, from_zero};
    const auto result = member.node().store().range(everything);
    if (!result) {
        throw Violation(member.name() + " can't read its state: " + result.error().message());
    }
    if (result->revision != revision()) {
        throw Violation(member.name() + " is at revision " + std::to_string(result->revision) +
                        " at the end, others at " + std::to_string(revision()));
    }
    auto expected = model.keys().begin();
    for (const mvcc::RecordRef& record : result->kvs) {
        mvccpb::KeyValue kv;
        const bool parsed = kv.ParseFromString(std::string(record.bytes));
        if (!parsed || expected == model.keys().end() || from_proto(kv) != expected->second) {
            throw Violation(member.name() + " holds " + kv.key() + " at " +
                            std::to_string(kv.mod_revision()) + ", which is not what happened");
        }
        ++expected;
    }
    if (expected != model.keys().end()) {
        throw Violation(member.name() + " has lost " + expected->first);
    }
}

}  // namespace quorate::sim
