// SPDX-License-Identifier: Apache-2.0
#include "mvcc/event.h"

namespace quorate::mvcc {

namespace {

// Field number and wire type of mvccpb.Event, and of the KeyValue fields that are looked at.
constexpr char kEventType = 0x08;
constexpr char kEventKv = 0x12;
constexpr char kEventPrevKv = 0x1a;
constexpr char kTypeDelete = 0x01;
constexpr char kKeyValueKey = 0x0a;
constexpr char kKeyValueCreateRevision = 0x10;
constexpr char kKeyValueModRevision = 0x18;

constexpr size_t kVarintBytesMax = 10;

void append_varint(Bytes& out, uint64_t value) {
    char raw[kVarintBytesMax];
    size_t bytes = 0;
    while (value >= 0x80) {
        raw[bytes++] = static_cast<char>((value & 0x7f) | 0x80);
        value >>= 7;
    }
    raw[bytes++] = static_cast<char>(value);
    out.append(raw, bytes);
}

// Takes a varint off the front of `rest`; nothing when it is cut short.
std::optional<uint64_t> take_varint(ByteView& rest) {
    uint64_t value = 0;
    for (size_t i = 0; i < kVarintBytesMax && i < rest.size(); ++i) {
        const auto byte = static_cast<unsigned char>(rest[i]);
        value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            rest.remove_prefix(i + 1);
            return value;
        }
    }
    return std::nullopt;
}

void append_field(Bytes& out, char tag, ByteView record) {
    out.push_back(tag);
    append_varint(out, record.size());
    out.append(record);
}

// Whether the encoded KeyValue says that this put created its key. The encoder writes fields in
// order of their numbers. A record that can't be read is not judged here: looking for a previous
// pair that does not exist is merely slow.
bool says_created(ByteView record) {
    if (record.empty() || record[0] != kKeyValueKey) {
        return false;
    }
    record.remove_prefix(1);
    const std::optional<uint64_t> key_bytes = take_varint(record);
    if (!key_bytes || *key_bytes > record.size()) {
        return false;
    }
    record.remove_prefix(*key_bytes);

    uint64_t create_revision = 0;
    uint64_t mod_revision = 0;
    while (!record.empty()) {
        const char tag = record[0];
        if (tag != kKeyValueCreateRevision && tag != kKeyValueModRevision) {
            break;
        }
        record.remove_prefix(1);
        const std::optional<uint64_t> value = take_varint(record);
        if (!value) {
            return false;
        }
        (tag == kKeyValueCreateRevision ? create_revision : mod_revision) = *value;
    }
    return create_revision == mod_revision;
}

}  // namespace

void append_event(Bytes& out, const Change& change, const std::optional<RecordRef>& previous) {
    if (change.deletion) {
        out.push_back(kEventType);
        out.push_back(kTypeDelete);
    }
    append_field(out, kEventKv, change.record.bytes);
    if (previous) {
        append_field(out, kEventPrevKv, previous->bytes);
    }
}

bool has_previous(const Change& change) {
    return change.deletion || change.previous.main != 0 || !says_created(change.record.bytes);
}

}  // namespace quorate::mvcc
