// SPDX-License-Identifier: Apache-2.0
#include "node/state_hash.h"

#include "base/crc32c.h"
#include "base/errors.h"
#include "storage/schema.h"

namespace quorate::node {

void StateHash::add(const storage::WriteBatch& batch) {
    if (batch.op_count() == added_ops_) {
        return;
    }
    const std::vector<storage::WriteBatch::Op> ops = batch.ops();
    for (size_t i = added_ops_; i < ops.size(); ++i) {
        // Only what entries put: compaction removes at its own pace on every member. Of users and
        // roles that is the row with their digest, which each change of them writes.
        if (ops[i].kind == storage::WriteBatch::Kind::kPut &&
            (storage::parse_record_key(ops[i].key) || ops[i].key == storage::kAuthKey)) {
            hash_ = crc32c_extend(crc32c_extend(hash_, ops[i].key), ops[i].value);
        }
    }
    added_ops_ = ops.size();
}

void StateHash::applied(const storage::WriteBatch& batch, uint64_t index) {
    if (index % kInterval != 0) {
        return;
    }
    add(batch);
    const std::lock_guard lock(mutex_);
    checkpoints_.push_back({index, hash_});
    if (checkpoints_.size() > kKept) {
        checkpoints_.pop_front();
    }
}

void StateHash::close(storage::WriteBatch& batch) {
    add(batch);
    batch.put(storage::kStateHashKey, storage::encode_u64(hash_));
    added_ops_ = 0;
}

std::vector<StateHash::Checkpoint> StateHash::checkpoints() const {
    const std::lock_guard lock(mutex_);
    return {checkpoints_.begin(), checkpoints_.end()};
}

Result<uint32_t> StateHash::restore(storage::View& view) {
    const auto row = view.get(storage::kStateHashKey);
    if (!row) {
        return row.error();
    }
    if (!row->has_value()) {
        return uint32_t{0};
    }
    const auto hash = storage::decode_u64(**row);
    if (!hash || *hash > UINT32_MAX) {
        return Status(errors::kDamaged, "the state's hash is unreadable");
    }
    return static_cast<uint32_t>(*hash);
}

}  // namespace quorate::node
