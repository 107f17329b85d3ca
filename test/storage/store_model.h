// SPDX-License-Identifier: Apache-2.0
//
// The naive twin of an engine, a std::map, and the helpers that compare the two.
#pragma once

#include "storage/backend.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorate::storage::testing {

using Model = std::map<Bytes, Bytes, std::less<>>;
using Pairs = std::vector<std::pair<Bytes, Bytes>>;

// Names of both kinds that the schema knows: records, and rows of which engines are told that they
// belong to state.
inline Bytes mixed_key(uint64_t number) {
    return (number % 3 == 0 ? "k" : "K") + std::to_string(number);
}

inline void apply_to_model(const WriteBatch& batch, Model& model) {
    for (const WriteBatch::Op& op : batch.ops()) {
        switch (op.kind) {
            case WriteBatch::Kind::kPut:
                model.insert_or_assign(Bytes(op.key), Bytes(op.value));
                break;
            case WriteBatch::Kind::kDelete:
                model.erase(Bytes(op.key));
                break;
            case WriteBatch::Kind::kDeleteRange:
                std::erase_if(model, [&](const auto& pair) {
                    return pair.first >= op.key && (op.value.empty() || pair.first < op.value);
                });
                break;
        }
    }
}

inline Pairs pairs_of(const Model& model, const KeyRange& range = {}) {
    Pairs pairs;
    for (const auto& [key, value] : model) {
        if (key >= range.lo && (range.hi.empty() || key < range.hi)) {
            pairs.emplace_back(key, value);
        }
    }
    return pairs;
}

// Everything in a range as one view shows it, or why it can't be read.
inline Result<Pairs> scan(View& view, const KeyRange& range = {},
                          Direction direction = Direction::kForward) {
    Result<std::unique_ptr<Cursor>> cursor = view.scan(range, direction);
    if (!cursor) {
        return cursor.error();
    }
    Pairs pairs;
    while (true) {
        Result<std::optional<Pair>> pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return pairs;
        }
        pairs.emplace_back((*pair)->key, (*pair)->value);
    }
}

inline Result<Pairs> scan(Backend& backend, const KeyRange& range = {},
                          Direction direction = Direction::kForward) {
    Result<std::unique_ptr<View>> view = backend.view();
    return view ? scan(**view, range, direction) : Result<Pairs>(view.error());
}

inline Result<std::optional<Bytes>> get(Backend& backend, ByteView key) {
    Result<std::unique_ptr<View>> view = backend.view();
    return view ? (*view)->get(key) : Result<std::optional<Bytes>>(view.error());
}

}  // namespace quorate::storage::testing
