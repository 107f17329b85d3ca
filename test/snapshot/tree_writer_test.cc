// SPDX-License-Identifier: Apache-2.0
#include "snapshot/tree_writer.h"

#include "base/fault_file_system.h"
#include "fixture.h"
#include "snapshot/bucket_cursor.h"
#include "snapshot/page_file.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace quorate::snapshot {
namespace {

constexpr size_t kPageBytes = 1024;

// A database whose tree of buckets is these rows.
Bytes make_file(const std::map<Bytes, Bytes>& rows) {
    Bytes pages;
    PageOutput counting(kPageBytes, 2, nullptr);
    PageOutput output(kPageBytes, 2, &pages);
    TreeWriter measured(counting);
    TreeWriter written(output);
    for (const auto& [key, value] : rows) {
        measured.add({.key = key, .value = value});
        written.add({.key = key, .value = value});
    }
    const bbolt::PageId root = written.finish();
    EXPECT_EQ(measured.finish(), root);
    EXPECT_EQ(counting.next_page(), output.next_page());
    EXPECT_EQ(pages.size(), (output.next_page() - 2) * kPageBytes);
    Bytes file;
    for (bbolt::PageId page = 0; page < 2; ++page) {
        bbolt::append(file, bbolt::PageHeader{.id = page, .flags = bbolt::kMetaPage});
        bbolt::append(file, bbolt::Meta{.page_bytes = kPageBytes,
                                        .root = {.root = root},
                                        .freelist = bbolt::kNoFreelist,
                                        .page_count = output.next_page(),
                                        .transaction = page});
        file.resize((page + 1) * kPageBytes, '\0');
    }
    return file + pages;
}

std::map<Bytes, Bytes> read_file(const Bytes& content) {
    FaultFileSystem fs;
    put_file(fs, "/t", content);
    const auto file = PageFile::open(fs, "/t");
    EXPECT_TRUE(file.has_value()) << file.error().message();
    auto cursor = BucketCursor::open(**file, (*file)->meta().root.root);
    EXPECT_TRUE(cursor.has_value()) << cursor.error().message();
    std::map<Bytes, Bytes> rows;
    while (true) {
        const auto row = cursor->next();
        EXPECT_TRUE(row.has_value()) << row.error().message();
        if (!row || !row->has_value()) {
            return rows;
        }
        rows.emplace((*row)->key, (*row)->value);
    }
}

TEST(TreeWriterTest, TreesOfAllSizesReadBack) {
    std::mt19937_64 random(4);
    for (size_t count = 0; count < 3000; count = count * 3 / 2 + 1) {
        SCOPED_TRACE(count);
        std::map<Bytes, Bytes> rows;
        while (rows.size() < count) {
            rows[std::to_string(random() % 100000)] =
                Bytes(static_cast<size_t>(random() % 100), static_cast<char>(random() % 256));
        }
        EXPECT_EQ(read_file(make_file(rows)), rows);
    }
}

TEST(TreeWriterTest, LongRowsGoOnOverPages) {
    std::mt19937_64 random(5);
    std::map<Bytes, Bytes> rows;
    for (int i = 0; i < 300; ++i) {
        const size_t longest = i % 10 == 0 ? 20000 : 900;
        rows[Bytes(1 + random() % 700, static_cast<char>('a' + i % 26)) + std::to_string(i)] =
            Bytes(static_cast<size_t>(random() % longest), 'v');
    }
    EXPECT_EQ(read_file(make_file(rows)), rows);
}

// To the byte: one more does not fit.
TEST(TreeWriterTest, APageIsFilledToItsEnd) {
    const size_t room = kPageBytes - bbolt::kPageHeaderBytes - 2 * bbolt::kElementBytes - 2;
    for (const size_t over : {size_t{0}, size_t{1}}) {
        PageOutput output(kPageBytes, 2, nullptr);
        TreeWriter tree(output);
        tree.add({.key = "a", .value = Bytes(room, 'v')});
        tree.add({.key = "b", .value = Bytes(over, 'v')});
        tree.finish();
        EXPECT_EQ(output.next_page(), over == 0 ? 3u : 5u);
    }
}

}  // namespace
}  // namespace quorate::snapshot
