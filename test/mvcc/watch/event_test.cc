// SPDX-License-Identifier: Apache-2.0
#include "mvcc/event.h"

#include "kv.pb.h"

#include <gtest/gtest.h>

namespace quorate::mvcc {
namespace {

mvccpb::KeyValue pair_of(size_t key_bytes, size_t value_bytes, int64_t version) {
    mvccpb::KeyValue kv;
    kv.set_key(std::string(key_bytes, 'k'));
    kv.set_create_revision(version == 0 ? 0 : 300);
    kv.set_mod_revision(300 + version - (version == 0 ? 0 : 1));
    kv.set_version(version);
    kv.set_value(std::string(value_bytes, 'v'));
    return kv;
}

struct Encoded {
    std::string ours;
    std::string protobufs;
};

Encoded encode(const mvccpb::KeyValue& kv, const mvccpb::KeyValue* previous, bool deletion) {
    const std::string record = kv.SerializeAsString();
    const std::string previous_record = previous != nullptr ? previous->SerializeAsString() : "";
    Change change;
    change.deletion = deletion;
    change.record.bytes = record;
    Encoded encoded;
    append_event(
        encoded.ours, change,
        previous != nullptr ? std::optional<RecordRef>({previous_record, nullptr}) : std::nullopt);
    mvccpb::Event event;
    event.set_type(deletion ? mvccpb::Event::DELETE : mvccpb::Event::PUT);
    *event.mutable_kv() = kv;
    if (previous != nullptr) {
        *event.mutable_prev_kv() = *previous;
    }
    encoded.protobufs = event.SerializeAsString();
    return encoded;
}

TEST(Event, EncodesAsProtobufDoes) {
    for (const size_t value_bytes : {0UL, 1UL, 100UL, 127UL, 128UL, 16383UL, 16384UL, 3000000UL}) {
        const mvccpb::KeyValue kv = pair_of(5, value_bytes, 7);
        const mvccpb::KeyValue previous = pair_of(5, value_bytes / 2, 6);
        for (const mvccpb::KeyValue* before :
             {static_cast<const mvccpb::KeyValue*>(nullptr), &previous}) {
            const Encoded put = encode(kv, before, false);
            EXPECT_EQ(put.ours, put.protobufs) << value_bytes;
            const Encoded deletion = encode(pair_of(5, 0, 0), before, true);
            EXPECT_EQ(deletion.ours, deletion.protobufs) << value_bytes;
        }
    }
}

bool previous_expected(const mvccpb::KeyValue& kv, bool deletion) {
    const std::string record = kv.SerializeAsString();
    Change change;
    change.deletion = deletion;
    change.record.bytes = record;
    return has_previous(change);
}

TEST(Event, ReadsFromTheRecordWhetherThereWasAPreviousPair) {
    EXPECT_FALSE(previous_expected(pair_of(5, 10, 1), false));
    EXPECT_TRUE(previous_expected(pair_of(5, 10, 2), false));
    EXPECT_FALSE(previous_expected(pair_of(300, 10, 1), false));
    EXPECT_TRUE(previous_expected(pair_of(300, 10, 2), false));
    EXPECT_TRUE(previous_expected(pair_of(5, 0, 0), true));
}

TEST(Event, LooksForAPreviousPairWhereTheRecordCantBeRead) {
    for (const std::string& record :
         {std::string(), std::string("\x0a"), std::string("\x0a\xff"), std::string("\x0a\x05"),
          std::string("\x0a\x01k\x10"), std::string("\x12\x01k")}) {
        Change change;
        change.record.bytes = record;
        EXPECT_TRUE(has_previous(change));
    }
}

TEST(Event, TrustsTheSourceWhereItKnowsThePreviousRevision) {
    const std::string record = pair_of(5, 10, 1).SerializeAsString();
    Change change;
    change.previous = {299, 0};
    change.record.bytes = record;
    EXPECT_TRUE(has_previous(change));
}

}  // namespace
}  // namespace quorate::mvcc
