// SPDX-License-Identifier: Apache-2.0
#include "mvcc/record.h"

#include "base/assert.h"
#include "base/errors.h"

#include <bit>
#include <cstring>
#include <optional>

namespace quorate::mvcc {

namespace {

// A field's tag is its number and how it is written: 0 a varint, 2 length and bytes.
enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr char tag(int number, WireType type) {
    return static_cast<char>((number << 3) | static_cast<int>(type));
}

constexpr char kKeyTag = tag(1, WireType::kBytes);
constexpr char kCreateTag = tag(2, WireType::kVarint);
constexpr char kModTag = tag(3, WireType::kVarint);
constexpr char kVersionTag = tag(4, WireType::kVarint);
constexpr char kValueTag = tag(5, WireType::kBytes);
constexpr char kLeaseTag = tag(6, WireType::kVarint);

size_t varint_bytes(uint64_t value) {
    return static_cast<size_t>(std::bit_width(value | 1) + 6) / 7;
}

char* put_varint(uint64_t value, char* out) {
    while (value >= 0x80) {
        *out++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *out++ = static_cast<char>(value);
    return out;
}

size_t number_bytes(int64_t value) {
    return value == 0 ? 0 : 1 + varint_bytes(static_cast<uint64_t>(value));
}

size_t string_bytes(ByteView value) {
    return value.empty() ? 0 : 1 + varint_bytes(value.size()) + value.size();
}

char* put_number(char field_tag, int64_t value, char* out) {
    if (value == 0) {
        return out;
    }
    *out++ = field_tag;
    return put_varint(static_cast<uint64_t>(value), out);
}

char* put_string(char field_tag, ByteView value, char* out) {
    if (value.empty()) {
        return out;
    }
    *out++ = field_tag;
    out = put_varint(value.size(), out);
    std::memcpy(out, value.data(), value.size());
    return out + value.size();
}

class Reader {
  public:
    explicit Reader(ByteView in) : at_(in.data()), end_(in.data() + in.size()) {}

    bool at_end() const { return at_ == end_; }

    std::optional<uint64_t> varint() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at_++);
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) {
                return value;
            }
        }
        return std::nullopt;
    }

    std::optional<ByteView> string() {
        const std::optional<uint64_t> size = varint();
        if (!size.has_value()) {
            return std::nullopt;
        }
        return bytes(*size);
    }

    std::optional<ByteView> bytes(uint64_t size) {
        if (size > static_cast<uint64_t>(end_ - at_)) {
            return std::nullopt;
        }
        const ByteView value(at_, size);
        at_ += size;
        return value;
    }

    // An unknown field's value; groups have no place in proto3.
    bool skip(uint64_t field) {
        switch (field & 7) {
            case static_cast<uint64_t>(WireType::kVarint):
                return varint().has_value();
            case static_cast<uint64_t>(WireType::kFixed64):
                return bytes(8).has_value();
            case static_cast<uint64_t>(WireType::kBytes):
                return string().has_value();
            case static_cast<uint64_t>(WireType::kFixed32):
                return bytes(4).has_value();
            default:
                return false;
        }
    }

  private:
    const char* at_;
    const char* end_;
};

bool read_number(Reader& in, int64_t& field) {
    const std::optional<uint64_t> value = in.varint();
    field = static_cast<int64_t>(value.value_or(0));
    return value.has_value();
}

bool read_string(Reader& in, ByteView& field) {
    const std::optional<ByteView> value = in.string();
    field = value.value_or(ByteView());
    return value.has_value();
}

bool read_field(Reader& in, uint64_t field, RecordView& record) {
    switch (field) {
        case kKeyTag:
            return read_string(in, record.key);
        case kCreateTag:
            return read_number(in, record.create_revision);
        case kModTag:
            return read_number(in, record.mod_revision);
        case kVersionTag:
            return read_number(in, record.version);
        case kValueTag:
            return read_string(in, record.value);
        case kLeaseTag:
            return read_number(in, record.lease);
        default:
            return (field >> 3) != 0 && in.skip(field);
    }
}

}  // namespace

size_t encoded_bytes(const RecordView& record) {
    return string_bytes(record.key) + number_bytes(record.create_revision) +
           number_bytes(record.mod_revision) + number_bytes(record.version) +
           string_bytes(record.value) + number_bytes(record.lease);
}

char* encode_record(const RecordView& record, char* out) {
    out = put_string(kKeyTag, record.key, out);
    out = put_number(kCreateTag, record.create_revision, out);
    out = put_number(kModTag, record.mod_revision, out);
    out = put_number(kVersionTag, record.version, out);
    out = put_string(kValueTag, record.value, out);
    return put_number(kLeaseTag, record.lease, out);
}

Bytes encode_record(const RecordView& record) {
    Bytes out(encoded_bytes(record), '\0');
    const char* end = encode_record(record, out.data());
    QUORATE_ASSERT(end == out.data() + out.size());
    return out;
}

Result<RecordView> decode_record(ByteView encoded) {
    RecordView record;
    Reader in(encoded);
    while (!in.at_end()) {
        const std::optional<uint64_t> field = in.varint();
        if (!field.has_value() || !read_field(in, *field, record)) {
            return Status(errors::kDamaged, "stored record can't be decoded");
        }
    }
    return record;
}

}  // namespace quorate::mvcc
