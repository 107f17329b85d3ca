// SPDX-License-Identifier: Apache-2.0
//
// A ChangeSource whose history, compaction and memory the test controls, and the protobuf view of
// what it hands out.
#pragma once

#include "base/errors.h"
#include "kv.pb.h"
#include "mvcc/change_source.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorate::mvcc {

// One change as the tests think of it.
struct Told {
    int64_t revision;
    bool deletion;
    mvccpb::KeyValue kv;
    std::optional<mvccpb::KeyValue> previous;
};

class FakeSource final : public ChangeSource {
  public:
    struct Edit {
        std::string key;
        std::optional<std::string> value;  // nothing: delete
    };

    // How many of the newest revisions survive a compaction, as if still in memory.
    int64_t revisions_in_memory = 0;
    // How many of the next calls fail.
    int failures = 0;
    int lookup_failures = 0;
    int reads = 0;
    int lookups = 0;

    void put(const std::string& key, const std::string& value) { commit({{key, value}}); }
    void erase(const std::string& key) { commit({{key, std::nullopt}}); }

    // All edits in one revision; deletions of keys that don't exist must not be among them.
    void commit(const std::vector<Edit>& edits) {
        ++current_;
        int32_t sub = 0;
        for (const Edit& edit : edits) {
            std::optional<mvccpb::KeyValue> previous;
            if (const auto found = pairs_.find(edit.key); found != pairs_.end()) {
                previous = found->second;
            }
            mvccpb::KeyValue kv;
            kv.set_key(edit.key);
            kv.set_mod_revision(current_);
            if (edit.value) {
                kv.set_create_revision(previous ? previous->create_revision() : current_);
                kv.set_version(previous ? previous->version() + 1 : 1);
                kv.set_value(*edit.value);
                pairs_[edit.key] = kv;
            } else {
                pairs_.erase(edit.key);
            }
            told_.push_back({current_, !edit.value, kv, previous});
            stored_.push_back({sub++, std::make_shared<const std::string>(kv.SerializeAsString())});
        }
    }

    void compact(int64_t revision) { compact_ = revision; }
    // What a restored backup does: the numbers in between never existed.
    void skip_revisions(int64_t count) { current_ += count; }

    bool exists(const std::string& key) const { return pairs_.contains(key); }
    const std::vector<Told>& told() const { return told_; }

    int64_t current_revision() const override { return current_; }
    int64_t compact_revision() const override { return compact_; }

    Result<std::vector<Change>> changes(const ChangeWindow& window) override {
        ++reads;
        if (failures > 0) {
            --failures;
            return Status(errors::kIo, "told to fail");
        }
        if (window.from_main < compact_ && window.from_main <= current_ - revisions_in_memory) {
            return errors::kCompacted;
        }
        std::vector<Change> changes;
        size_t bytes = 0;
        const auto begin =
            std::lower_bound(told_.begin(), told_.end(), window.from_main,
                             [](const Told& told, int64_t main) { return told.revision < main; });
        for (auto i = static_cast<size_t>(begin - told_.begin()); i < told_.size(); ++i) {
            const Told& told = told_[i];
            const std::shared_ptr<const std::string>& record = stored_[i].record;
            const bool begins = changes.empty() || changes.back().revision.main != told.revision;
            if (told.revision >= window.from_main + window.revisions_max ||
                (begins && !changes.empty() && bytes >= window.bytes_max)) {
                break;
            }
            bytes += record->size();
            changes.push_back({.revision = {told.revision, stored_[i].sub},
                               .previous = {},
                               .deletion = told.deletion,
                               .key = ByteView(*record).substr(2, told.kv.key().size()),
                               .record = {*record, record}});
        }
        return changes;
    }

    Result<std::optional<RecordRef>> pair_before(ByteView key, int64_t main) override {
        ++lookups;
        if (lookup_failures > 0) {
            --lookup_failures;
            return Status(errors::kIo, "told to fail");
        }
        if (main <= compact_ && main <= current_ - revisions_in_memory) {
            return std::optional<RecordRef>();
        }
        for (size_t i = told_.size(); i-- > 0;) {
            if (told_[i].revision < main && told_[i].kv.key() == key) {
                if (told_[i].deletion) {
                    break;
                }
                return std::optional<RecordRef>({*stored_[i].record, stored_[i].record});
            }
        }
        return std::optional<RecordRef>();
    }

  private:
    struct Stored {
        int32_t sub;
        std::shared_ptr<const std::string> record;
    };

    int64_t current_ = kFirstRevision;
    int64_t compact_ = kNeverCompacted;
    std::vector<Told> told_;      // by revision, sub
    std::vector<Stored> stored_;  // the same, as records
    std::map<std::string, mvccpb::KeyValue> pairs_;
};

}  // namespace quorate::mvcc
