// SPDX-License-Identifier: Apache-2.0
//
// Files that are not what they should be.
#include "snapshot/reader.h"

#include "base/errors.h"
#include "fixture.h"
#include "snapshot/restore.h"
#include "storage/mem_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quorate::snapshot {
namespace {

using storage::MemBackend;
using testing::HasSubstr;

constexpr size_t kPageBytes = 1024;

Bytes good_file() {
    MemBackend from;
    fill(from, 3, {.revisions = 200, .value_bytes_max = 3000});
    return write_all(from, {.page_bytes = kPageBytes});
}

// What opening and walking the file ends with.
Status read(const Bytes& content, HashCheck hash_check = HashCheck::kRequired) {
    FaultFileSystem fs;
    put_file(fs, "/s", content);
    const auto reader = Reader::open(fs, "/s", hash_check);
    if (!reader) {
        return reader.error();
    }
    if (const auto status = (*reader)->status(); !status) {
        return status.error();
    }
    MemBackend to;
    return restore(**reader, to, {}).error();
}

TEST(ReaderTest, AGoodFileIsGood) {
    EXPECT_EQ(read(good_file()).message(), Status().message());
}

TEST(ReaderTest, AFlippedBitIsRefusedWithItsPage) {
    const Bytes good = good_file();
    const size_t pages = good.size() / kPageBytes;
    size_t named = 0;
    for (size_t at = 5; at < good.size(); at += 397) {
        Bytes bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        const Status status = read(bad);
        ASSERT_TRUE(status.is(errors::kDamaged)) << at << status.message();
        EXPECT_THAT(status.message(), HasSubstr("/s"));
        const std::string page = "page " + std::to_string(at / kPageBytes) + " was changed";
        named += status.message().find(page) != std::string::npos ? 1U : 0U;
    }
    // All but the few of the last bucket, where the checksums are themselves.
    EXPECT_GT(named, (good.size() / 397) * 9 / 10);
    EXPECT_GT(pages, 100u);
}

TEST(ReaderTest, WithoutTheHashWhatIsWrongIsStillReadSafely) {
    // Without the hash nothing protects values, but what can be read must be read safely.
    const Bytes good = good_file();
    for (size_t at = 0; at < 20 * kPageBytes; at += 17) {
        Bytes bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0xff);
        const Status status = read(bad, HashCheck::kSkipped);
        EXPECT_TRUE(status.ok() || status.is(errors::kDamaged) || status.is(errors::kNewerFormat))
            << status.message();
    }
}

TEST(ReaderTest, ATruncatedFileIsRefused) {
    const Bytes good = good_file();
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{79}, size_t{80}, kPageBytes,
                               good.size() / 2, good.size() / 1024 * 1024 / 2 + 32,
                               good.size() - 33, good.size() - 32, good.size() - 1}) {
        const Status status = read(good.substr(0, bytes));
        EXPECT_TRUE(status.is(errors::kDamaged)) << bytes << status.message();
        EXPECT_THAT(status.message(), HasSubstr("/s")) << bytes;
    }
    EXPECT_THAT(read(good.substr(0, good.size() / 2048 * 1024)).message(), HasSubstr("cut short"));
    EXPECT_THAT(read(good.substr(0, good.size() - 32)).message(), HasSubstr("no SHA-256"));
    EXPECT_TRUE(read(good.substr(0, good.size() - 32), HashCheck::kSkipped).ok());
}

TEST(ReaderTest, AWrongHashIsRefusedAndShown) {
    Bytes bad = good_file();
    bad.back() = static_cast<char>(bad.back() ^ 1);
    const Status status = read(bad);
    EXPECT_TRUE(status.is(errors::kDamaged));
    EXPECT_THAT(status.message(), HasSubstr("SHA-256"));
    EXPECT_TRUE(read(bad, HashCheck::kSkipped).ok());
}

TEST(ReaderTest, OtherFilesAreNamedForWhatTheyAreNot) {
    EXPECT_THAT(read(Bytes(5000, 'x')).message(), HasSubstr("no snapshot"));
    EXPECT_THAT(read("just a text\n").message(), HasSubstr("no snapshot"));
    FaultFileSystem fs;
    EXPECT_TRUE(Reader::open(fs, "/none", HashCheck::kRequired).error().is(errors::kFileNotFound));
}

TEST(ReaderTest, ANewerDatabaseIsRefused) {
    Bytes newer = good_file();
    for (const size_t meta : {size_t{0}, kPageBytes}) {
        newer[meta + bbolt::kPageHeaderBytes + 4] = 3;
    }
    EXPECT_TRUE(read(newer).is(errors::kNewerFormat)) << read(newer).message();
}

TEST(ReaderTest, ANewerStorageVersionIsRefused) {
    // The same length, so that nothing else moves; the hash is not looked at.
    Bytes newer = good_file();
    const size_t at = newer.find("storageVersion3.6.0");
    ASSERT_NE(at, Bytes::npos);
    newer.replace(at + 14, 5, "3.8.0");
    const Status status = read(newer, HashCheck::kSkipped);
    EXPECT_TRUE(status.is(errors::kNewerFormat)) << status.message();
    EXPECT_THAT(status.message(), HasSubstr("3.8.0"));
}

// One of two meta pages is enough, as after a crash of who wrote the file.
TEST(ReaderTest, TheOtherMetaPageHelps) {
    for (const size_t meta : {size_t{0}, kPageBytes}) {
        Bytes bad = good_file();
        bad[meta + bbolt::kPageHeaderBytes + 20] ^= 1;
        EXPECT_TRUE(read(bad, HashCheck::kSkipped).ok());
        EXPECT_FALSE(read(bad).ok());
    }
}

}  // namespace
}  // namespace quorate::snapshot
