// SPDX-License-Identifier: Apache-2.0
//
// Log writes that continue each other are appended as one, and nothing else changes by that.
#include "node/wal_loop.h"

#include "base/fault_file_system.h"
#include "wal/frame.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorate::node {
namespace {

class WalLoopTest : public testing::Test {
  protected:
    static constexpr wal::Identity kIdentity{.cluster_id = 0xc1, .member_id = 0xa1};

    static std::unique_ptr<wal::Wal> create(FileSystem& fs) {
        auto wal = wal::Wal::create(fs, "/wal", kIdentity, {}, options());
        EXPECT_TRUE(wal.has_value());
        return std::move(wal).value();
    }
    static wal::Options options() {
        wal::Options options;
        options.segment_bytes = 4096 * wal::kBlockBytes;
        return options;
    }
    static LogWrite write(uint64_t number, uint64_t term, uint64_t first, uint64_t last) {
        LogWrite write;
        write.ready_number = number;
        write.hard_state = raft::HardState{term, 1, first - 1};
        for (uint64_t index = first; index <= last; ++index) {
            write.entries.push_back({{term, index},
                                     raft::EntryType::kNormal,
                                     std::make_shared<const Bytes>(std::to_string(term) + "." +
                                                                   std::to_string(index))});
        }
        return write;
    }
    // The numbers that the raft loop hears of.
    std::vector<uint64_t> handle(std::vector<LogWrite> writes) {
        loop_.handle(writes);
        std::vector<RaftInput> inputs;
        raft_.take(inputs);
        std::vector<uint64_t> numbers;
        for (const RaftInput& input : inputs) {
            numbers.push_back(std::get<Persisted>(input).ready_number);
        }
        return numbers;
    }
    // The last step: the loop's log is gone then.
    wal::Recovered recover() {
        wal_.reset();
        auto opened = wal::Wal::open(fs_, "/wal", kIdentity, options());
        EXPECT_TRUE(opened.has_value());
        wal_ = std::move(opened->wal);
        return std::move(opened->recovered);
    }

    FaultFileSystem fs_;
    std::unique_ptr<wal::Wal> wal_ = create(fs_);
    SystemClock clock_;
    Waker waker_;
    Mailbox<RaftInput> raft_{1000, waker_};
    metrics::Registry registry_;
    WalLoop loop_{*wal_, clock_, raft_, registry_};
};

TEST_F(WalLoopTest, EveryWriteIsAnsweredAndKept) {
    EXPECT_EQ(handle({write(1, 1, 1, 2), write(2, 1, 3, 3), write(3, 2, 4, 6)}),
              (std::vector<uint64_t>{1, 2, 3}));
    const wal::Recovered recovered = recover();
    ASSERT_EQ(recovered.entries.size(), 6u);
    for (uint64_t i = 0; i < 6; ++i) {
        const uint64_t term = i < 3 ? 1 : 2;
        EXPECT_EQ(recovered.entries[i].id, (raft::EntryId{term, i + 1}));
        EXPECT_EQ(recovered.entries[i].data(), std::to_string(term) + "." + std::to_string(i + 1));
    }
    EXPECT_EQ(recovered.hard_state, (raft::HardState{2, 1, 3}));
}

TEST_F(WalLoopTest, WritesThatContinueEachOtherGoToTheDiskOnce) {
    const uint64_t before = fs_.change_count();
    handle({write(1, 1, 1, 2), write(2, 1, 3, 3), write(3, 1, 4, 6)});
    EXPECT_EQ(fs_.change_count() - before, 2u);  // a write and its sync
}

// A frame that is cut in two by its size would have the commit index of its end at its beginning.
TEST_F(WalLoopTest, WhatIsLargeStaysApart) {
    LogWrite first = write(1, 1, 1, 1);
    LogWrite second = write(2, 1, 2, 2);
    first.entries[0].payload = std::make_shared<const Bytes>(Bytes(100'000, 'a'));
    second.entries[0].payload = std::make_shared<const Bytes>(Bytes(1'000'000, 'b'));
    const uint64_t before = fs_.change_count();
    std::vector<LogWrite> writes;
    writes.push_back(std::move(first));
    writes.push_back(std::move(second));
    EXPECT_EQ(handle(std::move(writes)), (std::vector<uint64_t>{1, 2}));
    EXPECT_EQ(fs_.change_count() - before, 3u);
    EXPECT_EQ(recover().entries.size(), 2u);
}

TEST_F(WalLoopTest, WhatReplacesEntriesComesBehindThem) {
    LogWrite mark;
    mark.mark = raft::EntryId{1, 1};
    mark.configuration = {{1}, {}, {}, {}, false};
    EXPECT_EQ(
        handle({write(1, 1, 1, 3), write(2, 2, 2, 2), write(3, 2, 3, 3), mark, write(5, 2, 4, 4)}),
        (std::vector<uint64_t>{1, 2, 3, 0, 5}));
    const wal::Recovered recovered = recover();
    EXPECT_EQ(recovered.last(), (raft::EntryId{2, 4}));
    EXPECT_EQ(recovered.mark.id, (raft::EntryId{1, 1}));
    EXPECT_EQ(recovered.entries.back().data(), "2.4");
    EXPECT_EQ(recovered.entries[recovered.entries.size() - 2].data(), "2.3");
    EXPECT_EQ(recovered.entries[recovered.entries.size() - 3].data(), "2.2");
}

}  // namespace
}  // namespace quorate::node
