// SPDX-License-Identifier: Apache-2.0
//
// Walks the fields of an encoded protobuf message where they lie. For what comes by the thousand
// and is not worth an object for each message in it. Any thread.
#pragma once

#include "base/bytes.h"
#include "wire/proto_writer.h"

#include <cstdint>

namespace quorate::wire {

// One field: `value` of kVarint and kFixed64, `bytes` of kLengthDelimited.
struct ProtoField {
    uint32_t number = 0;
    uint32_t wire_type = 0;
    uint64_t value = 0;
    ByteView bytes;

    bool is(uint32_t of_number, uint32_t of_type) const {
        return number == of_number && wire_type == of_type;
    }
};

class ProtoReader {
  public:
    explicit ProtoReader(ByteView encoded) : left_(encoded) {}

    // False at the end, or where the bytes are no such field; see failed(). Groups and 32-bit
    // numbers count as that: nothing of ours has them.
    bool next(ProtoField& field) {
        if (left_.empty() || failed_) {
            return false;
        }
        const uint64_t tag = varint();
        field.number = static_cast<uint32_t>(tag >> 3);
        field.wire_type = static_cast<uint32_t>(tag & 7);
        if (field.number == 0 || tag > UINT32_MAX) {
            failed_ = true;
        } else if (field.wire_type == kVarint) {
            field.value = varint();
        } else if (field.wire_type == kFixed64 && left_.size() >= sizeof field.value) {
            field.value = load_le64(left_.data());
            left_.remove_prefix(sizeof field.value);
        } else if (field.wire_type == kLengthDelimited) {
            const uint64_t size = varint();
            failed_ = failed_ || size > left_.size();
            if (!failed_) {
                field.bytes = left_.substr(0, size);
                left_.remove_prefix(size);
            }
        } else {
            failed_ = true;
        }
        return !failed_;
    }

    bool failed() const { return failed_; }

  private:
    uint64_t varint() {
        uint64_t value = 0;
        for (uint32_t shift = 0; shift < 64 && !left_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(left_.front());
            left_.remove_prefix(1);
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) {
                return value;
            }
        }
        failed_ = true;
        return 0;
    }

    ByteView left_;
    bool failed_ = false;
};

}  // namespace quorate::wire
