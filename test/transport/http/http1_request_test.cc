// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http1_request.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace quorate::http {
namespace {

using Result = ChunkDecoder::Result;

TEST(FindHeadEnd, FindsTheEmptyLineInBothForms) {
    EXPECT_EQ(find_head_end("a\r\n\r\nb", 0), 5U);
    EXPECT_EQ(find_head_end("a\n\nb", 0), 3U);
    EXPECT_EQ(find_head_end("a\r\nb\r\n", 0), 0U);
    EXPECT_EQ(find_head_end("", 0), 0U);
}

TEST(FindHeadEnd, FindsItWhereverTheSearchWasBroken) {
    const std::string block = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (size_t cut = 0; cut < block.size(); ++cut) {
        EXPECT_EQ(find_head_end(block.substr(0, cut), 0), 0U);
        EXPECT_EQ(find_head_end(block, cut), block.size()) << cut;
    }
}

TEST(ParseHead, ReadsARequest) {
    RequestHead head;
    const Http1Head out = parse_http1_head(
        "POST /v3/kv/put?x=1 HTTP/1.1\r\nHost: example:2379\r\nContent-Length: 12\r\n"
        "Authorization: token\r\nContent-Type: application/json\r\n\r\n",
        head);
    EXPECT_EQ(out.error_status, 0U);
    EXPECT_EQ(out.content_length, 12U);
    EXPECT_TRUE(out.keep_alive);
    EXPECT_FALSE(out.chunked);
    EXPECT_EQ(head.method(), "POST");
    EXPECT_EQ(head.path(), "/v3/kv/put?x=1");
    EXPECT_EQ(head.authority(), "example:2379");
    ASSERT_EQ(head.headers().size(), 2U);
    EXPECT_EQ(std::string(head.headers()[0].name.data, head.headers()[0].name.size),
              "authorization");
}

TEST(ParseHead, TakesTheHostOfAnAbsoluteTarget) {
    RequestHead head;
    EXPECT_EQ(
        parse_http1_head("GET http://a:1/b?c HTTP/1.1\r\nHost: other\r\n\r\n", head).error_status,
        0U);
    EXPECT_EQ(head.authority(), "a:1");
    EXPECT_EQ(head.path(), "/b?c");
    EXPECT_EQ(parse_http1_head("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", head).error_status, 0U);
    EXPECT_EQ(head.path(), "/");
}

TEST(ParseHead, KnowsWhenAConnectionIsKept) {
    RequestHead head;
    const auto kept = [&](const std::string& text) {
        return parse_http1_head(text + "\r\n\r\n", head).keep_alive;
    };
    EXPECT_TRUE(kept("GET / HTTP/1.1\r\nHost: x"));
    EXPECT_FALSE(kept("GET / HTTP/1.1\r\nHost: x\r\nConnection: close"));
    EXPECT_FALSE(kept("GET / HTTP/1.0"));
    EXPECT_TRUE(kept("GET / HTTP/1.0\r\nConnection: keep-alive"));
}

TEST(ParseHead, RefusesWhatIsMalformedOrAmbiguous) {
    const std::string host = " HTTP/1.1\r\nHost: x\r\n";
    const std::vector<std::pair<std::string, uint32_t>> cases{
        {"GET /\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"G@T /" + host + "\r\n", 400},
        {"GET /" + host + "A b: c\r\n\r\n", 400},
        {"GET /" + host + "A : c\r\n\r\n", 400},
        {"GET /" + host + "A: b\r\n folded\r\n\r\n", 400},
        {"GET /" + host + "A: b\x01\r\n\r\n", 400},
        {"GET /\x7f" + host + "\r\n", 400},
        {"GET /" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"GET /" + host + "Content-Length: +1\r\n\r\n", 400},
        {"GET /" + host + "Content-Length: 1x\r\n\r\n", 400},
        {"GET /" + host + "Content-Length:\r\n\r\n", 400},
        {"GET /" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET /" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {std::string("\0\0\0\r\n\r\n", 7), 400},
    };
    for (const auto& [text, status] : cases) {
        RequestHead head;
        EXPECT_EQ(parse_http1_head(text, head).error_status, status) << text;
    }
}

TEST(ChunkDecoder, JoinsChunksHoweverTheyAreCut) {
    const std::string input =
        "5\r\nhello\r\n1;name=value\r\n \r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nNEXT";
    std::mt19937 random(1);
    for (int round = 0; round < 500; ++round) {
        ChunkDecoder decoder(1000);
        std::string body;
        std::string waiting;
        size_t at = 0;
        Result result = Result::kNeedMore;
        while (result == Result::kNeedMore && at < input.size()) {
            const size_t piece = std::min<size_t>(input.size() - at, 1 + random() % 8);
            waiting += input.substr(at, piece);
            at += piece;
            size_t used = 0;
            result = decoder.decode(waiting, body, used);
            waiting.erase(0, used);
        }
        ASSERT_EQ(result, Result::kDone);
        ASSERT_EQ(body, "hello 0123456789");
        ASSERT_EQ(waiting + input.substr(at), "NEXT");
    }
}

TEST(ChunkDecoder, RefusesDamageAndExcess) {
    const auto decode = [](std::string_view input, uint64_t bytes_max) {
        ChunkDecoder decoder(bytes_max);
        std::string body;
        size_t used = 0;
        return decoder.decode(input, body, used);
    };
    EXPECT_EQ(decode("x\r\n", 10), Result::kMalformed);
    EXPECT_EQ(decode("\r\n", 10), Result::kMalformed);
    EXPECT_EQ(decode("-1\r\n", 10), Result::kMalformed);
    EXPECT_EQ(decode("1\r\nabc\r\n", 10), Result::kMalformed);
    EXPECT_EQ(decode("ffffffffffffffffff\r\n", 10), Result::kMalformed);
    EXPECT_EQ(decode("ffffffffffffffff\r\nx", 10), Result::kTooLarge);
    EXPECT_EQ(decode("b\r\nx", 10), Result::kTooLarge);
    EXPECT_EQ(decode("6\r\n123456\r\n5\r\nx", 10), Result::kTooLarge);
    EXPECT_EQ(decode(std::string(1000, '0'), 10), Result::kMalformed);
    EXPECT_EQ(decode("0\r\n" + std::string(100000, 'x'), 10), Result::kMalformed);
}

}  // namespace
}  // namespace quorate::http
