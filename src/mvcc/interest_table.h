// SPDX-License-Identifier: Apache-2.0
//
// InterestTable: the interests in single keys, by key. One allocation holds an interest with its
// key's bytes behind it, and the chains of the hash table go through them, so a key that somebody
// watches costs some 80 bytes beyond itself. Watch loop only.
#pragma once

#include "base/bytes.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace quorate::mvcc {

class InterestTable {
  public:
    // Without the seed nobody can make keys collide.
    explicit InterestTable(uint64_t hash_seed) : seed_(hash_seed) {}

    size_t size() const { return size_; }
    // Null when nobody has it.
    WatchInterest* find(ByteView key) const;
    // Made when there is none; it stays where it is until it is erased.
    WatchInterest& find_or_insert(ByteView key);
    // It must be one of these.
    void erase(const WatchInterest& interest);

    void check_invariants() const;

  private:
    struct Node;
    struct Deleter {
        void operator()(Node* node) const;
    };
    using Chain = std::unique_ptr<Node, Deleter>;
    // Followed by the key's bytes.
    struct Node {
        WatchInterest interest;
        Chain next;
    };

    static Chain make_node(ByteView key);
    size_t bucket_of(ByteView key) const;
    void grow();

    const uint64_t seed_;
    std::vector<Chain> buckets_;  // a power of two, or none
    size_t size_ = 0;
};

}  // namespace quorate::mvcc
