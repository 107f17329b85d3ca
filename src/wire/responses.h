// SPDX-License-Identifier: Apache-2.0
//
// The hot answers, spliced from stored records: etcdserverpb responses whose bulk is copied once.
// `header` is the encoded ResponseHeader that the answer begins with. Any thread.
#pragma once

#include "mvcc/change_source.h"
#include "mvcc/range.h"
#include "wire/proto_writer.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::wire {

Bytes encode_put_response(ByteView header, const std::optional<mvcc::RecordRef>& previous);

Bytes encode_delete_range_response(ByteView header, int64_t deleted,
                                   const std::vector<mvcc::RecordRef>& previous);

Bytes encode_range_response(ByteView header, const mvcc::RangeResult& result);

// One message of a RangeStream: RangeStreamResponse{range_response}. The last one carries header,
// more and count; the ones before it records alone.
Bytes encode_range_stream_records(const std::vector<mvcc::RecordRef>& records);
Bytes encode_range_stream_end(ByteView header, const mvcc::RangeResult& result);

// `operations` are encoded ResponseOps, each already framed as an element of field 3.
Bytes encode_txn_response(ByteView header, bool succeeded, ByteView operations);

}  // namespace quorate::wire
