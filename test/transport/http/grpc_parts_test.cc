// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/grpc_frame.h"
#include "plugins/transport/http/grpc_request.h"
#include "plugins/transport/http/grpc_status.h"
#include "plugins/transport/http/grpc_timeout.h"
#include "plugins/transport/http/gzip.h"
#include "transport/http/gzip_util.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>
#include <vector>

namespace quorate::http {
namespace {

using Result = MessageReader::Result;

std::string framed(std::string_view text, char flag = 0) {
    const auto prefix = message_prefix(text.size());
    return flag + std::string(prefix.data() + 1, 4) + std::string(text);
}

TEST(GrpcTimeout, ReadsEveryUnitRoundedUp) {
    EXPECT_EQ(parse_grpc_timeout("2H"), 7200000);
    EXPECT_EQ(parse_grpc_timeout("3M"), 180000);
    EXPECT_EQ(parse_grpc_timeout("5S"), 5000);
    EXPECT_EQ(parse_grpc_timeout("7m"), 7);
    EXPECT_EQ(parse_grpc_timeout("1001u"), 2);
    EXPECT_EQ(parse_grpc_timeout("1000n"), 1);
    EXPECT_EQ(parse_grpc_timeout("999n"), 0);
    EXPECT_EQ(parse_grpc_timeout("0n"), 0);
    EXPECT_EQ(parse_grpc_timeout("99999999H"), 99999999LL * 3600 * 1000);
}

TEST(GrpcTimeout, RefusesWhatGrpcGoRefuses) {
    for (const char* text :
         {"", "1", "S", "100000000S", "1s", "-1S", "1.5S", " 1S", "1S ", "x1S"}) {
        EXPECT_FALSE(parse_grpc_timeout(text)) << text;
    }
    EXPECT_EQ(grpc_timeout_error("1"),
              "malformed grpc-timeout: transport: timeout string is too short: \"1\"");
    EXPECT_EQ(grpc_timeout_error("1x"),
              "malformed grpc-timeout: transport: timeout unit is not recognized: \"1x\"");
    EXPECT_EQ(grpc_timeout_error("a1S"),
              "malformed grpc-timeout: strconv.ParseInt: parsing \"a1\": invalid syntax");
}

TEST(GrpcStatus, PercentEncodesAllButPrintableAscii) {
    EXPECT_EQ(percent_encode("etcdserver: key not found"), "etcdserver: key not found");
    EXPECT_EQ(percent_encode("100%\n\xc3\xa9"), "100%25%0A%C3%A9");
    EXPECT_EQ(percent_encode(""), "");
}

TEST(MessageReader, GivesAWholePieceWithoutCopying) {
    MessageReader reader(100);
    const std::string input = framed("hello");
    const auto step = reader.next(input);
    ASSERT_EQ(step.result, Result::kMessage);
    EXPECT_EQ(step.message.data(), input.data() + kMessagePrefixBytes);
    EXPECT_EQ(step.message, "hello");
    EXPECT_EQ(step.used, input.size());
    EXPECT_TRUE(reader.at_boundary());
}

TEST(MessageReader, RefusesTooLargeAtItsPrefixAlready) {
    MessageReader reader(4);
    const auto step = reader.next(framed("hello").substr(0, kMessagePrefixBytes));
    EXPECT_EQ(step.result, Result::kTooLarge);
    EXPECT_EQ(step.announced, 5U);
    MessageReader fits(5);
    EXPECT_EQ(fits.next(framed("hello")).result, Result::kMessage);
}

TEST(MessageReader, RefusesUnknownFlags) {
    MessageReader reader(100);
    const auto step = reader.next(framed("x", 2));
    EXPECT_EQ(step.result, Result::kBadFlag);
    EXPECT_EQ(step.flag, 2);
}

TEST(MessageReader, HoldsNoMoreThanWhatCame) {
    MessageReader reader(UINT32_MAX);
    EXPECT_EQ(reader.next(std::string("\0\xff\xff\xff\xff", 5)).result, Result::kNeedMore);
    EXPECT_EQ(reader.held_bytes(), 5U);
    EXPECT_EQ(reader.expected_bytes(), 5ULL + UINT32_MAX);
    EXPECT_FALSE(reader.at_boundary());
}

// The twin: all messages of a stream, cut at random places, come out as they went in.
TEST(MessageReader, AgreesWithItsInputHoweverItIsCut) {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> sent;
        std::string stream;
        for (int i = 0; i < 10; ++i) {
            const size_t size = random() % 3 == 0 ? 0 : random() % 6000;
            sent.emplace_back(size, static_cast<char>('a' + i));
            stream += framed(sent.back());
        }
        MessageReader reader(6000);
        std::vector<std::string> got;
        size_t at = 0;
        while (at < stream.size()) {
            const size_t piece = std::min<size_t>(stream.size() - at, 1 + random() % 4000);
            std::string_view input = std::string_view(stream).substr(at, piece);
            at += piece;
            while (!input.empty()) {
                const auto step = reader.next(input);
                input.remove_prefix(step.used);
                if (step.result == Result::kMessage) {
                    got.emplace_back(step.message);
                }
            }
        }
        ASSERT_EQ(got, sent);
        ASSERT_TRUE(reader.at_boundary());
    }
}

TEST(Gunzip, Unpacks) {
    const std::string text(100000, 'x');
    std::string out = "old";
    EXPECT_EQ(gunzip(testing::gzip(text), text.size(), out), GunzipResult::kOk);
    EXPECT_EQ(out, text);
    EXPECT_EQ(gunzip(testing::gzip(""), 0, out), GunzipResult::kOk);
    EXPECT_EQ(out, "");
}

TEST(Gunzip, StopsAtTheBound) {
    const std::string bomb = testing::gzip(std::string(50 << 20, '\0'));
    std::string out;
    EXPECT_EQ(gunzip(bomb, 1000000, out), GunzipResult::kTooLarge);
    EXPECT_LE(out.size(), 1000001U);
}

TEST(Gunzip, RefusesDamage) {
    const std::string good = testing::gzip("some text that is long enough");
    std::string out;
    EXPECT_EQ(gunzip("", 100, out), GunzipResult::kDamaged);
    EXPECT_EQ(gunzip("not gzip at all", 100, out), GunzipResult::kDamaged);
    EXPECT_EQ(gunzip(good.substr(0, good.size() - 3), 100, out), GunzipResult::kDamaged);
    EXPECT_EQ(gunzip(good + "x", 100, out), GunzipResult::kDamaged);
    std::string flipped = good;
    flipped[good.size() - 6] = static_cast<char>(flipped[good.size() - 6] ^ 1);
    EXPECT_EQ(gunzip(flipped, 100, out), GunzipResult::kDamaged);
}

constexpr uint32_t kBoth = QUORATE_SERVE_GRPC | QUORATE_SERVE_HTTP;

RequestHead grpc_head(std::string_view type) {
    RequestHead head;
    head.set_method("POST");
    head.set_content_type(type);
    return head;
}

TEST(Classify, KnowsGrpcByItsContentType) {
    for (const char* type :
         {"application/grpc", "application/grpc+proto", "application/grpc;x=y"}) {
        const RequestKind kind = classify(grpc_head(type), kBoth);
        EXPECT_EQ(kind.protocol, QUORATE_PROTOCOL_GRPC) << type;
        EXPECT_FALSE(kind.refusal) << type;
    }
    EXPECT_EQ(classify(grpc_head("application/json"), kBoth).protocol, QUORATE_PROTOCOL_HTTP);
    EXPECT_EQ(classify(grpc_head(""), kBoth).protocol, QUORATE_PROTOCOL_HTTP);
}

TEST(Classify, RefusesAsGrpcGoDoes) {
    EXPECT_EQ(classify(grpc_head("application/grpcx"), kBoth).refusal->http_status, 415U);
    EXPECT_EQ(classify(grpc_head("text/plain"), QUORATE_SERVE_GRPC).refusal->text,
              "invalid gRPC request content-type \"text/plain\"");
    EXPECT_EQ(classify(grpc_head("application/grpc"), QUORATE_SERVE_HTTP).refusal->code,
              QUORATE_UNIMPLEMENTED);
    RequestHead get = grpc_head("application/grpc");
    get.set_method("GET");
    EXPECT_EQ(classify(get, kBoth).refusal->http_status, 405U);
    RequestHead late = grpc_head("application/grpc");
    late.set_grpc_timeout("soon");
    EXPECT_EQ(classify(late, kBoth).refusal->http_status, 400U);
    RequestHead packed = grpc_head("application/grpc");
    packed.set_grpc_encoding("snappy");
    EXPECT_EQ(classify(packed, kBoth).refusal->text,
              "grpc: Decompressor is not installed for grpc-encoding \"snappy\"");
}

}  // namespace
}  // namespace quorate::http
