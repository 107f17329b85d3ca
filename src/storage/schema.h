// SPDX-License-Identifier: Apache-2.0
//
// The one list of what lies where in an engine. A key is a table's byte and what tells its rows
// apart; numbers are big endian, so that byte order is their order. Names that users make never
// become keys: engines may limit key length. Pure functions, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace quorate::storage {

// Written under kFormatVersionKey when a store is created; a store with a newer one is refused.
inline constexpr uint64_t kFormatVersion = 1;

// Records come first in byte order. They are appended at their table's end and are nearly all of
// the store; were a table that is written all the time (kMeta) in front of them, every sorted run
// that a log-structured engine flushes would reach from there over all older records, and each
// merge would rewrite them. Behind them, a run overlaps only the newest, and not even these where
// the engine keeps the other tables apart (QUORATE_STORAGE_STATE).
enum class Table : char {
    kRecords = 'K',         // revision -> encoded mvccpb.KeyValue, or the record of a deletion
    kAlarms = 'a',          // member id, alarm type -> nothing
    kMembers = 'c',         // member id -> member
    kRemovedMembers = 'd',  // member id -> nothing; such an id never comes back
    kLeases = 'l',          // lease id -> lease
    kMeta = 'm',            // the fixed keys below
    kRoles = 'r',           // id the auth store gives -> role with its name
    kUsers = 'u',           // id the auth store gives -> user with its name
};

// Meta rows. Values are what encode_u64 / encode_u64_pair / a protobuf message gives, as noted.
inline constexpr ByteView kAppliedKey = "mapplied";             // pair: index, term
inline constexpr ByteView kConfFloorKey = "mconf_floor";        // u64: log index up to which
                                                                // membership changes don't count
inline constexpr ByteView kCompactScheduledKey = "mcompact_s";  // u64: revision asked for
inline constexpr ByteView kCompactFinishedKey = "mcompact_f";   // u64: revision reached
inline constexpr ByteView kFormatVersionKey = "mformat";        // u64
inline constexpr ByteView kIdentityKey = "midentity";           // pair: cluster id, member id
inline constexpr ByteView kStateHashKey = "mstate_hash";        // u64: over all records put so far
inline constexpr ByteView kClusterVersionKey = "mcluster_v";    // text, "3.6.0"
inline constexpr ByteView kDowngradeKey = "mdowngrade";         // text, "3.6.0": a downgrade to
                                                                // this is under way
// Nothing; there while the engine is being filled from a snapshot, and never beside
// kFormatVersionKey.
inline constexpr ByteView kRestoringKey = "mrestoring";
inline constexpr ByteView kAuthKey = "mauth";  // enabled flag and auth revision

inline void append_be32(Bytes& out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>((value >> shift) & 0xff));
    }
}

inline constexpr size_t kRecordKeyBytes = 1 + 8 + 4;

// Revisions are never negative, so their byte order as unsigned numbers is their order.
inline Bytes record_key(int64_t main, int32_t sub) {
    Bytes key;
    key.reserve(kRecordKeyBytes);
    key.push_back(static_cast<char>(Table::kRecords));
    append_be64(key, static_cast<uint64_t>(main));
    append_be32(key, static_cast<uint32_t>(sub));
    return key;
}

// All other tables are few rows, written again and again, which engines are told with each of them.
// An engine may keep them elsewhere, so a table stays on its side for good.
inline bool is_record_key(ByteView key) {
    return !key.empty() && key[0] == static_cast<char>(Table::kRecords);
}

// Main and sub of a record's key, or nothing for any other key.
inline std::optional<std::pair<int64_t, int32_t>> parse_record_key(ByteView key) {
    if (key.size() != kRecordKeyBytes || key[0] != static_cast<char>(Table::kRecords)) {
        return std::nullopt;
    }
    uint32_t sub = 0;
    for (const char byte : key.substr(9)) {
        sub = (sub << 8) | static_cast<unsigned char>(byte);
    }
    return std::pair(static_cast<int64_t>(load_be64(key.data() + 1)), static_cast<int32_t>(sub));
}

// The key of a row that a number names: lease, member, user, role.
inline Bytes id_key(Table table, uint64_t id) {
    Bytes key(1, static_cast<char>(table));
    append_be64(key, id);
    return key;
}

// The id of a key made by id_key, or nothing.
inline std::optional<uint64_t> parse_id_key(Table table, ByteView key) {
    if (key.size() != 9 || key[0] != static_cast<char>(table)) {
        return std::nullopt;
    }
    return load_be64(key.data() + 1);
}

struct AlarmKey {
    uint64_t member_id = 0;
    uint8_t type = 0;  // etcdserverpb.AlarmType
};

inline Bytes alarm_key(const AlarmKey& alarm) {
    Bytes key = id_key(Table::kAlarms, alarm.member_id);
    key.push_back(static_cast<char>(alarm.type));
    return key;
}

inline std::optional<AlarmKey> parse_alarm_key(ByteView key) {
    if (key.size() != 10 || key[0] != static_cast<char>(Table::kAlarms)) {
        return std::nullopt;
    }
    return AlarmKey{load_be64(key.data() + 1), static_cast<uint8_t>(key[9])};
}

// All keys of a table: first <= key < second.
inline std::pair<Bytes, Bytes> table_range(Table table) {
    const char first = static_cast<char>(table);
    return {Bytes(1, first), Bytes(1, static_cast<char>(first + 1))};
}

inline Bytes encode_u64(uint64_t value) {
    Bytes out;
    append_be64(out, value);
    return out;
}

inline std::optional<uint64_t> decode_u64(ByteView value) {
    return value.size() == 8 ? std::optional(load_be64(value.data())) : std::nullopt;
}

inline Bytes encode_u64_pair(std::pair<uint64_t, uint64_t> values) {
    Bytes out = encode_u64(values.first);
    append_be64(out, values.second);
    return out;
}

inline std::optional<std::pair<uint64_t, uint64_t>> decode_u64_pair(ByteView value) {
    if (value.size() != 16) {
        return std::nullopt;
    }
    return std::pair(load_be64(value.data()), load_be64(value.data() + 8));
}

}  // namespace quorate::storage
