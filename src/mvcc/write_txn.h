// SPDX-License-Identifier: Apache-2.0
//
// WriteTxn: the right to change the store, for one request. Only Store::begin makes one, and only
// the apply loop calls that, so a function that is not given a WriteTxn& can't write.
// Thread: apply loop. At most one exists at a time; it may not outlive its Store or its batch.
//
// The first change takes the index lock and commit() gives it back, so no reader ever sees half a
// request. Between the two the caller does nothing slow. There is no way back after the first
// change: everything that can fail (compares, records of previous pairs, gates) comes before it,
// and a failure of the engine after it is the end of this member, not of the request.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/key_range.h"
#include "mvcc/key_state.h"
#include "mvcc/range.h"
#include "mvcc/read_view.h"
#include "storage/backend.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::mvcc {

class KeyEntry;
struct RecordView;
struct StoreState;

struct PutRequest {
    ByteView key;
    ByteView value;
    int64_t lease = 0;  // 0: none
};

struct PutOutcome {
    std::optional<KeyState> previous;  // nothing when the put created the key
};

struct EraseOptions {
    bool want_previous = false;  // the records of the erased pairs
};

struct LeasedKey {
    Bytes key;
    int64_t lease;
};

struct EraseOutcome {
    int64_t erased = 0;
    std::vector<RecordRef> previous;  // in key order; empty unless asked for
    std::vector<LeasedKey> leased;    // the erased keys that had a lease, to be detached from it
};

class WriteTxn {
  public:
    WriteTxn(WriteTxn&&) noexcept;
    WriteTxn& operator=(WriteTxn&&) = delete;
    ~WriteTxn();  // committed, or nothing was changed

    // Reads that see what this transaction has written. Borrowed from the transaction.
    const ReadView& reads() const { return reads_; }
    // The same as reads().find(), which can't fail here.
    std::optional<KeyState> find(ByteView key) const;

    // The caller checked the request: key not empty, lease known. A previous pair that the answer
    // needs is read with reads().get() before.
    PutOutcome put(const PutRequest& request);

    // Erases every live key of the range. Fails only while it reads previous records, which is
    // before it erases the first key.
    Result<EraseOutcome> erase_range(const KeyRange& range, const EraseOptions& options);

    bool changed_anything() const { return next_sub_ > 0; }

    // Publishes. Returns the revision for the response header: one above the begin when something
    // was changed, the begin otherwise.
    int64_t commit();

  private:
    friend class Store;
    WriteTxn(StoreState& state, storage::WriteBatch& batch);

    void erase(const KeyEntry& entry);
    uint32_t write_record(const RecordView& record, const Revision& revision);
    void begin_change();

    StoreState* state_;  // null: moved from or committed
    storage::WriteBatch* batch_;
    ReadView reads_;
    int64_t begin_revision_;
    int32_t next_sub_ = 0;
};

}  // namespace quorate::mvcc
