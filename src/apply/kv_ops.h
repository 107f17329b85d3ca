// SPDX-License-Identifier: Apache-2.0
//
// Put, DeleteRange and Txn on the state, inside the transaction they are given. Apply loop.
//
// Each function checks everything that can fail before its first change. An answer is encoded at
// once; inside a transaction its header carries the revision alone, outside the caller gives one.
#pragma once

#include "apply/compare.h"
#include "apply/state.h"
#include "base/status.h"
#include "rpc.pb.h"

namespace quorate::apply {

// How many keys a request changed and looked up, for the counters that etcd keeps per change.
struct OperationCounts {
    uint64_t puts = 0;
    uint64_t deletes = 0;
    uint64_t ranges = 0;
    uint64_t put_bytes = 0;  // of keys and values
};

// What is left to answer when the request has been carried out: the header's revision is known only
// after the commit.
struct PutDone {
    std::optional<mvcc::RecordRef> previous;
    uint64_t bytes = 0;  // of key and value, given or kept
};
struct DeleteDone {
    int64_t deleted = 0;
    std::vector<mvcc::RecordRef> previous;
};

Result<PutDone> put(State& state, mvcc::WriteTxn& txn, const etcdserverpb::PutRequest& request);
Result<DeleteDone> delete_range(State& state, mvcc::WriteTxn& txn,
                                const etcdserverpb::DeleteRangeRequest& request);

// Deletes one key that is known to exist and no longer hangs on a lease.
void delete_revoked(mvcc::WriteTxn& txn, ByteView key);

struct TxnDone {
    bool succeeded = false;
    Bytes operations;  // for wire::encode_txn_response
    OperationCounts counts;
};

// Chooses the branch, checks the whole path against the state before, then carries it out. On an
// error nothing has been changed.
Result<TxnDone> run_txn(State& state, mvcc::WriteTxn& txn, const etcdserverpb::TxnRequest& request);

}  // namespace quorate::apply
