// SPDX-License-Identifier: Apache-2.0
#include "wal/reader.h"

#include "base/errors.h"
#include "wal/wal_fixture.h"

namespace quorate::wal {
namespace {

// The frames of one segment, as the dump tool walks them.
class ReaderTest : public WalFixture {
  protected:
    SegmentReader reader() {
        auto opened = SegmentReader::open(fs_, path_of(segments().back()));
        EXPECT_TRUE(opened.has_value()) << opened.error().message();
        return std::move(opened).value();
    }
};

TEST_F(ReaderTest, GivesFramesInOrderWithTheirPlaces) {
    create();
    append_synced(1, 1, 2);
    append_synced(1, 3, 3, 5000);
    ASSERT_TRUE(wal_->close().ok());
    SegmentReader reader = this->reader();
    EXPECT_EQ(reader.header().identity, kIdentity);
    std::vector<uint64_t> offsets;
    std::vector<size_t> counts;
    for (;;) {
        auto frame = reader.next(0);
        ASSERT_TRUE(frame.has_value()) << frame.error().message();
        if (!frame->has_value()) {
            break;
        }
        offsets.push_back((*frame)->offset / kBlockBytes);
        counts.push_back((*frame)->content.entries.size());
    }
    EXPECT_EQ(offsets, (std::vector<uint64_t>{1, 2, 3, 5}));
    EXPECT_EQ(counts, (std::vector<size_t>{0, 2, 1, 0}));
    EXPECT_EQ(reader.last_kind(), FrameKind::kClose);
    EXPECT_EQ(reader.frame_count(), 4u);
    EXPECT_EQ(reader.position().offset, 6 * kBlockBytes);
    EXPECT_EQ(reader.position().synced, 5 * kBlockBytes) << "what the last frame vouches for";
    const auto tail = reader.inspect_tail();
    EXPECT_EQ(tail->clean_from, 6 * kBlockBytes);
    EXPECT_FALSE(tail->vouched_by.has_value());
}

TEST_F(ReaderTest, ReadsFramesLargerThanItsWindow) {
    options_.segment_bytes = 16 * 1024 * 1024;
    create();
    append_synced(1, 1, 1, 3 * 1024 * 1024);
    append_synced(1, 2, 2);
    SegmentReader reader = this->reader();
    std::vector<Bytes> found;
    for (;;) {
        auto frame = reader.next(0);
        ASSERT_TRUE(frame.has_value()) << frame.error().message();
        if (!frame->has_value()) {
            break;
        }
        for (const raft::Entry& entry : (*frame)->content.entries) {
            found.emplace_back(entry.data());
        }
    }
    EXPECT_TRUE(found == (std::vector<Bytes>{text(1, 1, 3 * 1024 * 1024), text(1, 2, 100)}));
}

TEST_F(ReaderTest, TellsATornTailFromDamage) {
    create();
    append_synced(1, 1, 1);
    const std::string path = path_of(segments().back());
    append(1, 2, 2);
    append(1, 3, 3);
    wal_.reset();
    // Entry 2 is bad, 3 was written before 2 was known to be synced.
    fs_.flip(path, 3 * kBlockBytes + 100, 1);
    {
        SegmentReader torn = this->reader();
        while (torn.next(0)->has_value()) {
        }
        EXPECT_EQ(torn.position().offset, 3 * kBlockBytes);
        const auto tail = torn.inspect_tail();
        EXPECT_EQ(tail->clean_from, 5 * kBlockBytes);
        EXPECT_FALSE(tail->vouched_by.has_value());
    }
    // Entry 1 is bad, and 2 and 3 were written after its sync.
    fs_.flip(path, 2 * kBlockBytes + 100, 1);
    SegmentReader damaged = this->reader();
    while (damaged.next(0)->has_value()) {
    }
    EXPECT_EQ(damaged.position().offset, 2 * kBlockBytes);
    EXPECT_EQ(damaged.inspect_tail()->vouched_by, 4 * kBlockBytes);
}

TEST_F(ReaderTest, MissingFilesAreToldApart) {
    EXPECT_TRUE(SegmentReader::open(fs_, "/nothing").error().is(errors::kFileNotFound));
}

}  // namespace
}  // namespace quorate::wal
