// SPDX-License-Identifier: Apache-2.0
#include "rpc/range_stream.h"

#include "base/errors.h"
#include "mvcc/record.h"
#include "rpc.pb.h"
#include "rpc/parse.h"
#include "rpc/permit.h"
#include "rpc/request_checks.h"
#include "wire/range_query.h"
#include "wire/responses.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace quorate::rpc {
namespace {

using transport::Reply;
using transport::SendResult;

constexpr int64_t kFirstChunkKeys = 10;

// The stream's state, shared by the call and by the chunk that is being read. A chunk is read on
// the read pool; when the client is slow the stream rests, and on_writable puts the next chunk into
// the pool. `running` is handed over between the two, so that only one of them touches the rest.
class RangeStream final : public std::enable_shared_from_this<RangeStream> {
  public:
    RangeStream(node::Node& node, const CallContext& context, Reply reply)
        : node_(node), caller_(context.caller), reply_(std::move(reply)) {}

    void begin(ByteView message) {
        Status checked = parse(message, request_);
        if (checked.ok()) {
            checked = check_range_stream(request_);
        }
        if (!checked.ok()) {
            reply_.finish(checked);
            return;
        }
        remaining_ = request_.limit();
        next_key_ = request_.key();
        running_.store(true);
        if (request_.serializable() || node_.reads_confirmed()) {
            schedule();
            return;
        }
        node_.confirm_read([self = shared_from_this()](const Status& confirmed) {
            if (confirmed.ok()) {
                self->run();
            } else {
                self->reply_.finish(confirmed);
            }
        });
    }

    void resume() {
        writable_.store(true);
        if (!running_.exchange(true)) {
            schedule();
        }
    }

    void end_of_call(transport::CancelReason reason) {
        if (!running_.exchange(true) && reply_) {
            reply_.finish(reason == transport::CancelReason::kDeadline ? errors::kContextDeadline
                                                                       : errors::kContextCanceled);
        }
    }

    void refuse(const Status& status) {
        if (reply_) {
            reply_.finish(status);
        }
    }

  private:
    void schedule() {
        if (!node_.run_in_pool([self = shared_from_this()] { self->run(); })) {
            reply_.finish(errors::kRequestTooManyRequests);
        }
    }

    void run() {
        while (reply_) {
            writable_.store(false);
            const SendResult sent = send_chunk();
            if (!reply_) {
                return;
            }
            if (sent == SendResult::kGone) {
                reply_.finish(errors::kContextCanceled);
                return;
            }
            if (sent == SendResult::kBusy) {
                running_.store(false);
                // The room may have come between the send and this line, when resume() still saw
                // the stream running.
                if (!writable_.load() || running_.exchange(true)) {
                    return;
                }
            }
        }
    }

    // One message, or the last one and the end.
    SendResult send_chunk() {
        mvcc::RangeQuery query = wire::to_range_query(request_);
        query.range.key = next_key_;
        query.revision = first_ ? request_.revision() : revision_;
        query.limit = chunk_keys_;
        if (remaining_ > 0) {
            query.limit = std::min(query.limit, remaining_);
        }
        // Later chunks show what the first one could have shown.
        ReadPermit permit(node_, caller_);
        if (Status s = first_ ? permit.before(request_) : Status(); !s.ok()) {
            reply_.finish(s);
            return SendResult::kGone;
        }
        auto chunk = node_.store().range(query);
        if (!chunk) {
            reply_.finish(chunk.error());
            return SendResult::kGone;
        }
        if (Status s = first_ ? permit.after(request_) : Status(); !s.ok()) {
            reply_.finish(s);
            return SendResult::kGone;
        }
        if (std::exchange(first_, false)) {
            header_revision_ = chunk->revision;
            revision_ = request_.revision() > 0 ? request_.revision() : chunk->revision;
        }
        const bool limit_reached =
            remaining_ > 0 && static_cast<int64_t>(chunk->kvs.size()) == remaining_;
        if (request_.count_only() || !chunk->more || limit_reached) {
            return finish(*chunk);
        }
        const Bytes message = wire::encode_range_stream_records(chunk->kvs);
        if (Status s = advance(*chunk, message.size()); !s.ok()) {
            reply_.finish(s);
            return SendResult::kGone;
        }
        return reply_.send(message);
    }

    SendResult finish(mvcc::RangeResult& last) {
        const int64_t in_chunk = last.count;  // of the range from this chunk's first key on
        last.count = sent_keys_ + in_chunk;
        last.revision = header_revision_;
        if (request_.count_only()) {
            last.more = false;
        }
        const Bytes header = wire::encode_header(node_.header(header_revision_));
        reply_.send(wire::encode_range_stream_end(header, last));
        reply_.finish({});
        return SendResult::kOk;
    }

    // etcd's pace: chunks grow while they are small and shrink when they got too big.
    Status advance(const mvcc::RangeResult& chunk, size_t message_bytes) {
        const auto last = mvcc::decode_record(chunk.kvs.back().bytes);
        if (!last) {
            return last.error();
        }
        next_key_ = Bytes(last->key) + '\0';
        const auto keys = static_cast<int64_t>(chunk.kvs.size());
        sent_keys_ += keys;
        if (remaining_ > 0) {
            remaining_ -= keys;
        }
        const size_t aim = node_.config().limits.request_bytes_max;
        if (message_bytes < aim / 2) {
            chunk_keys_ *= 2;
        } else if (message_bytes > aim * 2) {
            chunk_keys_ = std::max<int64_t>(1, chunk_keys_ / 2);
        }
        return {};
    }

    node::Node& node_;
    const Result<auth::Caller> caller_;
    Reply reply_;
    etcdserverpb::RangeRequest request_;
    std::atomic<bool> running_{false};
    std::atomic<bool> writable_{false};
    Bytes next_key_;
    bool first_ = true;
    int64_t revision_ = 0;
    int64_t header_revision_ = 0;
    int64_t chunk_keys_ = kFirstChunkKeys;
    int64_t remaining_ = 0;  // of the limit; 0: none was given
    int64_t sent_keys_ = 0;
};

class RangeStreamCall final : public transport::Call {
  public:
    RangeStreamCall(node::Node& node, const CallContext& context, Reply reply)
        : stream_(std::make_shared<RangeStream>(node, context, std::move(reply))) {}

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
    const std::shared_ptr<RangeStream> stream_;
    bool begun_ = false;
};

}  // namespace

std::unique_ptr<transport::Call> make_range_stream(node::Node& node, const CallContext& context,
                                                   Reply reply) {
    return std::make_unique<RangeStreamCall>(node, context, std::move(reply));
}

}  // namespace quorate::rpc
