// SPDX-License-Identifier: Apache-2.0
#include "node/snapshot_sender.h"

#include "base/errors.h"
#include "base/log.h"
#include "cluster/membership.h"
#include "node/conf_change.h"
#include "node/snapshot_metrics.h"
#include "peer.pb.h"
#include "snapshot/writer.h"
#include "storage/schema.h"
#include "wire/peer_message.h"
#include "wire/proto_writer.h"

#include <optional>
#include <utility>

namespace quorate::node {
namespace {

constexpr ByteView kSnapshotPath = "/quorate.peer.Peer/Snapshot";
constexpr size_t kInboxMax = 1024;
constexpr size_t kMeasuredRows = 10'000;  // of one turn
constexpr size_t kPieceBytes = 256 * 1024;
constexpr int64_t kForever_ns = 3'600'000'000'000;
// The engine is written behind what is applied, by this much at most times a few.
constexpr int64_t kEngineLag_ns = 5'000'000;
// Fields of quorate.peer.SnapshotPiece.
constexpr uint32_t kStartField = 1;
constexpr uint32_t kDataField = 2;

}  // namespace

// The way of one snapshot. The sender's thread.
class SnapshotSender::Transfer {
  public:
    Transfer(const LinkSettings& settings, raft::Message request,
             std::unique_ptr<transport::Connection> connection)
        : attempt_(settings.metrics, settings.clock, SnapshotAttempt::Direction::kSend, request.to),
          request_(std::move(request)),
          connection_(std::move(connection)) {}

    raft::MemberId peer() const { return request_.to; }
    transport::Connection& connection() { return *connection_; }
    void set_call(transport::Request call) { call_ = std::move(call); }
    void writable() { crowded_ = false; }
    void delivered() { attempt_.succeeded(); }

    enum class Progress : uint8_t { kMore, kLater, kWaiting };
    Result<Progress> step(storage::Backend& backend) {
        if (ended_ || crowded_) {
            return Progress::kWaiting;
        }
        if (writer_ == nullptr) {
            return begin(backend);
        }
        if (!measured_) {
            auto done = writer_->measure(kMeasuredRows);
            if (!done) {
                return done.error();
            }
            measured_ = *done;
            return measured_ ? send_start() : Progress::kMore;
        }
        return send_piece();
    }

  private:
    // Waits for an engine that holds what Raft wants to be sent.
    Result<Progress> begin(storage::Backend& backend) {
        auto view = backend.view();
        if (!view) {
            return view.error();
        }
        const auto row = (*view)->get(storage::kAppliedKey);
        if (!row) {
            return row.error();
        }
        const auto applied = row->has_value() ? storage::decode_u64_pair(**row) : std::nullopt;
        auto& snapshot = std::get<raft::SnapshotRequest>(request_.body).snapshot;
        if (!applied || applied->first < snapshot.id.index) {
            return Progress::kLater;
        }
        cluster::Membership membership;
        if (Status s = membership.restore(**view); !s.ok()) {
            return s;
        }
        snapshot.id = {.term = applied->second, .index = applied->first};
        snapshot.configuration = configuration_of(membership.list());
        view_ = std::move(view).value();
        writer_ = std::make_unique<snapshot::Writer>(
            *view_, snapshot::WriterOptions{.chunk_bytes_max = kPieceBytes});
        return Progress::kMore;
    }

    Progress send_start() {
        log::info("sending a snapshot",
                  {{"to", cluster::format_id(peer())},
                   {"index", std::get<raft::SnapshotRequest>(request_.body).snapshot.id.index},
                   {"bytes", writer_->size()}});
        Bytes start;
        wire::append_message(start, 1, wire::encode_peer_message(request_));
        wire::append_uint(start, 2, writer_->size());
        Bytes piece;
        wire::append_message(piece, kStartField, start);
        return sent(call_.send(piece));
    }

    Result<Progress> send_piece() {
        const auto chunk = writer_->next();
        if (!chunk) {
            return chunk.error();
        }
        if (chunk->empty()) {
            ended_ = true;
            call_.half_close();
            return Progress::kWaiting;
        }
        Bytes piece;
        piece.reserve(wire::message_field_size(kDataField, chunk->size()));
        wire::append_message(piece, kDataField, *chunk);
        return sent(call_.send(piece));
    }

    // What a call that has ended is given goes nowhere; its end says so.
    Progress sent(transport::SendResult result) {
        crowded_ = result == transport::SendResult::kBusy;
        ended_ = result == transport::SendResult::kGone;
        return result == transport::SendResult::kOk ? Progress::kMore : Progress::kWaiting;
    }

    SnapshotAttempt attempt_;
    raft::Message request_;
    std::unique_ptr<transport::Connection> connection_;
    transport::Request call_;
    std::unique_ptr<storage::View> view_;
    std::unique_ptr<snapshot::Writer> writer_;
    bool measured_ = false;
    bool crowded_ = false;
    bool ended_ = false;
};

// The transport's thread.
class SnapshotSender::Receiver final : public transport::ClientCall {
  public:
    Receiver(Mailbox<Input>& inbox, uint64_t number) : inbox_(inbox), number_(number) {}

    void on_message(ByteView) override {}
    void on_writable() override { inbox_.push_always(Writable{number_}); }
    void on_end(const transport::CallEnd& end) override {
        inbox_.push_always(Ended{number_, end.code == Code::kOk
                                              ? Status()
                                              : Status::from_wire(static_cast<uint32_t>(end.code),
                                                                  std::string(end.text))});
    }

  private:
    Mailbox<Input>& inbox_;
    const uint64_t number_;
};

SnapshotSender::SnapshotSender(const LinkSettings& settings, storage::Backend& backend,
                               std::function<void()> flush)
    : settings_(settings),
      backend_(backend),
      flush_(std::move(flush)),
      inbox_(kInboxMax, thread_.waker()) {
    thread_.start([this] { return turn(); });
}

SnapshotSender::~SnapshotSender() {
    thread_.stop();
}

void SnapshotSender::send(const PeerLink& link, const raft::Message& request) {
    const uint64_t number = ++begun_;
    auto connection = link.dial();
    if (!connection) {
        settings_.raft.push_always(SnapshotSent{request.to, false});
        return;
    }
    auto transfer = std::make_unique<Transfer>(settings_, request, std::move(connection).value());
    auto call = link.open(transfer->connection(), kSnapshotPath, 0,
                          std::make_unique<Receiver>(inbox_, number));
    if (!call) {
        settings_.raft.push_always(SnapshotSent{request.to, false});
        return;
    }
    transfer->set_call(std::move(call).value());
    inbox_.push_always(Begin{number, std::move(transfer)});
}

int64_t SnapshotSender::turn() {
    inbox_.take(inputs_);
    for (Input& input : inputs_) {
        std::visit([this](auto& message) { take(message); }, input);
    }
    int64_t sleep_ns = kForever_ns;
    std::vector<std::pair<uint64_t, Status>> failed;
    for (const auto& [number, transfer] : transfers_) {
        const auto progress = transfer->step(backend_);
        if (!progress) {
            failed.emplace_back(number, progress.error());
        } else if (*progress == Transfer::Progress::kMore) {
            sleep_ns = 0;
        } else if (*progress == Transfer::Progress::kLater) {
            sleep_ns = std::min(sleep_ns, kEngineLag_ns);
        }
    }
    for (const auto& [number, status] : failed) {
        finish(number, status);
    }
    flush_();
    return sleep_ns;
}

void SnapshotSender::take(Begin& begin) {
    transfers_.emplace(begin.number, std::move(begin.transfer));
}

void SnapshotSender::take(const Writable& writable) {
    if (const auto it = transfers_.find(writable.number); it != transfers_.end()) {
        it->second->writable();
    }
}

void SnapshotSender::take(const Ended& ended) {
    finish(ended.number, ended.status);
}

void SnapshotSender::finish(uint64_t number, const Status& status) {
    const auto it = transfers_.find(number);
    if (it == transfers_.end()) {
        return;
    }
    const raft::MemberId peer = it->second->peer();
    if (status.ok()) {
        it->second->delivered();
        log::info("a snapshot has arrived", {{"to", cluster::format_id(peer)}});
    } else {
        log::warn("a snapshot was not delivered",
                  {{"to", cluster::format_id(peer)}, log::Field(status)});
    }
    transfers_.erase(it);
    settings_.raft.push_always(SnapshotSent{peer, status.ok()});
}

}  // namespace quorate::node
