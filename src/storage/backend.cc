// SPDX-License-Identifier: Apache-2.0
#include "storage/backend.h"

#include "base/assert.h"

namespace quorate::storage {

void WriteBatch::add(Kind kind, ByteView key, ByteView value) {
    QUORATE_ASSERT(!key.empty() || kind == Kind::kDeleteRange);
    marks_.push_back({kind, static_cast<uint32_t>(key.size()), value.size()});
    data_.append(key);
    data_.append(value);
}

void WriteBatch::append(const WriteBatch& other) {
    data_.append(other.data_);
    marks_.insert(marks_.end(), other.marks_.begin(), other.marks_.end());
}

void WriteBatch::clear() {
    data_.clear();
    marks_.clear();
}

std::vector<WriteBatch::Op> WriteBatch::ops() const {
    std::vector<Op> ops;
    ops.reserve(marks_.size());
    const char* at = data_.data();
    for (const Mark& mark : marks_) {
        const ByteView key(at, mark.key_bytes);
        at += mark.key_bytes;
        const ByteView value(at, mark.value_bytes);
        at += mark.value_bytes;
        ops.push_back({mark.kind, key, value});
    }
    return ops;
}

}  // namespace quorate::storage
