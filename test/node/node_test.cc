// SPDX-License-Identifier: Apache-2.0
//
// A whole node on a real disk and the mem engine: proposals through the log, restarts from it, and
// what it refuses to start on.
#include "node/node.h"

#include "auth/fake_tokens.h"
#include "base/errors.h"
#include "base/waker.h"
#include "config/load.h"
#include "recording_channel.h"
#include "rpc.pb.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace quorate::node {
namespace {

// The real disk, which does not answer a sync while it is held.
class HeldDisk final : public FileSystem {
  public:
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    void wait_for_sync() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_ > 0; });
    }

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        auto file = disk_->open(path, mode);
        return file ? Result<std::unique_ptr<File>>(
                          std::make_unique<HeldFile>(*this, std::move(file).value()))
                    : Result<std::unique_ptr<File>>(file.error());
    }
    Status create_dirs(const std::string& path) override { return disk_->create_dirs(path); }
    Result<std::vector<std::string>> list(const std::string& dir) const override {
        return disk_->list(dir);
    }
    Result<bool> exists(const std::string& path) const override { return disk_->exists(path); }
    Status rename(const std::string& from, const std::string& to) override {
        return disk_->rename(from, to);
    }
    Status remove(const std::string& path) override { return disk_->remove(path); }
    Status sync_dir(const std::string& dir) override { return disk_->sync_dir(dir); }
    Result<std::unique_ptr<File>> lock(const std::string& path) override {
        return disk_->lock(path);
    }

  private:
    class HeldFile final : public File {
      public:
        HeldFile(HeldDisk& disk, std::unique_ptr<File> file)
            : disk_(disk), file_(std::move(file)) {}
        Result<Bytes> read_at(uint64_t offset, size_t bytes) const override {
            return file_->read_at(offset, bytes);
        }
        Status write_at(uint64_t offset, ByteView data) override {
            return file_->write_at(offset, data);
        }
        Status sync_data() override {
            disk_.pass();
            return file_->sync_data();
        }
        Result<uint64_t> size() const override { return file_->size(); }
        Status truncate(uint64_t bytes) override { return file_->truncate(bytes); }

      private:
        HeldDisk& disk_;
        const std::unique_ptr<File> file_;
    };

    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        --waiting_;
    }

    const std::unique_ptr<FileSystem> disk_ = make_posix_file_system();
    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;
    int waiting_ = 0;
};

class NodeTest : public testing::Test {
  protected:
    NodeTest() : fs_(make_posix_file_system()) {
        std::string name =
            (std::filesystem::temp_directory_path() / "quorate-node-XXXXXX").string();
        dir_ = mkdtemp(name.data());
        configure("http://localhost:2380");
    }
    ~NodeTest() override {
        stop();
        std::filesystem::remove_all(dir_);
    }

    void configure(const std::string& peer_url) {
        config::Inputs inputs;
        inputs.arguments = {"--name=n", "--data-dir=" + dir_ + "/data",
                            "--initial-advertise-peer-urls=" + peer_url,
                            "--initial-cluster=n=" + peer_url};
        auto loaded = config::load(inputs);
        ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
        config_ = std::move(loaded->config);
        paths_ = data_paths(config_);
    }

    Status start(bool durable_engine = false) {
        stop();
        if (!durable_engine) {
            backend_ = std::make_unique<storage::MemBackend>();
        }
        metrics_ = std::make_unique<metrics::Registry>();
        auto identity = derive_identity(config_);
        if (!identity) {
            return identity.error();
        }
        if (Status s = prepare_data_dir(*fs_, paths_); !s.ok()) {
            return s;
        }
        auto node = Node::open(config_, *identity, paths_, environment(durable_engine));
        if (!node) {
            return node.error();
        }
        node_ = std::move(node).value();
        return node_->start();
    }

    Node::Environment environment(bool durable_engine) {
        Node::Environment environment{*fs_,    clock_, *metrics_,     *backend_,
                                      tokens_, [] {},  durable_engine};
        environment.on_alive = [this](int64_t) {
            ++signs_of_life_;
            signs_of_life_.notify_all();
        };
        return environment;
    }

    void stop() { node_.reset(); }
    void wait_for_sign_of_life() { signs_of_life_.wait(signs_of_life_.load()); }

    Status put(const std::string& key, const std::string& value) {
        etcdserverpb::PutRequest request;
        request.set_key(key);
        request.set_value(value);
        RecordingChannel channel;
        node_->propose(wire::CommandKind::kPut, {}, request.SerializeAsString(),
                       transport::Reply(&channel));
        channel.wait();
        return channel.status;
    }

    int64_t count_keys() {
        mvcc::RangeQuery query;
        query.range = {ByteView("\0", 1), ByteView("\0", 1)};
        query.count_only = true;
        return node_->store().range(query)->count;
    }

    std::unique_ptr<FileSystem> fs_;
    SystemClock clock_;
    auth::FakeTokens tokens_;
    std::string dir_;
    config::Config config_;
    DataPaths paths_;
    std::unique_ptr<metrics::Registry> metrics_;
    std::unique_ptr<storage::MemBackend> backend_;
    std::atomic<int> signs_of_life_{0};
    std::unique_ptr<Node> node_;
};

TEST_F(NodeTest, AnswersWhenItIsAppliedAndReadsAreConfirmed) {
    ASSERT_TRUE(start().ok());
    EXPECT_TRUE(put("a", "1").ok());
    EXPECT_EQ(node_->store().current_revision(), 2);
    EXPECT_TRUE(node_->reads_confirmed());
    EXPECT_EQ(node_->status().leader.load(), node_->identity().member_id);
}

TEST_F(NodeTest, ManyProposalsKeepTheirOrderPerProposer) {
    ASSERT_TRUE(start().ok());
    constexpr size_t kCount = 2000;
    std::vector<RecordingChannel> channels(kCount);
    for (size_t i = 0; i < kCount; ++i) {
        etcdserverpb::PutRequest request;
        request.set_key("k" + std::to_string(i));
        node_->propose(wire::CommandKind::kPut, {}, request.SerializeAsString(),
                       transport::Reply(&channels[i]));
    }
    int64_t last = 1;
    for (RecordingChannel& channel : channels) {
        channel.wait();
        ASSERT_TRUE(channel.status.ok());
        etcdserverpb::PutResponse response;
        ASSERT_TRUE(response.ParseFromString(channel.message));
        EXPECT_EQ(response.header().revision(), last + 1);
        last = response.header().revision();
    }
}

TEST_F(NodeTest, TheLogAloneBringsTheStateBack) {
    ASSERT_TRUE(start().ok());
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(put("k" + std::to_string(i), "v").ok());
    }
    const int64_t revision = node_->store().current_revision();
    ASSERT_TRUE(start().ok());  // a new, empty mem engine
    EXPECT_EQ(node_->store().current_revision(), revision);
    EXPECT_EQ(count_keys(), 100);
    EXPECT_TRUE(put("more", "v").ok());
}

TEST_F(NodeTest, AnEngineThatKeptItsStateIsNotAppliedToTwice) {
    backend_ = std::make_unique<storage::MemBackend>();
    ASSERT_TRUE(start(true).ok());
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(put("same", std::to_string(i)).ok());
    }
    ASSERT_TRUE(start(true).ok());
    EXPECT_EQ(node_->store().current_revision(), 51);
}

TEST_F(NodeTest, RefusesTheDirectoryOfAnotherCluster) {
    ASSERT_TRUE(start().ok());
    ASSERT_TRUE(put("a", "1").ok());
    stop();
    configure("http://localhost:9999");
    const Status refused = start();
    EXPECT_TRUE(refused.is(errors::kForeignData)) << refused.message();
}

TEST_F(NodeTest, RefusesAnEngineWithoutItsLog) {
    backend_ = std::make_unique<storage::MemBackend>();
    ASSERT_TRUE(start(true).ok());
    ASSERT_TRUE(put("a", "1").ok());
    stop();
    std::filesystem::remove_all(paths_.wal_dir);
    const Status refused = start(true);
    EXPECT_TRUE(refused.is(errors::kDamaged)) << refused.message();
    EXPECT_NE(refused.message().find(paths_.wal_dir), std::string::npos);
}

TEST_F(NodeTest, RefusesWhatEtcdWrote) {
    std::filesystem::create_directories(paths_.data_dir + "/member/snap");
    ASSERT_TRUE(write_file_atomically(*fs_, paths_.data_dir + "/member/snap/db", "bbolt").ok());
    const Status refused = start();
    EXPECT_TRUE(refused.is(errors::kForeignData)) << refused.message();
}

TEST_F(NodeTest, RefusesTheDataOfAnotherEngine) {
    const std::string member = paths_.data_dir + "/member";
    std::filesystem::create_directories(member + "/lmdb");
    std::filesystem::create_directories(member + "/rocksdb.migrated");
    for (const char* of : {"/lmdb/ENGINE", "/rocksdb.migrated/ENGINE"}) {
        ASSERT_TRUE(write_file_atomically(*fs_, member + of, "x\n").ok());
    }
    const Status refused = start();
    EXPECT_TRUE(refused.is(errors::kPlugin)) << refused.message();
    EXPECT_EQ(refused.message(), paths_.data_dir +
                                     " holds the data of storage engine lmdb and none of " +
                                     "leveldb; use storage = lmdb, or move them: quorate util "
                                     "migrate --data-dir " +
                                     paths_.data_dir + " --to-storage leveldb");
    EXPECT_FALSE(std::filesystem::exists(paths_.engine_dir));
    std::filesystem::rename(member + "/lmdb", member + "/leveldb");
    EXPECT_TRUE(start().ok());
}

TEST_F(NodeTest, RefusesARequestThatIsTooLarge) {
    ASSERT_TRUE(start().ok());
    EXPECT_TRUE(
        put("a", std::string(config_.limits.request_bytes_max, 'x')).is(errors::kRequestTooLarge));
    EXPECT_TRUE(put("a", std::string(config_.limits.request_bytes_max - 100, 'x')).ok());
}

TEST_F(NodeTest, AStoppedNodeAnswersEverybody) {
    ASSERT_TRUE(start().ok());
    constexpr size_t kCount = 200;
    std::vector<RecordingChannel> channels(kCount);
    for (RecordingChannel& channel : channels) {
        etcdserverpb::PutRequest request;
        request.set_key("k");
        node_->propose(wire::CommandKind::kPut, {}, request.SerializeAsString(),
                       transport::Reply(&channel));
    }
    stop();
    for (RecordingChannel& channel : channels) {
        channel.wait();
        EXPECT_TRUE(channel.status.ok() || channel.status.is(errors::kStopped));
    }
}

TEST_F(NodeTest, GivesNoSignOfLifeWhileTheDiskHangs) {
    auto disk = std::make_unique<HeldDisk>();
    HeldDisk& held = *disk;
    fs_ = std::move(disk);
    ASSERT_TRUE(start().ok());
    wait_for_sign_of_life();

    held.hold(true);
    etcdserverpb::PutRequest request;
    request.set_key("a");
    RecordingChannel channel;
    node_->propose(wire::CommandKind::kPut, {}, request.SerializeAsString(),
                   transport::Reply(&channel));
    held.wait_for_sync();
    const int before = signs_of_life_.load();
    // Several heartbeats' time, in which a node that is well would give as many.
    const int64_t end_ns = clock_.monotonic_ns() + 500'000'000;
    Waker waker;
    while (clock_.monotonic_ns() < end_ns) {
        waker.sleep(end_ns - clock_.monotonic_ns());
    }
    EXPECT_EQ(signs_of_life_.load(), before);

    held.hold(false);
    channel.wait();
    EXPECT_TRUE(channel.status.ok());
    wait_for_sign_of_life();
}

}  // namespace
}  // namespace quorate::node
