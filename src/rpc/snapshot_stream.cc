// SPDX-License-Identifier: Apache-2.0
#include "rpc/snapshot_stream.h"

#include "base/errors.h"
#include "base/log.h"
#include "rpc.pb.h"
#include "rpc/parse.h"
#include "snapshot/buckets.h"
#include "snapshot/writer.h"
#include "storage/backend.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace quorate::rpc {
namespace {

using transport::Reply;
using transport::SendResult;

constexpr uint64_t kHashBytes = 32;
// One turn on the read pool: about a millisecond.
constexpr size_t kRowsPerTurn = 2000;
constexpr size_t kChunksPerTurn = 16;
constexpr int64_t kGuardPeriod_ns = 1'000'000'000;
constexpr int64_t kForever_ns = 3'600'000'000'000;

}  // namespace

// Shared by the call and by the turn that is under way. `busy_` is handed over between the two, so
// that only one of them touches the rest.
class SnapshotStreams::Stream final : public std::enable_shared_from_this<Stream> {
  public:
    Stream(SnapshotStreams& streams, Reply reply)
        : streams_(streams), node_(streams.node_), reply_(std::move(reply)) {}
    ~Stream() {
        if (counted_) {
            streams_.running_.fetch_sub(1);
        }
    }

    void begin(ByteView message) {
        etcdserverpb::SnapshotRequest request;
        if (Status s = parse(message, request); !s.ok()) {
            reply_.finish(s);
            return;
        }
        counted_ = true;
        if (streams_.running_.fetch_add(1) >= kStreamsMax) {
            reply_.finish(errors::kRequestTooManyRequests);
            return;
        }
        begin_ns_ = node_.clock().monotonic_ns();
        busy_.store(true);
        streams_.guard(shared_from_this());
        const bool taken = node_.run_when_engine_is_current(
            [self = shared_from_this()](const Status& current) { self->open(current); });
        if (!taken) {
            reply_.finish(errors::kRequestTooManyRequests);
        }
    }

    void resume() {
        writable_.store(true);
        if (!busy_.exchange(true)) {
            schedule();
        }
    }

    void end_of_call(transport::CancelReason reason) {
        canceled_.store(true);
        if (!busy_.exchange(true)) {
            finish(reason == transport::CancelReason::kDeadline ? errors::kContextDeadline
                                                                : errors::kContextCanceled);
        }
    }

    // The guard's thread. A stream at work is looked at again later.
    void end_if_stalled(int64_t now_ns) {
        if (busy_.exchange(true)) {
            return;
        }
        if (reply_ && now_ns - rested_ns_ >= kStall_ns) {
            log::warn("ending a snapshot whose client takes nothing",
                      {{"remaining-bytes", remaining_bytes_}});
            finish({errors::kUnavailable, "etcdserver: the client of a snapshot took nothing"});
            return;
        }
        give_way();
    }

    void refuse(const Status& status) {
        if (reply_) {
            reply_.finish(status);
        }
    }

  private:
    void schedule() {
        if (!node_.run_in_pool([self = shared_from_this()] { self->turn(); })) {
            finish(errors::kRequestTooManyRequests);
        }
    }

    void open(const Status& current) {
        if (!current.ok()) {
            finish(current);
            return;
        }
        auto view = node_.backend().view();
        if (!view) {
            finish(view.error());
            return;
        }
        view_ = std::move(view).value();
        writer_ = std::make_unique<snapshot::Writer>(*view_, snapshot::WriterOptions{});
        turn();
    }

    // Ends with the next turn waiting in the pool, with the stream at rest, or with its end.
    void turn() {
        if (canceled_.load()) {
            finish(errors::kContextCanceled);
            return;
        }
        if (!measured_) {
            const auto measured = writer_->measure(kRowsPerTurn);
            if (!measured) {
                fail(measured.error());
                return;
            }
            measured_ = *measured;
            if (measured_) {
                remaining_bytes_ = writer_->size() - kHashBytes;
                log::info("sending database snapshot to client",
                          {{"total-bytes", remaining_bytes_}});
            }
            schedule();
            return;
        }
        for (size_t i = 0; i < kChunksPerTurn; ++i) {
            writable_.store(false);
            const SendResult sent = send_chunk();
            if (!reply_) {
                return;
            }
            if (sent == SendResult::kGone) {
                finish(errors::kContextCanceled);
                return;
            }
            if (sent == SendResult::kBusy) {
                rest();
                return;
            }
        }
        schedule();
    }

    void rest() {
        rested_ns_ = node_.clock().monotonic_ns();
        give_way();
    }

    void give_way() {
        busy_.store(false);
        // Room or the end may have come between the send and this line, when resume() and
        // end_of_call() still saw the stream busy.
        if ((writable_.load() || canceled_.load()) && !busy_.exchange(true)) {
            schedule();
        }
    }

    SendResult send_chunk() {
        const auto chunk = writer_->next();
        if (!chunk) {
            fail(chunk.error());
            return SendResult::kGone;
        }
        if (chunk->empty()) {
            const int64_t took_ns = node_.clock().monotonic_ns() - begin_ns_;
            streams_.seconds_.observe_ns(took_ns);
            log::info("sent database snapshot to client", {{"took-ms", took_ns / 1'000'000}});
            finish({});
            return SendResult::kOk;
        }
        // The hash comes last and does not count.
        remaining_bytes_ -= std::min<uint64_t>(remaining_bytes_, chunk->size());
        etcdserverpb::SnapshotResponse response;
        response.set_remaining_bytes(remaining_bytes_);
        response.set_blob(chunk->data(), chunk->size());
        response.set_version(std::string(snapshot::buckets::kWrittenStorageVersion));
        return reply_.send(response.SerializeAsString());
    }

    void fail(const Status& status) {
        log::error("snapshot could not be sent", {log::Field(status)});
        finish(status);
    }

    // The view goes at once, not when the transport lets go of the call.
    void finish(const Status& status) {
        writer_.reset();
        view_.reset();
        if (reply_) {
            reply_.finish(status);
        }
    }

    SnapshotStreams& streams_;
    node::Node& node_;
    Reply reply_;
    bool counted_ = false;
    std::atomic<bool> busy_{false};
    std::atomic<bool> writable_{false};
    std::atomic<bool> canceled_{false};
    std::unique_ptr<storage::View> view_;
    std::unique_ptr<snapshot::Writer> writer_;
    bool measured_ = false;
    uint64_t remaining_bytes_ = 0;
    int64_t begin_ns_ = 0;
    int64_t rested_ns_ = 0;  // when the last rest began
};

class SnapshotStreams::StreamCall final : public transport::Call {
  public:
    explicit StreamCall(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}

    void on_message(ByteView message) override {
        if (!std::exchange(begun_, true)) {
            stream_->begin(message);
        }
    }
    void on_half_close() override {
        if (!begun_) {
            stream_->refuse({errors::kInternal, "the call ended without a request message"});
        }
    }
    void on_cancel(transport::CancelReason reason) override { stream_->end_of_call(reason); }
    void on_writable() override { stream_->resume(); }

  private:
    const std::shared_ptr<Stream> stream_;
    bool begun_ = false;
};

SnapshotStreams::SnapshotStreams(node::Node& node)
    : node_(node),
      seconds_(node.metrics().histogram("etcd_disk_backend_snapshot_duration_seconds",
                                        "The latency distribution of backend snapshots.",
                                        {.01, 2, 17})) {
    guard_.start([this] { return end_stalled(); });
}

SnapshotStreams::~SnapshotStreams() {
    guard_.stop();
}

void SnapshotStreams::guard(const std::shared_ptr<Stream>& stream) {
    {
        const std::lock_guard lock(mutex_);
        guarded_.push_back(stream);
    }
    guard_.waker().wake();
}

int64_t SnapshotStreams::end_stalled() {
    std::vector<std::shared_ptr<Stream>> alive;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(guarded_, [](const auto& stream) { return stream.expired(); });
        for (const auto& stream : guarded_) {
            if (auto held = stream.lock()) {
                alive.push_back(std::move(held));
            }
        }
    }
    const int64_t now_ns = node_.clock().monotonic_ns();
    for (const auto& stream : alive) {
        stream->end_if_stalled(now_ns);
    }
    return alive.empty() ? kForever_ns : kGuardPeriod_ns;
}

std::unique_ptr<transport::Call> SnapshotStreams::make_call(Reply reply) {
    return std::make_unique<StreamCall>(std::make_shared<Stream>(*this, std::move(reply)));
}

}  // namespace quorate::rpc
