// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/simple/token_table.h"

#include <cstdlib>

namespace quorate::auth_simple {

namespace {

constexpr int kExaminedPerInsertion = 4;  // more than one, so that the table can shrink

}  // namespace

bool TokenTable::insert(std::string_view token, std::string_view user, int64_t now_ms) {
    const std::unique_lock lock(mutex_);
    examine_some(now_ms);
    if (const auto known = index_.find(token); known != index_.end()) {
        erase(known->second);
    }
    const bool full = entries_.size() >= bounds_.tokens_max;
    if (full) {
        erase(entries_.begin());
    }
    const int64_t expires_ms = now_ms + bounds_.ttl_ms;
    entries_.emplace_back(token, user, expires_ms);
    index_.emplace(entries_.back().token, std::prev(entries_.end()));
    return !full;
}

std::optional<std::string> TokenTable::use(std::string_view token, int64_t now_ms) const {
    const std::shared_lock lock(mutex_);
    const auto known = index_.find(token);
    if (known == index_.end()) {
        return std::nullopt;
    }
    const Entry& entry = *known->second;
    const int64_t expires_ms = entry.expires_ms.load(std::memory_order_relaxed);
    if (expires_ms <= now_ms) {
        return std::nullopt;
    }
    // Only what changes is written, so that many uses in a millisecond share the line of memory. Of
    // several writers any may win: they differ by a tick of the clock.
    if (expires_ms != now_ms + bounds_.ttl_ms) {
        entry.expires_ms.store(now_ms + bounds_.ttl_ms, std::memory_order_relaxed);
    }
    return entry.user;
}

void TokenTable::erase_user(std::string_view user) {
    const std::unique_lock lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->user == user) {
            erase(entry);
        }
        entry = next;
    }
}

void TokenTable::clear() {
    const std::unique_lock lock(mutex_);
    index_.clear();
    entries_.clear();
}

size_t TokenTable::size() const {
    const std::shared_lock lock(mutex_);
    return entries_.size();
}

void TokenTable::check_invariants() const {
    const std::shared_lock lock(mutex_);
    bool right = entries_.size() == index_.size() && entries_.size() <= bounds_.tokens_max;
    int64_t before_ms = INT64_MIN;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        const auto found = index_.find(entry->token);
        right = right && found != index_.end() && &*found->second == &*entry &&
                entry->examine_ms >= before_ms;
        before_ms = entry->examine_ms;
    }
    if (!right) {
        std::abort();
    }
}

void TokenTable::erase(Entries::iterator entry) {
    index_.erase(entry->token);
    entries_.erase(entry);
}

void TokenTable::examine_some(int64_t now_ms) {
    for (int i = 0; i < kExaminedPerInsertion && !entries_.empty(); ++i) {
        const auto first = entries_.begin();
        if (first->examine_ms > now_ms) {
            return;
        }
        if (first->expires_ms.load(std::memory_order_relaxed) <= now_ms) {
            erase(first);
        } else {
            first->examine_ms = now_ms + bounds_.ttl_ms;
            entries_.splice(entries_.end(), entries_, first);
        }
    }
}

}  // namespace quorate::auth_simple
