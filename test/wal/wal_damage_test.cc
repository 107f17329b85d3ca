// SPDX-License-Identifier: Apache-2.0
//
// Damage where the log had been synced: refused with file and byte offset, and nothing is changed.
#include "base/errors.h"
#include "wal/reader.h"
#include "wal/wal_fixture.h"

#include <gtest/gtest.h>

namespace quorate::wal {
namespace {

class WalDamageTest : public WalFixture {
  protected:
    struct Place {
        std::string path;
        uint64_t offset;
        uint64_t bytes;
        bool last_of_log;
    };

    // Four segments with frames of one and of several blocks, all synced.
    void SetUp() override {
        create();
        for (uint64_t index = 1; index <= 40; ++index) {
            append_synced(1, index, index, index % 5 == 0 ? 6000 : 100);
        }
        ASSERT_GE(segments().size(), 4u);
        wal_.reset();
    }

    std::vector<Place> frames() {
        std::vector<Place> out;
        for (const std::string& name : segments()) {
            auto reader = SegmentReader::open(fs_, path_of(name));
            for (;;) {
                auto frame = reader->next(0);
                EXPECT_TRUE(frame.has_value());
                if (!frame->has_value()) {
                    break;
                }
                out.push_back(
                    {path_of(name), (*frame)->offset, (*frame)->header.total_bytes(), false});
            }
        }
        out.back().last_of_log = true;
        return out;
    }

    // Opening fails with kDamaged and a text with `path` and `offset`, and leaves all as it is.
    void expect_refused(const std::string& path, uint64_t offset) {
        const auto before = fs_.content();
        const Status error = try_open();
        EXPECT_TRUE(error.is(errors::kDamaged)) << error.message();
        const std::string expected = path + ": byte offset " + std::to_string(offset) + ": ";
        EXPECT_NE(error.message().find(expected), std::string::npos)
            << error.message() << "\nshould name " << expected;
        EXPECT_EQ(fs_.content(), before);
    }

    void expect_refused_with(const std::string& text) {
        const auto before = fs_.content();
        const Status error = try_open();
        EXPECT_TRUE(error.is(errors::kDamaged)) << error.message();
        EXPECT_NE(error.message().find(text), std::string::npos) << error.message();
        EXPECT_EQ(fs_.content(), before);
    }

    // Puts a file with this content in the place of another.
    void replace_file(const std::string& path, const Bytes& content) {
        static_cast<void>(fs_.remove(path));
        auto file = std::move(fs_.open(path, OpenMode::kCreateNew)).value();
        ASSERT_TRUE(file->write_at(0, content).ok());
    }
};

TEST_F(WalDamageTest, EveryFieldOfEveryFrame) {
    // Tag, checksum, length, kind, parts, synced, previous, zero, payload; and padding below.
    const std::vector<uint64_t> fields = {0, 5, 9, 12, 14, 17, 25, 28, 40};
    size_t refused = 0;
    for (const Place& frame : frames()) {
        std::vector<uint64_t> offsets = fields;
        offsets.push_back(frame.bytes / 2);
        offsets.push_back(frame.bytes - 1);
        for (const uint64_t offset : offsets) {
            SCOPED_TRACE(frame.path + " frame " + std::to_string(frame.offset) + " byte " +
                         std::to_string(offset));
            fs_.flip(frame.path, frame.offset + offset, 0x10);
            if (!frame.last_of_log) {
                expect_refused(frame.path, frame.offset);
                ++refused;
            }
            fs_.flip(frame.path, frame.offset + offset, 0x10);
        }
    }
    EXPECT_GT(refused, 400u);
    reopen();
    EXPECT_EQ(recovered_.last().index, 40u);
}

TEST_F(WalDamageTest, EveryFieldOfTheHeaders) {
    for (const std::string& name : segments()) {
        for (const uint64_t offset : {0U, 9U, 12U, 17U, 25U, 33U, 41U, 49U, 60U, 4095U}) {
            fs_.flip(path_of(name), offset, 0x01);
            expect_refused(path_of(name), 0);
            fs_.flip(path_of(name), offset, 0x01);
        }
    }
}

TEST_F(WalDamageTest, LostBlocks) {
    for (const Place& frame : frames()) {
        if (frame.last_of_log) {
            continue;
        }
        const Bytes good = fs_.content().at(frame.path);
        for (uint64_t at = 0; at < frame.bytes; at += kSectorBytes) {
            Bytes lost = good;
            lost.replace(static_cast<size_t>(frame.offset + at), kSectorBytes,
                         Bytes(kSectorBytes, '\0'));
            if (lost == good) {
                continue;
            }
            replace_file(frame.path, lost);
            expect_refused(frame.path, frame.offset);
        }
        replace_file(frame.path, good);
    }
}

TEST_F(WalDamageTest, AFrameWrittenToAnotherPlace) {
    const auto all = frames();
    const Bytes good = fs_.content().at(all[0].path);
    const Bytes first = good.substr(static_cast<size_t>(all[0].offset), kBlockBytes);
    Bytes misdirected = good;
    misdirected.replace(static_cast<size_t>(all[2].offset), kBlockBytes, first);
    replace_file(all[0].path, misdirected);
    expect_refused(all[0].path, all[2].offset);
}

TEST_F(WalDamageTest, TheLastFrameIsATornTailUnlessTheLogWasClosed) {
    const Place last = frames().back();
    fs_.flip(last.path, last.offset + 40, 0x01);
    reopen();
    EXPECT_EQ(recovered_.last().index, 39u);
    EXPECT_EQ(recovered_.torn_bytes, last.bytes);
    append_synced(1, 40, 40, 6000);
    ASSERT_TRUE(wal_->close().ok());
    wal_.reset();
    fs_.flip(last.path, last.offset + 40, 0x01);
    expect_refused(last.path, last.offset);
}

TEST_F(WalDamageTest, MissingSegments) {
    const auto names = segments();
    const auto content = fs_.content();
    ASSERT_TRUE(fs_.remove(path_of(names[1])).ok());
    expect_refused_with("/data/wal: the segment with sequence 2 is missing");
    replace_file(path_of(names[1]), content.at(path_of(names[1])));
    ASSERT_TRUE(fs_.remove(path_of(names.back())).ok());
    expect_refused_with("/data/wal: the segment with sequence " + std::to_string(names.size()) +
                        " is missing");
    replace_file(path_of(names.back()), content.at(path_of(names.back())));
    ASSERT_TRUE(fs_.remove(path_of(names[0])).ok());
    expect_refused_with("/data/wal: entries 1 to ");
}

TEST_F(WalDamageTest, CutFiles) {
    for (const std::string& name : segments()) {
        const Bytes good = fs_.content().at(path_of(name));
        for (const size_t bytes : {good.size() - 1, good.size() / 2, kBlockBytes}) {
            replace_file(path_of(name), good.substr(0, bytes));
            expect_refused(path_of(name), bytes);
        }
        replace_file(path_of(name), good.substr(0, 100));
        expect_refused(path_of(name), 0);
        replace_file(path_of(name), good);
    }
}

// Nothing is wrong with these but that no writer of ours leaves them: to go on would write past the
// end of the file.
TEST_F(WalDamageTest, NoRoomForTheFrameThatEndsTheSegment) {
    const auto all = frames();
    const Place last = all.back();
    Bytes content = fs_.content().at(last.path);
    SegmentHeader header = *decode_segment_header(content);
    header.capacity = last.offset + last.bytes;
    ASSERT_GE(header.capacity, kSegmentBytesMin);
    content.resize(header.capacity);
    content.replace(0, kSegmentHeaderBytes, encode_segment_header(header));
    replace_file(last.path, content);
    expect_refused(last.path, header.capacity);
}

TEST_F(WalDamageTest, NoRoomForTheFirstFrame) {
    reopen();
    Mark large{.id = {.term = 1, .index = 40}};
    for (uint64_t id = 1; id <= 2000; ++id) {
        large.configuration.voters.push_back(id);
    }
    ASSERT_TRUE(wal_->append_and_sync({.mark = large}).ok());
    wal_.reset();
    const uint64_t sequence = segments().size() + 1;
    const std::string path = path_of(segment_file_name({.sequence = sequence, .first_index = 41}));
    Bytes content = encode_segment_header(
        {.identity = kIdentity, .sequence = sequence, .salt = 1, .capacity = kSegmentBytesMin});
    content.resize(kSegmentBytesMin, '\0');
    replace_file(path, content);
    expect_refused(path, kSegmentHeaderBytes);
}

TEST_F(WalDamageTest, RenamedAndExchangedFiles) {
    const auto names = segments();
    const auto content = fs_.content();
    replace_file(path_of(names[1]), content.at(path_of(names[2])));
    expect_refused(path_of(names[1]), 0);
    replace_file(path_of(names[1]), content.at(path_of(names[1])));

    auto parsed = *parse_segment_file_name(names[1]);
    ++parsed.first_index;
    ASSERT_TRUE(fs_.rename(path_of(names[1]), path_of(segment_file_name(parsed))).ok());
    expect_refused(path_of(segment_file_name(parsed)), kSegmentHeaderBytes);
}

TEST_F(WalDamageTest, ASegmentOfAnotherLogWithTheSameName) {
    const auto names = segments();
    const Bytes other = [&] {
        FaultFileSystem fs;
        Options options = options_;
        options.salt_seed = 99;
        auto wal = std::move(Wal::create(fs, kDir, kIdentity, {}, options)).value();
        for (uint64_t index = 1; index <= 40; ++index) {
            const std::vector<raft::Entry> entries = {
                make_entry(1, index, text(9, index, index % 5 == 0 ? 6000 : 100))};
            EXPECT_TRUE(wal->append_and_sync({.entries = entries}).ok());
        }
        return fs.content().at(path_of(names[1]));
    }();
    replace_file(path_of(names[1]), other);
    expect_refused(path_of(names[1]), kSegmentHeaderBytes);
}

TEST_F(WalDamageTest, OtherOwnersAreToldApart) {
    const auto before = fs_.content();
    const Status cluster = try_open({.cluster_id = 0xc2, .member_id = 0xa1});
    EXPECT_TRUE(cluster.is(errors::kForeignData));
    EXPECT_EQ(cluster.message(), "data of another cluster: " + path_of(segments()[0]) +
                                     ": belongs to cluster c1, this is cluster c2");
    const Status member = try_open({.cluster_id = 0xc1, .member_id = 0xa2});
    EXPECT_TRUE(member.is(errors::kForeignData));
    EXPECT_NE(member.message().find("belongs to member a1, this is member a2"), std::string::npos);
    EXPECT_EQ(fs_.content(), before);
}

TEST_F(WalDamageTest, ANewerFormatIsRefusedWithBothVersions) {
    const std::string path = path_of(segments()[0]);
    Bytes content = fs_.content().at(path);
    SegmentHeader header = *decode_segment_header(content);
    header.version = 7;
    content.replace(0, kSegmentHeaderBytes, encode_segment_header(header));
    replace_file(path, content);
    const auto before = fs_.content();
    const Status error = try_open();
    EXPECT_TRUE(error.is(errors::kNewerFormat));
    EXPECT_EQ(error.message(),
              "written by a newer version: " + path + ": log format 7, this version reads up to 1");
    EXPECT_EQ(fs_.content(), before);
}

TEST_F(WalDamageTest, FilesThatAreNoSegments) {
    replace_file(path_of("lost+found"), "left alone");
    replace_file(path_of("notes.txt"), "left alone");
    reopen();
    wal_.reset();
    replace_file(path_of("backup.wal"), "x");
    expect_refused_with(path_of("backup.wal") + ": is named like a log segment but is none");
    ASSERT_TRUE(fs_.remove(path_of("backup.wal")).ok());
    // What etcd's look like.
    const std::string etcd = path_of("0000000000000000-0000000000000000.wal");
    replace_file(etcd, Bytes("\x04\x00\x00\x00\x00\x00\x00\x84", 8) + Bytes(100'000, '\0'));
    expect_refused(etcd, 0);
}

}  // namespace
}  // namespace quorate::wal
