// SPDX-License-Identifier: Apache-2.0
//
// One snapshot at a time, none that nobody sends any more, and nothing of one that is refused.
#include "node/snapshot_receiver.h"

#include "auth/fake_tokens.h"
#include "config/load.h"
#include "recording_channel.h"
#include "storage/mem_backend.h"
#include "wire/peer_message.h"
#include "wire/proto_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace quorate::node {
namespace {

class MovedClock final : public Clock {
  public:
    int64_t monotonic_ns() const override { return system_.monotonic_ns() + ahead_ns_.load(); }
    int64_t unix_ns() const override { return system_.unix_ns(); }
    void move(int64_t span_ns) { ahead_ns_ += span_ns; }

  private:
    const SystemClock system_{};
    std::atomic<int64_t> ahead_ns_{0};
};

class SnapshotReceiverTest : public testing::Test {
  protected:
    static constexpr int64_t kSecond_ns = 1'000'000'000;

    SnapshotReceiverTest() : fs_(make_posix_file_system()) {
        std::string name =
            (std::filesystem::temp_directory_path() / "quorate-receiver-XXXXXX").string();
        dir_ = mkdtemp(name.data());
        config::Inputs inputs;
        inputs.arguments = {"--name=n", "--data-dir=" + dir_ + "/data"};
        auto config = config::load(inputs);
        EXPECT_TRUE(config.has_value());
        config_ = std::move(config->config);
        const DataPaths paths = data_paths(config_);
        const auto identity = derive_identity(config_);
        EXPECT_TRUE(identity.has_value());
        EXPECT_TRUE(prepare_data_dir(*fs_, paths).ok());
        auto node = Node::open(config_, *identity, paths,
                               {*fs_, clock_, metrics_, backend_, tokens_, [] {}, false});
        EXPECT_TRUE(node.has_value());
        node_ = std::move(node).value();
        EXPECT_TRUE(node_->start().ok());
        snapshot_dir_ = paths.snapshot_dir;
        receiver_ = std::make_unique<SnapshotReceiver>(*node_, *fs_, snapshot_dir_);
    }
    ~SnapshotReceiverTest() override {
        node_->stop();
        receiver_.reset();
        node_.reset();
        std::filesystem::remove_all(dir_);
    }

    std::unique_ptr<transport::Call> open(RecordingChannel& channel) {
        return receiver_->open(transport::Reply(&channel));
    }

    // The one before may still be at its last task.
    std::unique_ptr<transport::Call> open_in_its_place() {
        while (true) {
            if (auto call = open(others_.emplace_back())) {
                return call;
            }
        }
    }

    // How a snapshot ends that consists of these pieces.
    Status sent(const std::vector<Bytes>& pieces) {
        RecordingChannel channel;
        auto call = open(channel);
        EXPECT_NE(call, nullptr);
        for (const Bytes& piece : pieces) {
            call->on_message(piece);
        }
        call->on_half_close();
        channel.wait();
        call.reset();
        open_in_its_place();
        return channel.status;
    }

    bool part_left() const { return std::filesystem::exists(snapshot_dir_ + "/incoming.part"); }

    static Bytes start_piece(uint64_t file_bytes = 1 << 20) {
        const raft::Message message{2, 1, 2, raft::SnapshotRequest{{{2, 7}, {}}}};
        Bytes start;
        wire::append_message(start, 1, wire::encode_peer_message(message));
        wire::append_uint(start, 2, file_bytes);
        Bytes piece;
        wire::append_message(piece, 1, start);
        return piece;
    }

    static Bytes data_piece(size_t bytes) {
        Bytes piece;
        wire::append_bytes(piece, 2, Bytes(bytes, 'x'));
        return piece;
    }

    const std::unique_ptr<FileSystem> fs_;
    MovedClock clock_;
    metrics::Registry metrics_;
    storage::MemBackend backend_;
    auth::FakeTokens tokens_;
    std::string dir_;
    std::string snapshot_dir_;
    config::Config config_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<SnapshotReceiver> receiver_;
    std::deque<RecordingChannel> others_;
};

TEST_F(SnapshotReceiverTest, OneAtATime) {
    RecordingChannel first;
    RecordingChannel second;
    RecordingChannel third;
    auto call = open(first);
    ASSERT_NE(call, nullptr);
    clock_.move(9 * kSecond_ns);
    EXPECT_EQ(open(second), nullptr);
    EXPECT_EQ(second.status.message(), "another snapshot is on its way already");
    EXPECT_FALSE(first.done);
    call->on_cancel(transport::CancelReason::kPeer);
    call.reset();
    EXPECT_NE(open(third), nullptr);
}

TEST_F(SnapshotReceiverTest, ASenderWhoSaysNothingMakesRoomForTheNext) {
    RecordingChannel silent;
    auto call = open(silent);
    ASSERT_NE(call, nullptr);
    clock_.move(6 * kSecond_ns);
    call->on_message(start_piece());
    clock_.move(6 * kSecond_ns);
    RecordingChannel early;
    EXPECT_EQ(open(early), nullptr);
    EXPECT_FALSE(silent.done) << "it has said something 6 s before";

    clock_.move(6 * kSecond_ns);
    // Its piece may be on its way to the disk still, and is no silence of the sender's.
    while (!silent.done) {
        RecordingChannel next;
        EXPECT_EQ(open(next), nullptr);
    }
    EXPECT_EQ(silent.status.message(), "the sender of the snapshot said nothing for long");
    call.reset();  // as the transport does behind an answer
    EXPECT_NE(open_in_its_place(), nullptr);
    EXPECT_FALSE(part_left());
}

TEST_F(SnapshotReceiverTest, WhatIsRefusedLeavesNothing) {
    const std::string malformed = "malformed raft message: a snapshot ";
    EXPECT_EQ(sent({data_piece(1)}).message(), malformed + "began without saying what it is");
    EXPECT_EQ(sent({start_piece(), start_piece()}).message(), malformed + "began twice");
    EXPECT_EQ(sent({start_piece(100), data_piece(99)}).message(),
              malformed + "of 100 bytes ended after 99");
    EXPECT_EQ(sent({start_piece(100), data_piece(60), data_piece(41)}).message(),
              malformed + "of 100 bytes goes on behind them");
    EXPECT_EQ(sent({start_piece(100), data_piece(100)}).code(), errors::kDamaged.code);
    EXPECT_FALSE(part_left());
}

TEST_F(SnapshotReceiverTest, ASenderThatBreaksOffLeavesNothing) {
    RecordingChannel channel;
    auto call = open(channel);
    ASSERT_NE(call, nullptr);
    call->on_message(start_piece());
    call->on_message(data_piece(1000));
    call->on_cancel(transport::CancelReason::kPeer);
    call.reset();
    EXPECT_NE(open_in_its_place(), nullptr);
    EXPECT_FALSE(part_left());
}

}  // namespace
}  // namespace quorate::node
