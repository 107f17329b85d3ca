// SPDX-License-Identifier: Apache-2.0
//
// The stored record: the canonical encoding of one mvccpb.KeyValue (proto/kv.proto), written and
// read by hand so that this folder needs no protobuf and an answer can be spliced from stored
// bytes. Fields stand in number order and zero values are left out, which is what protobuf writes
// as well; a test compares the two. A tombstone holds key and mod_revision alone and is known by
// version 0. Values, any thread. errors::kDamaged for bytes that are no record.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstdint>

namespace quorate::mvcc {

// Borrows the bytes it was decoded from or is to be encoded from.
struct RecordView {
    ByteView key;
    int64_t create_revision = 0;
    int64_t mod_revision = 0;
    int64_t version = 0;
    ByteView value;
    int64_t lease = 0;

    bool is_tombstone() const { return version == 0; }
};

size_t encoded_bytes(const RecordView& record);
// Writes exactly encoded_bytes(record) and returns the end.
char* encode_record(const RecordView& record, char* out);
Bytes encode_record(const RecordView& record);

// Takes fields in any order and skips unknown ones, as protobuf does.
Result<RecordView> decode_record(ByteView encoded);

}  // namespace quorate::mvcc
