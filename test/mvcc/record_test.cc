// SPDX-License-Identifier: Apache-2.0
#include "mvcc/record.h"

#include "base/errors.h"
#include "kv.pb.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace quorate::mvcc {
namespace {

// The numbers at which a varint grows, and the ends of the range.
int64_t random_number(std::mt19937_64& rng) {
    switch (rng() % 4) {
        case 0:
            return 0;
        case 1:
            return static_cast<int64_t>((uint64_t{1} << (rng() % 64)) - rng() % 2);
        case 2:
            return rng() % 2 == 0 ? std::numeric_limits<int64_t>::min()
                                  : std::numeric_limits<int64_t>::max();
        default:
            return static_cast<int64_t>(rng());
    }
}

Bytes random_bytes(std::mt19937_64& rng) {
    const size_t sizes[] = {0, 1, 7, 127, 128, 300, 16383, 16384};
    Bytes bytes(sizes[rng() % std::size(sizes)], '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(rng());
    }
    return bytes;
}

TEST(Record, IsWhatProtobufWrites) {
    std::mt19937_64 rng(1);
    for (int i = 0; i < 3000; ++i) {
        const Bytes key = random_bytes(rng);
        const Bytes value = random_bytes(rng);
        const RecordView record{key,   random_number(rng), random_number(rng), random_number(rng),
                                value, random_number(rng)};
        mvccpb::KeyValue message;
        message.set_key(key);
        message.set_create_revision(record.create_revision);
        message.set_mod_revision(record.mod_revision);
        message.set_version(record.version);
        message.set_value(value);
        message.set_lease(record.lease);
        const Bytes encoded = encode_record(record);
        ASSERT_EQ(encoded, message.SerializeAsString());
        ASSERT_EQ(encoded.size(), encoded_bytes(record));

        const Result<RecordView> decoded = decode_record(encoded);
        ASSERT_TRUE(decoded.has_value());
        ASSERT_EQ(decoded->key, record.key);
        ASSERT_EQ(decoded->create_revision, record.create_revision);
        ASSERT_EQ(decoded->mod_revision, record.mod_revision);
        ASSERT_EQ(decoded->version, record.version);
        ASSERT_EQ(decoded->value, record.value);
        ASSERT_EQ(decoded->lease, record.lease);
    }
}

TEST(Record, TombstoneHoldsKeyAndRevisionAlone) {
    const Bytes encoded = encode_record({.key = "k", .mod_revision = 5});
    EXPECT_EQ(encoded, Bytes("\x0a\x01k\x18\x05", 5));
    EXPECT_TRUE(decode_record(encoded)->is_tombstone());
    EXPECT_FALSE(decode_record(encode_record({.key = "k", .version = 1}))->is_tombstone());
}

TEST(Record, SkipsUnknownFieldsAndTakesAnyOrder) {
    // value, field 9 as varint, field 10 as 8 bytes, field 11 as bytes, field 12 as 4 bytes, key
    const Bytes encoded(
        "\x2a\x01v\x48\x07\x51\x01\x02\x03\x04\x05\x06\x07\x08\x5a\x02zz\x65\x01\x02\x03\x04\x0a"
        "\x01k",
        26);
    const Result<RecordView> decoded = decode_record(encoded);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->key, "k");
    EXPECT_EQ(decoded->value, "v");
}

TEST(Record, EveryTruncationIsRefusedOrARecord) {
    const Bytes encoded = encode_record({"some key", 300, 1 << 20, 7, "some value", 1LL << 60});
    mvccpb::KeyValue message;
    for (size_t size = 0; size < encoded.size(); ++size) {
        const ByteView part = ByteView(encoded).substr(0, size);
        EXPECT_EQ(decode_record(part).has_value(),
                  message.ParseFromArray(part.data(), static_cast<int>(size)))
            << size;
    }
}

TEST(Record, RefusesWhatIsNoRecord) {
    const std::vector<Bytes> bad = {
        Bytes("\x0a\x05k", 3),                                          // shorter than it says
        Bytes("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12),  // a varint of 11 bytes
        Bytes("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k", 12),     // a length of 2^64 - 1
        Bytes("\x02\x01k", 3),                                          // field 0
        Bytes("\x0b", 1),                                               // a group
    };
    for (const Bytes& encoded : bad) {
        const Result<RecordView> decoded = decode_record(encoded);
        ASSERT_FALSE(decoded.has_value());
        EXPECT_TRUE(decoded.error().is(errors::kDamaged));
    }
}

}  // namespace
}  // namespace quorate::mvcc
