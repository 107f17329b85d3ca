// SPDX-License-Identifier: Apache-2.0
#include "mvcc/interest_table.h"

#include "base/assert.h"
#include "base/hash.h"

#include <algorithm>
#include <new>
#include <utility>

namespace quorate::mvcc {

namespace {

constexpr size_t kBucketsMin = 16;

}  // namespace

void InterestTable::Deleter::operator()(Node* node) const {
    node->~Node();
    ::operator delete(node);
}

InterestTable::Chain InterestTable::make_node(ByteView key) {
    void* place = ::operator new(sizeof(Node) + key.size());
    Chain node(new (place) Node);
    char* bytes = static_cast<char*>(place) + sizeof(Node);
    key.copy(bytes, key.size());
    node->interest.key = {bytes, key.size()};
    return node;
}

size_t InterestTable::bucket_of(ByteView key) const {
    return hash_bytes(key, seed_) & (buckets_.size() - 1);
}

WatchInterest* InterestTable::find(ByteView key) const {
    if (size_ == 0) {
        return nullptr;
    }
    Node* node = buckets_[bucket_of(key)].get();
    while (node != nullptr && node->interest.key != key) {
        node = node->next.get();
    }
    return node == nullptr ? nullptr : &node->interest;
}

WatchInterest& InterestTable::find_or_insert(ByteView key) {
    if (WatchInterest* const found = find(key)) {
        return *found;
    }
    if (size_ == buckets_.size()) {
        grow();
    }
    Chain& bucket = buckets_[bucket_of(key)];
    Chain node = make_node(key);
    node->next = std::move(bucket);
    bucket = std::move(node);
    ++size_;
    return bucket->interest;
}

void InterestTable::erase(const WatchInterest& interest) {
    QUORATE_ASSERT(size_ > 0);
    Chain* link = &buckets_[bucket_of(interest.key)];
    while (*link != nullptr && &(*link)->interest != &interest) {
        link = &(*link)->next;
    }
    QUORATE_ASSERT(*link != nullptr);
    *link = std::move((*link)->next);
    --size_;
    if (size_ == 0) {
        buckets_ = std::vector<Chain>();
    }
}

void InterestTable::grow() {
    std::vector<Chain> before =
        std::exchange(buckets_, std::vector<Chain>(std::max(kBucketsMin, 2 * buckets_.size())));
    for (Chain& chain : before) {
        while (chain != nullptr) {
            Chain node = std::move(chain);
            chain = std::move(node->next);
            Chain& bucket = buckets_[bucket_of(node->interest.key)];
            node->next = std::move(bucket);
            bucket = std::move(node);
        }
    }
}

void InterestTable::check_invariants() const {
    size_t count = 0;
    for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        for (const Node* node = buckets_[bucket].get(); node != nullptr; node = node->next.get()) {
            QUORATE_ASSERT(bucket_of(node->interest.key) == bucket);
            QUORATE_ASSERT(node->interest.single());
            QUORATE_ASSERT(node->interest.watchers > 0);
            ++count;
        }
    }
    QUORATE_ASSERT(count == size_);
    QUORATE_ASSERT(size_ <= buckets_.size());
}

}  // namespace quorate::mvcc
