// SPDX-License-Identifier: Apache-2.0
#include "wire/responses.h"

namespace quorate::wire {
namespace {

size_t records_size(uint32_t field, const std::vector<mvcc::RecordRef>& records) {
    size_t size = 0;
    for (const mvcc::RecordRef& record : records) {
        size += message_field_size(field, record.bytes.size());
    }
    return size;
}

void append_records(Bytes& out, uint32_t field, const std::vector<mvcc::RecordRef>& records) {
    for (const mvcc::RecordRef& record : records) {
        append_message(out, field, record.bytes);
    }
}

constexpr size_t kSmallFields = 32;  // header's frame, flags and counts

}  // namespace

Bytes encode_put_response(ByteView header, const std::optional<mvcc::RecordRef>& previous) {
    Bytes out;
    out.reserve(kSmallFields + header.size() + (previous ? previous->bytes.size() : 0));
    append_message(out, 1, header);
    if (previous) {
        append_message(out, 2, previous->bytes);
    }
    return out;
}

Bytes encode_delete_range_response(ByteView header, int64_t deleted,
                                   const std::vector<mvcc::RecordRef>& previous) {
    Bytes out;
    out.reserve(kSmallFields + header.size() + records_size(3, previous));
    append_message(out, 1, header);
    append_int(out, 2, deleted);
    append_records(out, 3, previous);
    return out;
}

Bytes encode_range_response(ByteView header, const mvcc::RangeResult& result) {
    Bytes out;
    out.reserve(kSmallFields + header.size() + records_size(2, result.kvs));
    append_message(out, 1, header);
    append_records(out, 2, result.kvs);
    append_bool(out, 3, result.more);
    append_int(out, 4, result.count);
    return out;
}

Bytes encode_range_stream_records(const std::vector<mvcc::RecordRef>& records) {
    const size_t inner = records_size(2, records);
    Bytes out;
    out.reserve(kSmallFields + inner);
    append_tag(out, 1, kLengthDelimited);
    append_varint(out, inner);
    append_records(out, 2, records);
    return out;
}

Bytes encode_range_stream_end(ByteView header, const mvcc::RangeResult& result) {
    Bytes out;
    append_message(out, 1, encode_range_response(header, result));
    return out;
}

Bytes encode_txn_response(ByteView header, bool succeeded, ByteView operations) {
    Bytes out;
    out.reserve(kSmallFields + header.size() + operations.size());
    append_message(out, 1, header);
    append_bool(out, 2, succeeded);
    out.append(operations);
    return out;
}

}  // namespace quorate::wire
