// SPDX-License-Identifier: Apache-2.0
#include "state_rows.h"

#include <algorithm>
#include <utility>

namespace quorate::leveldb_engine {

bool StateRows::may_have(std::string_view key) const {
    return !key.empty() &&
           first_bytes_.at(static_cast<unsigned char>(key[0])).load(std::memory_order_acquire);
}

bool StateRows::has(std::string_view key) const {
    if (!may_have(key)) {
        return false;
    }
    const auto row = rows_.find(key);
    return row != rows_.end() && newest(row->second)->there;
}

bool StateRows::has_room(std::string_view key, std::string_view value) const {
    return bytes_ + key.size() + value.size() <= kBytesMax;
}

void StateRows::put(std::string_view key, std::string_view value) {
    const std::lock_guard lock(mutex_);
    const auto row = rows_.try_emplace(std::string(key)).first;
    change(row, {next_write(), true, std::string(value)});
    if (!key.empty()) {
        first_bytes_.at(static_cast<unsigned char>(key[0])).store(true, std::memory_order_release);
    }
}

void StateRows::erase(std::string_view key) {
    const std::lock_guard lock(mutex_);
    if (const auto row = rows_.find(key); row != rows_.end() && newest(row->second)->there) {
        change(row, {next_write(), false, {}});
    }
}

void StateRows::erase_range(const StateRange& range) {
    const std::lock_guard lock(mutex_);
    for (auto row = rows_.lower_bound(range.lo);
         row != rows_.end() && (range.hi.empty() || row->first < range.hi); ++row) {
        if (newest(row->second)->there) {
            change(row, {next_write(), false, {}});
        }
    }
}

void StateRows::change(Rows::iterator row, Version version) {
    auto& [key, versions] = *row;
    bytes_ += key.size() + version.value.size();
    if (!versions.empty() && newest(versions)->write == version.write) {
        bytes_ -= key.size() + newest(versions)->value.size();
        versions.back() = std::move(version);
        return;
    }
    versions.push_back(std::move(version));
    changed_.push_back(key);
    prune(key, versions);
}

// A version is read by those that hold its write or one up to the next version's.
void StateRows::prune(const std::string& key, std::vector<Version>& versions) {
    size_t kept = 0;
    for (size_t i = 0; i < versions.size(); ++i) {
        if (i + 1 < versions.size() && !is_read(versions[i].write, versions[i + 1].write)) {
            bytes_ -= key.size() + versions[i].value.size();
        } else if (kept++ != i) {
            versions[kept - 1] = std::move(versions[i]);
        }
    }
    versions.resize(kept);
}

// Whether any write from <= write < to is held, or is the newest.
bool StateRows::is_read(uint64_t from, uint64_t to) const {
    const auto holder = held_.lower_bound(from);
    return (write_ >= from && write_ < to) || (holder != held_.end() && *holder < to);
}

void StateRows::publish() {
    const std::lock_guard lock(mutex_);
    ++write_;
    for (std::string& key : changed_) {
        if (!newest(rows_.find(key)->second)->there) {
            dead_.push_back(std::move(key));
        }
    }
    // More than have just died, so that they do not gather.
    forget_dead(std::min(dead_.size(), 2 * changed_.size() + 4));
    changed_.clear();
}

void StateRows::logged() {
    const std::lock_guard lock(mutex_);
    logged_ = next_write();
}

void StateRows::abandon() {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : changed_) {
        const auto row = rows_.find(key);
        std::vector<Version>& versions = row->second;
        bytes_ -= key.size() + newest(versions)->value.size();
        versions.pop_back();
        if (versions.empty()) {
            rows_.erase(row);
        }
    }
    changed_.clear();
}

void StateRows::load(const StoredState& state) {
    spilled_.store(state.spilled, std::memory_order_release);
    for (const StateRow& row : state.rows) {
        put(row.key, row.value);
    }
    logged();
    publish();
}

// A few of them each time, so that one that is read for long does not keep the others.
void StateRows::forget_dead(size_t looks) {
    for (; looks > 0; --looks) {
        std::string key = std::move(dead_.front());
        dead_.pop_front();
        const auto row = rows_.find(key);
        if (row == rows_.end() || newest(row->second)->there) {
            continue;  // it is back, or was told of twice
        }
        prune(key, row->second);
        if (row->second.size() > 1) {
            dead_.push_back(std::move(key));
        } else {
            bytes_ -= key.size();
            rows_.erase(row);
        }
    }
}

uint64_t StateRows::hold() {
    const std::lock_guard lock(mutex_);
    held_.insert(write_);
    return write_;
}

void StateRows::release(uint64_t write) {
    const std::lock_guard lock(mutex_);
    held_.erase(held_.find(write));
}

const StateRows::Version* StateRows::version_at(const std::vector<Version>& versions,
                                                uint64_t write) {
    const auto later = std::find_if(versions.begin(), versions.end(),
                                    [&](const Version& one) { return one.write > write; });
    return later == versions.begin() || !(later - 1)->there ? nullptr : &*(later - 1);
}

bool StateRows::get(uint64_t write, std::string_view key, std::string& ret_value) const {
    if (!may_have(key)) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    const auto row = rows_.find(key);
    const Version* version = row == rows_.end() ? nullptr : version_at(row->second, write);
    if (version == nullptr) {
        return false;
    }
    ret_value = version->value;
    return true;
}

bool StateRows::first(uint64_t write, const StateRange& range, const std::string* after,
                      StateRow& ret_row) const {
    const std::lock_guard lock(mutex_);
    auto row = after == nullptr ? rows_.lower_bound(range.lo) : rows_.upper_bound(*after);
    for (; row != rows_.end() && (range.hi.empty() || row->first < range.hi); ++row) {
        if (const Version* version = version_at(row->second, write)) {
            ret_row = {row->first, version->value};
            return true;
        }
    }
    return false;
}

bool StateRows::last(uint64_t write, const StateRange& range, const std::string* after,
                     StateRow& ret_row) const {
    const std::lock_guard lock(mutex_);
    const std::string& end = after == nullptr ? range.hi : *after;
    auto row = end.empty() ? rows_.end() : rows_.lower_bound(end);
    while (row != rows_.begin() && (--row)->first >= range.lo) {
        if (const Version* version = version_at(row->second, write)) {
            ret_row = {row->first, version->value};
            return true;
        }
    }
    return false;
}

StoredState StateRows::stored() const {
    const std::lock_guard lock(mutex_);
    StoredState state{spilled(), {}};
    for (const auto& [key, versions] : rows_) {
        if (const Version* version = version_at(versions, logged_)) {
            state.rows.push_back({key, version->value});
        }
    }
    return state;
}

}  // namespace quorate::leveldb_engine
