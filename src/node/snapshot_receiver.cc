// SPDX-License-Identifier: Apache-2.0
#include "node/snapshot_receiver.h"

#include "base/errors.h"
#include "base/log.h"
#include "cluster/member.h"
#include "node/snapshot_metrics.h"
#include "peer.pb.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/reader.h"
#include "snapshot/stream_check.h"
#include "wire/peer_message.h"

#include <cstdio>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace quorate::node {
namespace {

constexpr size_t kQueuedPiecesMax = 16;
constexpr uint64_t kWriteBackBytes = 512 * 1024;
// Pieces follow each other without a pause, but a sender's disk may have one.
constexpr int64_t kSilenceMax_ns = 10'000'000'000;

}  // namespace

std::string snapshot_file(const std::string& dir, uint64_t index) {
    char name[32];
    std::snprintf(name, sizeof name, "/%016llx.db", static_cast<unsigned long long>(index));
    return dir + name;
}

// One snapshot on its way in. What the call's thread and the pool share is under the mutex; the
// file belongs to whichever pool task is at work, and there is one at most.
class SnapshotReceiver::Incoming : public std::enable_shared_from_this<Incoming> {
  public:
    Incoming(SnapshotReceiver& owner, transport::Reply reply)
        : owner_(owner),
          reply_(std::move(reply)),
          part_(owner.dir_ + "/incoming.part"),
          heard_ns_(owner.node_.clock().monotonic_ns()) {}
    ~Incoming() { owner_.busy_.store(false); }

    void piece(ByteView message) { enqueue(Bytes(message)); }
    void half_close() {
        {
            const std::lock_guard lock(mutex_);
            complete_ = true;
        }
        work_or_fail();
    }
    void cancel() { end(errors::kContextCanceled); }
    // Another one waits for its place.
    void give_up_if_silent() {
        {
            const std::lock_guard lock(mutex_);
            if (working_ || !reply_ ||
                owner_.node_.clock().monotonic_ns() - heard_ns_ < kSilenceMax_ns) {
                return;
            }
        }
        log::warn("a snapshot was given up: its sender says nothing",
                  {{"for-seconds", kSilenceMax_ns / 1'000'000'000}});
        end({errors::kUnavailable, "the sender of the snapshot said nothing for long"});
    }

  private:
    // Nothing more is taken; what has come is discarded by the pool task that sees it.
    void end(const Status& status) {
        {
            const std::lock_guard lock(mutex_);
            cancelled_ = true;
            if (reply_) {
                reply_.finish(status);
            }
            if (!begun_) {
                return;
            }
        }
        work();
    }

    void enqueue(Bytes message) {
        {
            const std::lock_guard lock(mutex_);
            heard_ns_ = owner_.node_.clock().monotonic_ns();
            begun_ = true;
            queue_.push_back(std::move(message));
            if (reply_ && queue_.size() >= kQueuedPiecesMax && !held_) {
                held_ = true;
                reply_.hold(true);
            }
        }
        work_or_fail();
    }

    void work_or_fail() {
        if (!work()) {
            fail(errors::kRequestTooManyRequests);
        }
    }

    // Starts a pool task unless one is at work, which then takes what is new. False: the pool takes
    // none.
    bool work() {
        {
            const std::lock_guard lock(mutex_);
            if (working_) {
                return true;
            }
            working_ = true;
        }
        return owner_.node_.run_in_pool([self = shared_from_this()] { self->drain(); });
    }

    // The last task, be it for the end or for a failure, leaves working_ as it is.
    void drain() {
        Status status;
        bool complete = false;
        while (status.ok() && !complete) {
            std::vector<Bytes> pieces;
            {
                const std::lock_guard lock(mutex_);
                if (cancelled_) {
                    break;
                }
                pieces.swap(queue_);
                complete = complete_ && pieces.empty();
                if (pieces.empty() && !complete) {
                    working_ = false;
                    return;
                }
                if (std::exchange(held_, false)) {
                    reply_.hold(false);
                }
            }
            for (size_t i = 0; i < pieces.size() && status.ok(); ++i) {
                status = store(pieces[i]);
            }
            if (complete) {
                status = accept();
            }
        }
        if (!status.ok()) {
            fail(status);
        }
        discard();
    }

    // What was not accepted is of no use to anybody, and may be large.
    void discard() {
        if (!part_left_) {
            return;
        }
        file_.reset();
        if (Status s = remove_in_pieces(owner_.fs_, part_); !s.ok()) {
            log::warn("what came of a snapshot can't be removed", {log::Field(s)});
        }
    }

    Status store(ByteView message) {
        peer::SnapshotPiece piece;
        if (!piece.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
            return {errors::kBadRaftMessage, "a piece of a snapshot can't be decoded"};
        }
        if (piece.has_start() == (file_ != nullptr)) {
            return {errors::kBadRaftMessage, piece.has_start()
                                                 ? "a snapshot began twice"
                                                 : "a snapshot began without saying what it is"};
        }
        if (piece.has_start()) {
            return begin(piece.start());
        }
        if (piece.data().size() > bytes_ - written_) {
            return {errors::kBadRaftMessage,
                    "a snapshot of " + std::to_string(bytes_) + " bytes goes on behind them"};
        }
        if (Status s = file_->write_at(written_, piece.data()); !s.ok()) {
            return s;
        }
        check_->add(piece.data());
        written_ += piece.data().size();
        if (written_ - written_back_ >= kWriteBackBytes) {
            file_->write_back(written_back_, written_ - written_back_);
            written_back_ = written_;
        }
        return {};
    }

    Status begin(const peer::SnapshotStart& start) {
        auto message = wire::decode_peer_message(start.message().SerializeAsString());
        if (!message) {
            return message.error();
        }
        auto* request = std::get_if<raft::Message>(&*message);
        if (request == nullptr || !std::holds_alternative<raft::SnapshotRequest>(request->body)) {
            return {errors::kBadRaftMessage, "a snapshot began with another message"};
        }
        request_ = std::move(*request);
        attempt_ =
            std::make_unique<SnapshotAttempt>(owner_.node_.metrics(), owner_.node_.clock(),
                                              SnapshotAttempt::Direction::kReceive, request_.from);
        bytes_ = start.file_bytes();
        check_.emplace(bytes_);
        begun_ns_ = owner_.node_.clock().monotonic_ns();
        log::info("receiving a snapshot", {{"from", cluster::format_id(request_.from)},
                                           {"index", snapshot().id.index},
                                           {"bytes", bytes_}});
        if (Status s = owner_.fs_.create_dirs(owner_.dir_); !s.ok()) {
            return s;
        }
        if (const auto left = owner_.fs_.exists(part_); left && *left) {
            if (Status s = owner_.fs_.remove(part_); !s.ok()) {
                return s;
            }
        }
        auto file = owner_.fs_.open(part_, OpenMode::kCreateNew);
        if (!file) {
            return file.error();
        }
        file_ = std::move(file).value();
        part_left_ = true;
        return {};
    }

    // Nothing that was sent is trusted: the file has to prove itself, and to be what was announced.
    Status accept() {
        if (file_ == nullptr || written_ != bytes_) {
            return {errors::kBadRaftMessage, "a snapshot of " + std::to_string(bytes_) +
                                                 " bytes ended after " + std::to_string(written_)};
        }
        const int64_t written_ns = owner_.node_.clock().monotonic_ns();
        if (Status s = file_->sync_data(); !s.ok()) {
            return s;
        }
        owner_.sync_seconds_.observe_ns(owner_.node_.clock().monotonic_ns() - written_ns);
        file_.reset();
        // Where the hash does not fit the whole file is read: that tells which page was changed.
        auto reader = snapshot::Reader::open(
            owner_.fs_, part_,
            check_->fits() ? snapshot::HashCheck::kSkipped : snapshot::HashCheck::kRequired);
        if (!reader) {
            return reader.error();
        }
        const auto info = snapshot::read_cluster_info(**reader);
        if (!info) {
            return info.error();
        }
        if (info->cluster_id != owner_.node_.identity().cluster_id ||
            info->applied != snapshot().id) {
            return {errors::kForeignData, "the snapshot is of cluster " +
                                              cluster::format_id(info->cluster_id) + " at index " +
                                              std::to_string(info->applied.index)};
        }
        reader->reset();
        const uint64_t index = snapshot().id.index;
        const SnapshotNote note{index, request_.from, attempt_->took_ns()};
        if (Status s = leave_note(owner_.fs_, owner_.dir_, note); !s.ok()) {
            return s;
        }
        const std::string path = snapshot_file(owner_.dir_, index);
        if (Status s = owner_.fs_.rename(part_, path); !s.ok()) {
            return s;
        }
        part_left_ = false;
        if (Status s = owner_.fs_.sync_dir(owner_.dir_); !s.ok()) {
            return s;
        }
        attempt_->succeeded();
        owner_.save_seconds_.observe_ns(owner_.node_.clock().monotonic_ns() - begun_ns_);
        log::info("a snapshot is complete", {{"path", path}});
        owner_.node_.snapshot_arrived(std::move(request_));
        const std::lock_guard lock(mutex_);
        if (reply_) {
            reply_.reply({});
        }
        return {};
    }

    void fail(const Status& status) {
        log::warn("a snapshot was refused", {log::Field(status)});
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        if (reply_) {
            reply_.finish(status);
        }
    }

    const raft::Snapshot& snapshot() const {
        return std::get<raft::SnapshotRequest>(request_.body).snapshot;
    }

    SnapshotReceiver& owner_;
    std::mutex mutex_;
    transport::Reply reply_;
    std::vector<Bytes> queue_;
    bool begun_ = false;  // a piece has come
    bool working_ = false;
    bool held_ = false;
    bool complete_ = false;
    bool cancelled_ = false;

    const std::string part_;
    int64_t heard_ns_;
    raft::Message request_;
    std::unique_ptr<File> file_;
    bool part_left_ = false;  // a file is there under the name part_
    uint64_t bytes_ = 0;
    std::optional<snapshot::StreamCheck> check_;
    uint64_t written_ = 0;
    uint64_t written_back_ = 0;
    int64_t begun_ns_ = 0;
    std::unique_ptr<SnapshotAttempt> attempt_;
};

class SnapshotReceiver::IncomingCall final : public transport::Call {
  public:
    explicit IncomingCall(std::shared_ptr<Incoming> incoming) : incoming_(std::move(incoming)) {}

    void on_message(ByteView message) override { incoming_->piece(message); }
    void on_half_close() override { incoming_->half_close(); }
    void on_cancel(transport::CancelReason) override { incoming_->cancel(); }

  private:
    const std::shared_ptr<Incoming> incoming_;
};

SnapshotReceiver::SnapshotReceiver(Node& node, FileSystem& fs, std::string dir)
    : node_(node),
      fs_(fs),
      dir_(std::move(dir)),
      save_seconds_(node.metrics().histogram("etcd_snap_db_save_total_duration_seconds",
                                             "The total latency distributions of v3 snapshot save",
                                             {0.1, 2, 10})),
      sync_seconds_(node.metrics().histogram("etcd_snap_db_fsync_duration_seconds",
                                             "The latency distributions of fsyncing .snap.db file",
                                             {0.001, 2, 14})) {}

std::unique_ptr<transport::Call> SnapshotReceiver::open(transport::Reply reply) {
    if (busy_.exchange(true)) {
        std::shared_ptr<Incoming> first;
        {
            const std::lock_guard lock(mutex_);
            first = incoming_.lock();
        }
        if (first != nullptr) {
            first->give_up_if_silent();
        }
        reply.finish({errors::kUnavailable, "another snapshot is on its way already"});
        return nullptr;
    }
    auto incoming = std::make_shared<Incoming>(*this, std::move(reply));
    const std::lock_guard lock(mutex_);
    incoming_ = incoming;
    return std::make_unique<IncomingCall>(std::move(incoming));
}

}  // namespace quorate::node
