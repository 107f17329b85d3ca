// SPDX-License-Identifier: Apache-2.0
#include "apply/kv_ops.h"

#include "base/errors.h"
#include "mvcc/record.h"

namespace quorate::apply {
namespace {

// A key hangs on one lease at most; a put without a lease takes it off its old one.
void move_to_lease(lease::Lessor& lessor, ByteView key, int64_t from, int64_t to) {
    if (from == to) {
        return;
    }
    if (to == lease::kNoLease) {
        lessor.detach(key);
        return;
    }
    const Status attached = lessor.attach(to, key);
    QUORATE_ASSERT(attached.ok());  // checked before the put
}

}  // namespace

Result<PutDone> put(State& state, mvcc::WriteTxn& txn, const etcdserverpb::PutRequest& request) {
    int64_t lease = request.lease();
    if (lease != lease::kNoLease && !state.lessor.exists(lease)) {
        return errors::kLeaseNotFound;
    }
    PutDone done;
    ByteView value = request.value();
    std::optional<mvcc::RecordRef> stored;
    if (request.ignore_value() || request.ignore_lease() || request.prev_kv()) {
        auto found = txn.reads().get(request.key());
        if (!found) {
            return found.error();
        }
        stored = std::move(*found);
    }
    if (request.ignore_value() || request.ignore_lease()) {
        if (!stored) {
            return errors::kKeyNotFound;
        }
        const auto decoded = mvcc::decode_record(stored->bytes);
        if (!decoded) {
            return decoded.error();
        }
        if (request.ignore_value()) {
            value = decoded->value;
        }
        if (request.ignore_lease()) {
            lease = decoded->lease;
        }
    }
    done.bytes = request.key().size() + value.size();
    const mvcc::PutOutcome outcome = txn.put({request.key(), value, lease});
    move_to_lease(state.lessor, request.key(), outcome.previous ? outcome.previous->lease : 0,
                  lease);
    if (request.prev_kv()) {
        done.previous = std::move(stored);
    }
    return done;
}

Result<DeleteDone> delete_range(State& state, mvcc::WriteTxn& txn,
                                const etcdserverpb::DeleteRangeRequest& request) {
    auto erased =
        txn.erase_range({request.key(), request.range_end()}, {.want_previous = request.prev_kv()});
    if (!erased) {
        return erased.error();
    }
    for (const mvcc::LeasedKey& leased : erased->leased) {
        state.lessor.detach(leased.key);
    }
    return DeleteDone{erased->erased, std::move(erased->previous)};
}

void delete_revoked(mvcc::WriteTxn& txn, ByteView key) {
    const auto erased = txn.erase_range({key, {}}, {});
    QUORATE_ASSERT(erased.has_value());  // it reads no records
}

}  // namespace quorate::apply
