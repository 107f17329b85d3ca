// SPDX-License-Identifier: Apache-2.0
//
// The generator's arithmetic and its judgement of answers; no network.
#include "endpoint.h"
#include "gateway_codec.h"
#include "grpc.h"
#include "histogram.h"
#include "http1_answer.h"
#include "json_writer.h"
#include "key_space.h"
#include "options.h"
#include "pacer.h"
#include "recorder.h"
#include "rpc.pb.h"
#include "sources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace quorate::load {
namespace {

TEST(Histogram, PercentilesStayWithinABucketOfTheTruth) {
    Random random(7);
    std::vector<int64_t> values;
    Histogram histogram;
    for (int i = 0; i < 20'000; ++i) {
        // All magnitudes up to a second.
        const auto value = static_cast<int64_t>(random.next() >> (34 + random.below(30)));
        values.push_back(value);
        histogram.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const auto rank = static_cast<size_t>(
            std::max(1.0, std::ceil(static_cast<double>(values.size()) * percent / 100)));
        const int64_t truth = values[rank - 1];
        EXPECT_GE(histogram.percentile(percent), truth);
        EXPECT_LE(histogram.percentile(percent), truth + truth / 100 + 1);
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.percentile(100), values.back());
}

TEST(Histogram, MergeEqualsRecordingEverythingInOne) {
    Histogram a, b, both;
    for (int64_t i = 1; i < 5000; ++i) {
        (i % 3 == 0 ? a : b).record(i * i);
        both.record(i * i);
    }
    a.merge(b);
    EXPECT_EQ(a.count(), both.count());
    EXPECT_EQ(a.max(), both.max());
    EXPECT_DOUBLE_EQ(a.mean(), both.mean());
    EXPECT_EQ(a.percentile(99), both.percentile(99));
    a.clear();
    EXPECT_EQ(a.count(), 0U);
    EXPECT_EQ(a.percentile(99), 0);
}

TEST(Histogram, ValuesBeyondTheRangeCountAsItsEnds) {
    Histogram histogram;
    histogram.record(-5);
    histogram.record(Histogram::kMaxNs * 4);
    EXPECT_EQ(histogram.count(), 2U);
    EXPECT_EQ(histogram.percentile(1), 0);
    EXPECT_EQ(histogram.max(), Histogram::kMaxNs);
}

TEST(KeySpace, ByteOrderIsNumberOrderAndSizesStayInBounds) {
    const KeyShape shape{.prefix = "p/", .size_min = 10, .size_max = 32, .count = 3000};
    std::string previous, key;
    std::set<size_t> sizes;
    for (uint64_t i = 0; i < shape.count; ++i) {
        make_key(shape, i, key);
        EXPECT_LT(previous, key);
        EXPECT_GE(key.size(), shape.size_min);
        EXPECT_LE(key.size(), shape.size_max);
        sizes.insert(key.size());
        previous = key;
    }
    EXPECT_EQ(sizes.size(), 23U);
}

TEST(KeyPicker, SequentialLanesDealOutAllKeys) {
    std::set<uint64_t> seen;
    for (uint64_t lane = 0; lane < 3; ++lane) {
        KeyPicker picker(Order::kSequential, 99, {lane, 3}, 1);
        for (int i = 0; i < 33; ++i) {
            seen.insert(picker.next());
        }
    }
    EXPECT_EQ(seen.size(), 99U);
}

TEST(KeyPicker, ZipfIsSkewedAndStaysInRange) {
    constexpr uint64_t kCount = 1000;
    KeyPicker picker(Order::kZipf, kCount, {0, 1}, 1);
    std::vector<int> hits(kCount);
    for (int i = 0; i < 100'000; ++i) {
        ++hits.at(picker.next());
    }
    std::sort(hits.rbegin(), hits.rend());
    EXPECT_GT(hits[0], 10'000);  // the first rank has a share of 1/zeta(1000), about 13 %
    EXPECT_LT(hits[kCount / 2], 200);
}

TEST(KeyPicker, EveryOrderWorksOnOneKey) {
    for (const Order order : {Order::kSequential, Order::kRandom, Order::kZipf}) {
        KeyPicker picker(order, 1, {0, 1}, 1);
        for (int i = 0; i < 10; ++i) {
            EXPECT_EQ(picker.next(), 0U);
        }
    }
}

TEST(Pacer, OpenLoopKeepsIntendedTimesWhenItIsLate) {
    Pacer pacer(Schedule{.start_ns = 1000, .end_ns = 2000, .interval_ns = 100});
    EXPECT_EQ(pacer.take(999), std::nullopt);
    EXPECT_EQ(pacer.take(1000), 1000);
    EXPECT_EQ(pacer.take(1050), std::nullopt);
    EXPECT_EQ(pacer.next_due_ns(), 1100);
    EXPECT_EQ(pacer.take(1350), 1100);
    EXPECT_EQ(pacer.take(1350), 1200);
    EXPECT_EQ(pacer.take(1350), 1300);
    EXPECT_EQ(pacer.take(1350), std::nullopt);
    EXPECT_FALSE(pacer.exhausted(1999));
    EXPECT_TRUE(pacer.exhausted(2000));
    EXPECT_EQ(pacer.unsent(2500), 6U);
}

TEST(Pacer, ClosedLoopIsAlwaysDueUntilCountOrEnd) {
    Pacer counted(Schedule{.start_ns = 0, .count = 2});
    EXPECT_EQ(counted.take(5), 5);
    EXPECT_EQ(counted.take(6), 6);
    EXPECT_EQ(counted.take(7), std::nullopt);
    EXPECT_TRUE(counted.exhausted(7));
    EXPECT_EQ(counted.next_due_ns(), kNever);
    Pacer timed(Schedule{.start_ns = 0, .end_ns = 10});
    EXPECT_EQ(timed.take(9), 9);
    EXPECT_EQ(timed.take(10), std::nullopt);
    EXPECT_EQ(timed.unsent(10), 0U);
}

TEST(Recorder, CountsOnlyTheWindowButKeepsLateAnswersLatencies) {
    Recorder recorder;
    recorder.set_window(100, 200);
    recorder.complete(Kind::kPut, 50, 99);
    recorder.complete(Kind::kPut, 90, 120);
    recorder.complete(Kind::kPut, 150, 900);
    EXPECT_EQ(recorder.completed(Kind::kPut), 1U);
    EXPECT_EQ(recorder.latency(Kind::kPut).count(), 2U);
    EXPECT_EQ(recorder.latency(Kind::kPut).max(), 750);
    Recorder other;
    other.fail("x");
    recorder.fail("x", 2);
    recorder.merge(other);
    EXPECT_EQ(recorder.failures().at("x"), 3U);
}

TEST(Grpc, PercentDecodingLeavesWhatIsNotValid) {
    EXPECT_EQ(percent_decode("a%20b%C3%A4%"), "a b\xc3\xa4%");
    EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
    EXPECT_EQ((GrpcStatus{5, "gone"}).describe(), "NotFound (5): gone");
    EXPECT_EQ((GrpcStatus{99, "odd"}).describe(), "code 99: odd");
}

TEST(Endpoint, OnlyLoopbackIsAccepted) {
    for (const char* good : {"127.0.0.1:1", "127.9.8.7:65535", "localhost:2379", "[::1]:2379",
                             "http://127.0.0.1:2379"}) {
        EXPECT_TRUE(Endpoint::parse(good).has_value()) << good;
    }
    for (const char* bad :
         {"10.0.0.1:2379", "example.org:2379", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x",
          "127.0.0.1:70000", "0.0.0.0:2379", "", "127.evil.org:1"}) {
        EXPECT_FALSE(Endpoint::parse(bad).has_value()) << bad;
    }
    EXPECT_EQ(Endpoint::parse("[::1]:2379").value().host, "::1");
}

TEST(JsonWriter, QuotesAndSeparates) {
    JsonWriter json;
    json.open_object();
    json.field("a\"b", "c\\\n");
    json.open_array("list");
    json.open_object();
    json.field("n", uint64_t{1});
    json.close_object();
    json.open_object();
    json.close_object();
    json.close_array();
    json.field("d", 0.5);
    json.close_object();
    EXPECT_EQ(json.text(), R"({"a\"b":"c\\\u000a","list":[{"n":1},{}],"d":0.500})");
}

Result<Options> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "quorate-load");
    return Options::parse(static_cast<int>(words.size()), words.data());
}

TEST(Options, DefaultsAndLists) {
    const Result<Options> options = parse({"get", "-e", "127.0.0.1:1,127.0.0.2:2", "--server-pid",
                                           "3,4", "--key-size", "8-32", "--consistency", "s"});
    ASSERT_TRUE(options.has_value()) << options.error().message();
    EXPECT_EQ((*options).workload, Workload::kGet);
    EXPECT_EQ((*options).endpoints.size(), 2U);
    EXPECT_EQ((*options).server_pids, (std::vector<int>{3, 4}));
    EXPECT_EQ((*options).keys.size_max, 32U);
    EXPECT_TRUE((*options).serializable);
}

TEST(Options, RefusesWhatMakesNoSense) {
    const std::vector<std::vector<const char*>> bad = {
        {},
        {"frobnicate"},
        {"put", "extra"},
        {"put", "--nope"},
        {"put", "--conn", "3"},  // no guessing of abbreviations
        {"put", "-c", "0"},
        {"put", "-c", "many"},
        {"put", "-t", "2"},
        {"put", "-d", "0"},
        {"put", "-r", "-1"},
        {"put", "--key-size", "4"},
        {"put", "--key-size", "32-16"},
        {"put", "--order", "upwards"},
        {"put", "-e", "192.168.1.1:2379"},
        {"put", "--server-pid", "x"},
        {"range", "-k", "10", "--range-keys", "11"},
        {"watch", "--value-size", "8"},
        {"watch", "--watch-window", "0"},
        {"watch", "--watchers", "1", "--watch-streams", "2"},
        {"lease", "--leases", "0"},
        {"put", "--gateway", "-m", "2"},
        {"watch", "--gateway"},
    };
    for (const auto& words : bad) {
        EXPECT_FALSE(parse(words).has_value()) << (words.empty() ? "(none)" : words.back());
    }
}

TEST(Http1Answer, IsReadWholeAndNotBefore) {
    const std::string counted =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 4\r\n\r\nbody";
    const std::string chunked =
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        "3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n";
    for (const std::string& whole : {counted, chunked}) {
        Http1Answer answer;
        for (size_t size = 0; size < whole.size(); ++size) {
            EXPECT_EQ(read_http1_answer(whole.substr(0, size), answer), Http1Progress::kMore);
        }
        ASSERT_EQ(read_http1_answer(whole + "rest", answer), Http1Progress::kDone);
        EXPECT_EQ(answer.body, "body");
        EXPECT_EQ(answer.size, whole.size());
        EXPECT_EQ(answer.status, &whole == &counted ? 200 : answer.status);
        EXPECT_EQ(answer.closes, answer.status == 404);
    }
    Http1Answer answer;
    for (const char* bad : {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"}) {
        EXPECT_EQ(read_http1_answer(bad, answer), Http1Progress::kMalformed) << bad;
    }
}

TEST(GatewayCodec, SpeaksJson) {
    const GatewayCodec codec;
    etcdserverpb::PutRequest put;
    put.set_key("foo");
    put.set_value("bar");
    std::string json;
    codec.append_request(Method::kPut, put, json);
    EXPECT_EQ(json, R"({"key":"Zm9v","value":"YmFy"})");
    EXPECT_EQ(codec.route(Method::kPut), "/v3/kv/put");
    const auto answer = codec.read_answer(Method::kPut, R"({"header":{"revision":"7"}})");
    ASSERT_TRUE(answer.has_value());
    etcdserverpb::PutResponse response;
    ASSERT_TRUE(response.ParseFromString(*answer));
    EXPECT_EQ(response.header().revision(), 7);
    for (const char* bad : {"", "[]", "{", R"({"header":7})"}) {
        EXPECT_FALSE(codec.read_answer(Method::kPut, bad).has_value()) << bad;
    }
    EXPECT_FALSE(codec.knows(Method::kWatch));
}

template <typename Answer>
std::string bytes_of(const Answer& answer) {
    return answer.SerializeAsString();
}

TEST(Sources, GetNoticesAnotherKey) {
    const Options options = parse({"get", "-k", "10"}).value();
    const auto source = make_source(options, {0, 1});
    const Request request = *source->next();
    const auto& asked = static_cast<const etcdserverpb::RangeRequest&>(*request.message);
    etcdserverpb::RangeResponse answer;
    answer.mutable_header()->set_revision(7);
    EXPECT_NE(source->check(request.kind, request.tag, bytes_of(answer)), nullptr);
    mvccpb::KeyValue& kv = *answer.add_kvs();
    kv.set_key(asked.key());
    kv.set_mod_revision(5);
    answer.set_count(1);
    EXPECT_EQ(source->check(request.kind, request.tag, bytes_of(answer)), nullptr);
    kv.set_key(asked.key() + "x");
    EXPECT_NE(source->check(request.kind, request.tag, bytes_of(answer)), nullptr);
    EXPECT_NE(source->check(request.kind, request.tag, "\xff\xff"), nullptr);
}

TEST(Sources, RangeNoticesMissingAndOtherKeys) {
    const Options options =
        parse({"range", "-k", "100", "--range-keys", "10", "--limit", "4"}).value();
    const auto source = make_source(options, {0, 1});
    const Request request = *source->next();
    etcdserverpb::RangeResponse answer;
    std::string key;
    for (uint64_t i = 0; i < 4; ++i) {
        make_key(options.keys, request.tag + i, key);
        answer.add_kvs()->set_key(key);
    }
    answer.set_count(10);
    answer.set_more(true);
    EXPECT_EQ(source->check(request.kind, request.tag, bytes_of(answer)), nullptr);
    EXPECT_NE(source->check(request.kind, request.tag + 1, bytes_of(answer)), nullptr);
    EXPECT_NE(source->check(request.kind, request.tag, bytes_of(answer).substr(1)), nullptr);
    answer.set_more(false);
    EXPECT_NE(source->check(request.kind, request.tag, bytes_of(answer)), nullptr);
    answer.set_more(true);
    answer.mutable_kvs()->RemoveLast();
    EXPECT_NE(source->check(request.kind, request.tag, bytes_of(answer)), nullptr);
}

TEST(Sources, DeleteTakesEachKeyOnce) {
    const Options options = parse({"delete", "-k", "10", "-c", "2", "-t", "2"}).value();
    std::set<std::string> keys;
    for (uint64_t lane = 0; lane < 2; ++lane) {
        const auto source = make_source(options, {lane, 2});
        while (const auto request = source->next()) {
            keys.insert(
                static_cast<const etcdserverpb::DeleteRangeRequest&>(*request->message).key());
        }
    }
    EXPECT_EQ(keys.size(), 10U);
}

TEST(Sources, PreloadPutsEachKeyOnceOverAllLanes) {
    const Options options = parse({"get", "-p", "1234"}).value();
    std::set<std::string> keys;
    size_t puts = 0;
    for (uint64_t lane = 0; lane < 3; ++lane) {
        const auto source = make_preload_source(options, {lane, 3});
        while (const auto request = source->next()) {
            const auto& txn = static_cast<const etcdserverpb::TxnRequest&>(*request->message);
            EXPECT_LE(txn.success_size(), 128);
            for (const auto& op : txn.success()) {
                keys.insert(op.request_put().key());
                ++puts;
            }
        }
    }
    EXPECT_EQ(keys.size(), 1234U);
    EXPECT_EQ(puts, 1234U);
}

TEST(Sources, MixedKeepsTheRatio) {
    const Options options = parse({"mixed", "--read-ratio", "0.25"}).value();
    const auto source = make_source(options, {0, 1});
    int gets = 0;
    for (int i = 0; i < 10'000; ++i) {
        gets += source->next()->kind == Kind::kGet ? 1 : 0;
    }
    EXPECT_NEAR(gets, 2500, 200);
}

}  // namespace
}  // namespace quorate::load
