// SPDX-License-Identifier: Apache-2.0
//
// TokenTable: which token is whose. A token lives for the TTL and begins anew at every use. Any
// thread; one that looks a token up shares the lock with others, one that changes the table has it
// alone.
//
// The list holds the tokens in the order of their next examination, one TTL after they came or were
// examined last. Each insertion examines a few that are due: a token that was not used goes,
// another moves to the back. So nothing walks the table, and a dead token stays for a TTL at most
// while others come.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace quorate::auth_simple {

class TokenTable {
  public:
    struct Bounds {
        int64_t ttl_ms;
        size_t tokens_max;  // at least 1; one more drops the one that is examined next
    };

    explicit TokenTable(Bounds bounds) : bounds_(bounds) {}

    // False when another token had to go for it. A token that is there already becomes this user's.
    bool insert(std::string_view token, std::string_view user, int64_t now_ms);
    // The user, and a new life for the token; nothing when it is unknown or its time is over.
    std::optional<std::string> use(std::string_view token, int64_t now_ms) const;
    void erase_user(std::string_view user);
    void clear();

    size_t size() const;
    // Ends the process when the list and the index disagree. For tests.
    void check_invariants() const;

  private:
    struct Entry {
        Entry(std::string_view its_token, std::string_view its_user, int64_t ends_ms)
            : token(its_token), user(its_user), expires_ms(ends_ms), examine_ms(ends_ms) {}

        std::string token;
        std::string user;
        mutable std::atomic<int64_t> expires_ms;
        int64_t examine_ms;
    };
    using Entries = std::list<Entry>;

    void erase(Entries::iterator entry);
    void examine_some(int64_t now_ms);

    const Bounds bounds_;
    mutable std::shared_mutex mutex_;
    Entries entries_;
    std::unordered_map<std::string_view, Entries::iterator> index_;  // keyed by the entry's token
};

}  // namespace quorate::auth_simple
