// SPDX-License-Identifier: Apache-2.0
#include "rpc/watch_service.h"

#include "apply/authorize.h"
#include "base/errors.h"
#include "rpc.pb.h"
#include "rpc/parse.h"
#include "wire/watch_response.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace quorate::rpc {
namespace {

using transport::Reply;
using transport::SendResult;

// The hub's side of a stream. Watch loop.
class Client final : public node::WatchClient {
  public:
    Client(node::Node& node, Reply reply) : node_(node), reply_(std::move(reply)) {}

    ~Client() override {
        if (reply_) {
            reply_.finish(ended_);
        }
    }

    mvcc::SinkResult send(const mvcc::WatchMessage& message) override {
        if (!reply_) {
            return mvcc::SinkResult::kGone;
        }
        switch (reply_.send(wire::encode_watch_response(node_.header(0), message))) {
            case SendResult::kOk:
                return mvcc::SinkResult::kOk;
            case SendResult::kBusy:
                return mvcc::SinkResult::kBusy;
            case SendResult::kGone:
                break;
        }
        return mvcc::SinkResult::kGone;
    }

    void finish(const Status& status) override {
        if (reply_) {
            reply_.finish(status);
        }
    }

    void hold(bool held) override {
        if (reply_) {
            reply_.hold(held);
        }
    }

    // What the stream ends with when the hub closes it because its client is done.
    void set_end(const Status& status) override { ended_ = status; }

  private:
    node::Node& node_;
    Reply reply_;
    Status ended_;
};

// The transport's side of a stream.
class WatchCall final : public transport::Call {
  public:
    WatchCall(node::Node& node, const Login& login, const CallContext& context, node::WatchKey key)
        : node_(node), login_(login), context_(context), key_(key) {}

    void on_message(ByteView message) override {
        if (closed_) {
            return;
        }
        etcdserverpb::WatchRequest request;
        if (Status s = parse(message, request); !s.ok()) {
            close(s);
            return;
        }
        if (!pass(request)) {
            close(errors::kRequestTooManyRequests);
        }
    }

    // A client that makes no more requests still wants its events, as one behind the JSON gateway
    // whose body has ended: the stream ends when its call does.
    void on_half_close() override {}
    void on_cancel(transport::CancelReason) override { close(errors::kContextCanceled); }
    void on_writable() override {
        if (!closed_ && !node_.watch(node::WatchWritable{key_})) {
            close(errors::kRequestTooManyRequests);
        }
    }

  private:
    // False when the watch loop has no room.
    bool pass(const etcdserverpb::WatchRequest& request) {
        switch (request.request_union_case()) {
            case etcdserverpb::WatchRequest::kCreateRequest:
                return node_.watch(create(request.create_request()));
            case etcdserverpb::WatchRequest::kCancelRequest:
                return node_.watch(
                    node::WatchCancelRequest{key_, request.cancel_request().watch_id()});
            case etcdserverpb::WatchRequest::kProgressRequest:
                return node_.watch(node::WatchProgressRequest{key_});
            case etcdserverpb::WatchRequest::REQUEST_UNION_NOT_SET:
                break;
        }
        return true;  // etcd takes no notice of it either
    }

    node::WatchCreateRequest create(const etcdserverpb::WatchCreateRequest& request) const {
        node::WatchCreateRequest out{};
        out.key = key_;
        if (const Status permitted = permit(request); !permitted.ok()) {
            out.refusal = "rpc error: code = " + std::string(code_name(permitted.code())) +
                          " desc = " + permitted.message();
            return out;
        }
        out.watched_key = request.key();
        out.range_end = request.range_end();
        out.create.start_revision = request.start_revision();
        out.create.watch_id = request.watch_id();
        out.create.progress_notify = request.progress_notify();
        out.create.prev_kv = request.prev_kv();
        out.create.fragment = request.fragment();
        for (const int filter : request.filters()) {
            out.create.no_put |= filter == etcdserverpb::WatchCreateRequest::NOPUT;
            out.create.no_delete |= filter == etcdserverpb::WatchCreateRequest::NODELETE;
        }
        return out;
    }

    // Each creation anew: a stream may live longer than its token. A watch that is there stays.
    Status permit(const etcdserverpb::WatchCreateRequest& request) const {
        if (!login_.is_on()) {
            return {};
        }
        const auto caller = login_.identify(context_.view());
        if (!caller) {
            return caller.error();
        }
        return apply::authorize(*node_.rules(), *caller, apply::needs_of(request), nullptr);
    }

    void close(const Status& status) {
        if (!std::exchange(closed_, true)) {
            node_.watch_always(node::WatchClose{key_, status});
        }
    }

    node::Node& node_;
    const Login& login_;
    const KeptContext context_;
    const node::WatchKey key_;
    bool closed_ = false;
};

}  // namespace

void WatchService::register_methods(Router& router) {
    router.add_bidi_stream(
        "/etcdserverpb.Watch/Watch",
        [this](const CallContext& context, Reply reply) -> std::unique_ptr<transport::Call> {
            const node::WatchKey key = next_key_.fetch_add(1);
            node_.watch_always(node::WatchOpen{
                key, std::make_unique<Client>(node_, std::move(reply)), context.requires_leader});
            return std::make_unique<WatchCall>(node_, login_, context, key);
        });
}

}  // namespace quorate::rpc
