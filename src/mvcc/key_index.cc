// SPDX-License-Identifier: Apache-2.0
#include "mvcc/key_index.h"

#include "base/assert.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace quorate::mvcc {

namespace {

// Two neighbours that fit into this many slots together become one. Far enough below kNodeSlots
// that a merged node does not split again at once.
constexpr size_t kMergeSlots = 48;

LeafNode& as_leaf(IndexNode& node) {
    return static_cast<LeafNode&>(node);
}
InnerNode& as_inner(IndexNode& node) {
    return static_cast<InnerNode&>(node);
}

uint64_t live_count(const IndexNode& node) {
    return node.is_leaf ? static_cast<const LeafNode&>(node).live_count()
                        : static_cast<const InnerNode&>(node).live_count();
}

}  // namespace

void KeyIndex::Iterator::settle_forward() {
    while (leaf_ != nullptr && slot_ >= leaf_->size) {
        leaf_ = leaf_->next;
        slot_ = 0;
    }
}

void KeyIndex::Iterator::next() {
    ++slot_;
    settle_forward();
}

void KeyIndex::Iterator::previous() {
    while (slot_ == 0) {
        leaf_ = leaf_->previous;
        if (leaf_ == nullptr) {
            return;
        }
        slot_ = leaf_->size;
    }
    --slot_;
}

void KeyIndex::Iterator::skip_to_live() {
    while (leaf_ != nullptr) {
        const uint64_t ahead = slot_ < kNodeSlots ? leaf_->live >> slot_ : 0;
        if (ahead != 0) {
            slot_ += static_cast<size_t>(std::countr_zero(ahead));
            return;
        }
        leaf_ = leaf_->next;
        slot_ = 0;
    }
}

KeyIndex::KeyIndex() : root_(make_leaf(memory_)) {}

const LeafNode* KeyIndex::leaf_for(ByteView key) const {
    const IndexNode* node = root_.get();
    while (!node->is_leaf) {
        const auto* inner = static_cast<const InnerNode*>(node);
        node = inner->children[inner->child_for(key)].get();
        prefetch_heads(node);
    }
    return static_cast<const LeafNode*>(node);
}

const KeyEntry* KeyIndex::find(ByteView key) const {
    const LeafNode* leaf = leaf_for(key);
    const size_t slot = leaf->find(key);
    return slot == kNodeSlots ? nullptr : leaf->entries[slot];
}

KeyIndex::Iterator KeyIndex::seek(ByteView key) const {
    // Iterators are handed out as constant views; only compaction writes through its own.
    auto* leaf = const_cast<LeafNode*>(leaf_for(key));
    Iterator at(leaf, leaf->lower_bound(key));
    at.settle_forward();
    return at;
}

KeyIndex::Iterator KeyIndex::seek_before(std::optional<ByteView> key) const {
    LeafNode* leaf = nullptr;
    if (key.has_value()) {
        leaf = const_cast<LeafNode*>(leaf_for(*key));
    } else {
        IndexNode* node = root_.get();
        while (!node->is_leaf) {
            node = as_inner(*node).children[node->size - 1U].get();
        }
        leaf = &as_leaf(*node);
    }
    Iterator at(leaf, key.has_value() ? leaf->lower_bound(*key) : leaf->size);
    at.previous();
    return at;
}

uint64_t KeyIndex::live_below(ByteView key) const {
    uint64_t count = 0;
    const IndexNode* node = root_.get();
    while (!node->is_leaf) {
        const auto* inner = static_cast<const InnerNode*>(node);
        const size_t slot = inner->child_for(key);
        count += inner->live_count_before(slot);
        node = inner->children[slot].get();
    }
    const auto* leaf = static_cast<const LeafNode*>(node);
    return count + leaf->live_count_before(leaf->lower_bound(key));
}

uint64_t KeyIndex::count_live(const KeyRange& range) const {
    if (range.is_empty()) {
        return 0;
    }
    if (range.is_single()) {
        const KeyEntry* entry = find(range.key);
        return entry != nullptr && entry->is_live() ? 1 : 0;
    }
    const uint64_t behind =
        range.is_open_ended() ? static_cast<uint64_t>(stats_.keys) : live_below(range.end);
    return behind - live_below(range.key);
}

KeyIndex::Place KeyIndex::locate(ByteView key) {
    Place place;
    IndexNode* node = root_.get();
    while (!node->is_leaf) {
        InnerNode& inner = as_inner(*node);
        const size_t slot = inner.child_for(key);
        place.path_[place.height_++] = {&inner, slot};
        node = inner.children[slot].get();
        prefetch_heads(node);
    }
    place.leaf_ = &as_leaf(*node);
    place.slot_ = place.leaf_->find(key);
    place.exact_ = place.slot_ != kNodeSlots;
    if (!place.exact_) {
        place.slot_ = place.leaf_->lower_bound(key);
    }
    return place;
}

void KeyIndex::put(const Place& place, ByteView key, const NewPair& pair) {
    KeyEntry* entry = place.exact_ ? place.leaf_->entries[place.slot_] : nullptr;
    if (entry == nullptr && place.leaf_->size == kNodeSlots) {
        split_leaf(place, key);
        const Place after = locate(key);
        put(after, key, pair);
        return;
    }
    if (entry == nullptr) {
        place.leaf_->insert(place.slot_, KeyEntry::create(key, memory_));
        entry = place.leaf_->entries[place.slot_];
    }
    const bool was_live = entry->is_live();
    if (was_live) {
        stats_.live_bytes -= entry->record_bytes();
    } else {
        ++stats_.keys;
        add_live(place, 1);
    }
    if (entry->has_state()) {
        ++stats_.old_revisions;
        stats_.tombstones -= was_live ? 0 : 1;
    }
    stats_.live_bytes += pair.record_bytes;
    stats_.stored_bytes += pair.record_bytes;
    entry->put(pair, memory_);
    place.leaf_->set_bits(place.slot_);
}

void KeyIndex::erase(const Place& place, const KeyChange& deletion) {
    QUORATE_ASSERT(place.exact_);
    KeyEntry& entry = *place.leaf_->entries[place.slot_];
    if (entry.is_live()) {
        stats_.live_bytes -= entry.record_bytes();
        --stats_.keys;
        ++stats_.tombstones;
        add_live(place, -1);
    }
    ++stats_.old_revisions;
    stats_.stored_bytes += deletion.record_bytes;
    entry.erase(deletion, memory_);
    place.leaf_->set_bits(place.slot_);
}

void KeyIndex::load_erased(ByteView key, const KeyChange& deletion) {
    const Place place = locate(key);
    if (place.exact_) {
        erase(place, deletion);
        return;
    }
    if (place.leaf_->size == kNodeSlots) {
        split_leaf(place, key);
        load_erased(key, deletion);
        return;
    }
    place.leaf_->insert(place.slot_, KeyEntry::create(key, memory_));
    ++stats_.tombstones;
    stats_.stored_bytes += deletion.record_bytes;
    place.leaf_->entries[place.slot_]->erase(deletion, memory_);
    place.leaf_->set_bits(place.slot_);
}

void KeyIndex::add_live(const Place& place, int64_t delta) {
    for (size_t level = 0; level < place.height_; ++level) {
        const auto& step = place.path_[level];
        step.node->live[step.slot] += static_cast<uint64_t>(delta);
    }
}

void KeyIndex::split_leaf(const Place& place, ByteView key) {
    LeafNode& left = *place.leaf_;
    IndexNodePtr owned = make_leaf(memory_);
    LeafNode& right = as_leaf(*owned);
    // Keys that arrive in ascending order leave full leaves behind.
    const bool ascending = left.next == nullptr && place.slot_ == kNodeSlots;
    left.split_into(right, ascending ? kNodeSlots : kNodeSlots / 2);
    const ByteView high = ascending ? key : right.entries[0]->key();
    Bytes separator = shortest_separator(left.entries[left.size - 1U]->key(), high);
    insert_child(place, place.height_, std::move(separator), std::move(owned));
}

// `right` was split from the node at `level` of the path and goes behind it; level height_ is the
// leaf.
void KeyIndex::insert_child(const Place& place, size_t level, Bytes separator, IndexNodePtr right) {
    const uint64_t right_live = live_count(*right);
    if (level == 0) {
        IndexNodePtr owned = make_inner(memory_);
        InnerNode& root = as_inner(*owned);
        root.live[0] = live_count(*root_);
        root.children[0] = std::move(root_);
        root.size = 1;
        root.insert_behind(0, separator, std::move(right), right_live);
        root_ = std::move(owned);
        return;
    }
    InnerNode* parent = place.path_[level - 1].node;
    size_t slot = place.path_[level - 1].slot;
    parent->live[slot] -= right_live;
    if (parent->size < kNodeSlots) {
        parent->insert_behind(slot, separator, std::move(right), right_live);
        return;
    }
    IndexNodePtr owned = make_inner(memory_);
    InnerNode& sibling = as_inner(*owned);
    Bytes middle = parent->split_into(sibling);
    InnerNode* target = parent;
    if (slot >= parent->size) {
        slot -= parent->size;
        target = &sibling;
    }
    target->insert_behind(slot, separator, std::move(right), right_live);
    insert_child(place, level - 1, std::move(middle), std::move(owned));
}

KeyIndex::CompactedSlice KeyIndex::compact_slice(ByteView from, int64_t floor,
                                                 const SliceLimits& limits) {
    CompactedSlice slice;
    std::vector<const KeyEntry*> gone;
    size_t steps = 0;
    Iterator at = seek(from);
    while (!at.at_end()) {
        LeafNode& leaf = *at.leaf_;
        const uint64_t ahead = leaf.aged >> at.slot_;
        if (steps >= limits.steps_max || slice.removed.size() >= limits.revisions_max) {
            slice.resume = Bytes(at.entry().key());
            break;
        }
        ++steps;
        if (ahead == 0) {
            at.slot_ = leaf.size;
            at.settle_forward();
            continue;
        }
        at.slot_ += static_cast<size_t>(std::countr_zero(ahead));
        if (compact_entry(leaf, at.slot_, floor, limits, slice)) {
            gone.push_back(leaf.entries[at.slot_]);
        }
        // An entry with more to remove than fits stays where the next slice begins.
        if (slice.removed.size() < limits.revisions_max) {
            at.next();
        }
    }
    for (const KeyEntry* entry : gone) {
        remove(Bytes(entry->key()));
    }
    return slice;
}

bool KeyIndex::compact_entry(LeafNode& leaf, size_t slot, int64_t floor, const SliceLimits& limits,
                             CompactedSlice& slice) {
    KeyEntry& entry = *leaf.entries[slot];
    const uint32_t history_count = entry.history_size();
    const uint32_t superseded = entry.superseded(floor);
    const size_t room = limits.revisions_max - slice.removed.size();
    const auto count = static_cast<uint32_t>(std::min<size_t>(superseded, room));
    const uint32_t from_history = std::min(count, history_count);
    for (uint32_t i = 0; i < from_history; ++i) {
        const KeyChange change = entry.history(i);
        slice.removed.push_back(change.revision);
        stats_.stored_bytes -= change.record_bytes;
    }
    stats_.old_revisions -= from_history;
    entry.drop_oldest(from_history, memory_);
    const bool gone = count > history_count;
    if (gone) {
        slice.removed.push_back(entry.mod());
        stats_.stored_bytes -= entry.record_bytes();
        --stats_.tombstones;
    }
    leaf.set_bits(slot);
    return gone;
}

void KeyIndex::remove(ByteView key) {
    const Place place = locate(key);
    QUORATE_ASSERT(place.exact_);
    QUORATE_ASSERT(!place.entry()->is_live());
    place.leaf_->remove(place.slot_).reset();
    for (size_t level = place.height_; level > 0; --level) {
        const Place::Step& step = place.path_[level - 1];
        if (!merge_child(*step.node, step.slot)) {
            break;
        }
    }
    while (!root_->is_leaf && root_->size == 1) {
        // By way of a variable: the assignment frees the old root, and the child's handle lies in
        // it.
        IndexNodePtr child = std::move(as_inner(*root_).children[0]);
        root_ = std::move(child);
    }
}

// Joins the child at `slot` with a neighbour if one is small enough. True when it did.
bool KeyIndex::merge_child(InnerNode& parent, size_t slot) {
    const size_t size = parent.children[slot]->size;
    const auto fits = [&](size_t other) {
        const size_t other_size = parent.children[other]->size;
        return size + other_size <= kMergeSlots || size == 0;
    };
    size_t left = slot;
    if (slot + 1 < parent.size && fits(slot + 1)) {
        left = slot;
    } else if (slot > 0 && fits(slot - 1)) {
        left = slot - 1;
    } else {
        return false;
    }
    IndexNode& into = *parent.children[left];
    IndexNode& from = *parent.children[left + 1];
    if (into.is_leaf) {
        as_leaf(into).append_all(as_leaf(from));
    } else {
        as_inner(into).append_all(std::move(parent.separators[left]), as_inner(from));
    }
    parent.live[left] += parent.live[left + 1];
    parent.remove(left + 1);
    return true;
}

namespace {

struct Bounds {
    std::optional<ByteView> low;   // keys are not below
    std::optional<ByteView> high;  // keys are below
};

class IndexChecker {
  public:
    // Returns the live keys below `node` and checks what must be true of it.
    uint64_t check(const IndexNode& node, const Bounds& bounds) {
        return node.is_leaf ? check_leaf(static_cast<const LeafNode&>(node), bounds)
                            : check_inner(static_cast<const InnerNode&>(node), bounds);
    }

    const LeafNode* last_leaf() const { return last_leaf_; }
    const KeyIndexStats& stats() const { return stats_; }

  private:
    uint64_t check_leaf(const LeafNode& leaf, const Bounds& bounds) {
        QUORATE_ASSERT(leaf.previous == last_leaf_);
        QUORATE_ASSERT(last_leaf_ == nullptr || last_leaf_->next == &leaf);
        last_leaf_ = &leaf;
        for (size_t slot = 0; slot < leaf.size; ++slot) {
            const KeyEntry& entry = *leaf.entries[slot];
            check_entry(entry, bounds);
            QUORATE_ASSERT((leaf.live >> slot & 1) == (entry.is_live() ? 1U : 0U));
            QUORATE_ASSERT((leaf.aged >> slot & 1) == (entry.is_aged() ? 1U : 0U));
            QUORATE_ASSERT(slot == 0 || leaf.entries[slot - 1]->key() < entry.key());
            QUORATE_ASSERT(leaf.find(entry.key()) == slot);
            QUORATE_ASSERT(leaf.lower_bound(entry.key()) == slot);
        }
        QUORATE_ASSERT(leaf.size == kNodeSlots || (leaf.live | leaf.aged) >> leaf.size == 0);
        return leaf.live_count();
    }

    uint64_t check_inner(const InnerNode& inner, const Bounds& bounds) {
        QUORATE_ASSERT(inner.size >= 1);
        uint64_t live = 0;
        for (size_t i = 0; i < inner.size; ++i) {
            Bounds child = bounds;
            if (i > 0) {
                child.low = inner.separators[i - 1];
                QUORATE_ASSERT(inner.child_for(*child.low) == i);
            }
            if (i + 1U < inner.size) {
                child.high = inner.separators[i];
                QUORATE_ASSERT(!child.low.has_value() || *child.low < *child.high);
            }
            QUORATE_ASSERT(inner.children[i]->is_leaf == inner.children[0]->is_leaf);
            const uint64_t below = check(*inner.children[i], child);
            QUORATE_ASSERT(below == inner.live[i]);
            live += below;
        }
        return live;
    }

    void check_entry(const KeyEntry& entry, const Bounds& bounds) {
        QUORATE_ASSERT(entry.has_state());
        QUORATE_ASSERT(!bounds.low.has_value() || entry.key() >= *bounds.low);
        QUORATE_ASSERT(!bounds.high.has_value() || entry.key() < *bounds.high);
        Revision before;
        for (uint32_t i = 0; i < entry.history_size(); ++i) {
            const KeyChange change = entry.history(i);
            QUORATE_ASSERT(before < change.revision);
            before = change.revision;
            stats_.stored_bytes += change.record_bytes;
            ++stats_.old_revisions;
        }
        QUORATE_ASSERT(before < entry.mod());
        stats_.stored_bytes += entry.record_bytes();
        if (entry.is_live()) {
            ++stats_.keys;
            stats_.live_bytes += entry.record_bytes();
        } else {
            QUORATE_ASSERT(entry.lease() == 0);
            ++stats_.tombstones;
        }
    }

    const LeafNode* last_leaf_ = nullptr;
    KeyIndexStats stats_;
};

}  // namespace

void KeyIndex::check_invariants() const {
    IndexChecker checker;
    const uint64_t live = checker.check(*root_, {});
    QUORATE_ASSERT(live == static_cast<uint64_t>(stats_.keys));
    QUORATE_ASSERT(checker.last_leaf()->next == nullptr);
    QUORATE_ASSERT(checker.stats() == stats_);
}

}  // namespace quorate::mvcc
