// SPDX-License-Identifier: Apache-2.0
#include "sim/model.h"

#include <optional>

namespace quorate::sim {
namespace {

// The keys as a call in hand sees them: its own changes over the model.
class Overlay {
  public:
    explicit Overlay(const Model::Keys& keys) : keys_(keys) {}

    const KeyValue* find(const std::string& key) const {
        if (const auto it = own_.find(key); it != own_.end()) {
            return it->second ? &*it->second : nullptr;
        }
        const auto it = keys_.find(key);
        return it == keys_.end() ? nullptr : &it->second;
    }

    std::vector<KeyValue> range(const Operation& operation) const {
        std::map<std::string, KeyValue> found;
        for (auto it = keys_.lower_bound(operation.key);
             it != keys_.end() && operation.covers(it->first); ++it) {
            found.insert(*it);
        }
        for (const auto& [key, kv] : own_) {
            if (!operation.covers(key)) {
                continue;
            }
            found.erase(key);
            if (kv) {
                found[key] = *kv;
            }
        }
        std::vector<KeyValue> out;
        for (auto& [key, kv] : found) {
            out.push_back(std::move(kv));
        }
        return out;
    }

    void put(const KeyValue& kv) { own_[kv.key] = kv; }
    void erase(const std::string& key) { own_[key] = std::nullopt; }

  private:
    const Model::Keys& keys_;
    std::map<std::string, std::optional<KeyValue>> own_;
};

bool holds(const Compare& compare, const Overlay& keys) {
    const KeyValue* kv = keys.find(compare.key);
    switch (compare.target) {
        case Compare::Target::kModRevision:
            return (kv == nullptr ? 0 : kv->mod_revision) == compare.mod_revision;
        case Compare::Target::kValue:
            return kv != nullptr && kv->value == compare.value;
    }
    return false;
}

}  // namespace

Expected Model::run(const Call& call, int64_t revision) const {
    Overlay keys(keys_);
    Expected expected;
    for (const Compare& compare : call.compares) {
        expected.succeeded = expected.succeeded && holds(compare, keys);
    }
    for (const Operation& operation : expected.succeeded ? call.success : call.failure) {
        OperationResult& result = expected.results.emplace_back();
        switch (operation.kind) {
            case Operation::Kind::kPut: {
                const KeyValue* before = keys.find(operation.key);
                const KeyValue kv = {operation.key,
                                     operation.value,
                                     before == nullptr ? revision : before->create_revision,
                                     revision,
                                     before == nullptr ? 1 : before->version + 1,
                                     operation.lease};
                keys.put(kv);
                expected.changes.push_back({kv, false});
                break;
            }
            case Operation::Kind::kDelete:
                for (const KeyValue& kv : keys.range(operation)) {
                    keys.erase(kv.key);
                    expected.changes.push_back({{.key = kv.key, .mod_revision = revision}, true});
                    ++result.deleted;
                }
                break;
            case Operation::Kind::kRange:
                if (operation.revision == 0) {
                    result.kvs = keys.range(operation);
                }
                break;
        }
    }
    return expected;
}

void Model::apply(const Change& change) {
    if (change.deletion) {
        keys_.erase(change.kv.key);
    } else {
        keys_[change.kv.key] = change.kv;
    }
}

}  // namespace quorate::sim
