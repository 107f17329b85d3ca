// SPDX-License-Identifier: Apache-2.0
#include "rpc/router.h"

#include "base/errors.h"
#include "rpc/call_record.h"
#include "rpc/late_call.h"
#include "rpc/login.h"
#include "rpc/utf8.h"

#include <utility>

namespace quorate::rpc {
namespace {

using transport::Call;
using transport::CallInfo;
using transport::Reply;

constexpr ByteView kClientVersion = "client-api-version";

Status unimplemented(std::string text) {
    return {errors::kUnimplemented, std::move(text)};
}

// gRPC's own answer for a path that leads nowhere, in grpc-go's words.
Status unknown_path(ByteView path, bool service_known) {
    const size_t slash = path.rfind('/');
    if (path.empty() || path.front() != '/' || slash == 0) {
        return unimplemented("malformed method name: \"" + std::string(path) + "\"");
    }
    const std::string service(path.substr(1, slash - 1));
    if (!service_known) {
        return unimplemented("unknown service " + service);
    }
    return unimplemented("unknown method " + std::string(path.substr(slash + 1)) + " for service " +
                         service);
}

// Range is one when it is serializable, which its service looks at. Not the health service: by
// that, balancers of clients find out whom to ask.
bool is_for_learners(ByteView path) {
    return path == "/etcdserverpb.KV/Range" || path == "/etcdserverpb.Maintenance/Status" ||
           path == "/etcdserverpb.Maintenance/Snapshot";
}

// Empty when there is none. One that is there and has nothing in it holds as little as any other
// that nobody was given; so it becomes a text that is no token.
ByteView token_of(const CallInfo& info) {
    constexpr ByteView kBearer = "Bearer ";
    constexpr ByteView kNoToken("\0", 1);
    for (const ByteView name : {"token", "authorization"}) {
        for (const transport::Header& header : info.headers) {
            if (header.name == name) {
                const bool prefixed = header.value.starts_with(kBearer);
                const ByteView token = header.value.substr(prefixed ? kBearer.size() : 0);
                return token.empty() ? kNoToken : token;
            }
        }
    }
    return {};
}

CallContext context_of(const CallInfo& info) {
    CallContext context;
    context.token = token_of(info);
    context.tls_common_name = info.tls_common_name;
    context.peer = info.peer;
    context.requires_leader = info.header("hasleader") == "true";
    return context;
}

}  // namespace

struct Router::Method {
    MethodInfo info;
    Access access;
    UnaryHandler on_request;
    StreamHandler on_stream;
};

namespace {

// A call whose client sends exactly one message. The handler runs when it arrives; what it needs of
// the call's metadata is kept here, since the transport lends it for the call's beginning only.
template <typename Method>
class SingleRequestCall final : public Call {
  public:
    // `record` is the reply's; null where another stands between.
    SingleRequestCall(Method& method, CallRecord* record, const CallContext& context, Reply reply)
        : method_(method), record_(record), reply_(std::move(reply)), context_(context) {}

    void on_message(ByteView message) override {
        method_.info.metrics.received.add();
        if (!reply_) {
            return;  // a second message on a call that takes one; grpc ignores it too
        }
        if (record_ != nullptr) {
            record_->request(message);
        }
        method_.on_request(context_.view(), message, std::move(reply_));
    }

    void on_half_close() override {
        if (reply_) {
            reply_.finish({errors::kInternal, "the call ended without a request message"});
        }
    }

    void on_cancel(transport::CancelReason reason) override {
        if (reply_) {
            reply_.finish(reason == transport::CancelReason::kDeadline ? errors::kContextDeadline
                                                                       : errors::kContextCanceled);
        }
    }

  private:
    Method& method_;
    CallRecord* const record_;
    Reply reply_;
    const KeptContext context_;
};

// Counts a stream's incoming messages on their way to the service.
template <typename Method>
class CountedStream final : public Call {
  public:
    CountedStream(Method& method, std::unique_ptr<Call> inner)
        : method_(method), inner_(std::move(inner)) {}

    void on_message(ByteView message) override {
        method_.info.metrics.received.add();
        inner_->on_message(message);
    }
    void on_half_close() override { inner_->on_half_close(); }
    void on_cancel(transport::CancelReason reason) override { inner_->on_cancel(reason); }
    void on_writable() override { inner_->on_writable(); }

  private:
    Method& method_;
    const std::unique_ptr<Call> inner_;
};

}  // namespace

Router::Router(metrics::Registry& metrics, const Clock& clock, const RouterOptions& options)
    : metrics_(metrics), clock_(clock), options_(options), clients_(metrics) {}
Router::~Router() = default;

Router::Method& Router::add(std::string path, MethodType type) {
    auto method = std::make_unique<Method>(
        Method{{path, type, {metrics_, path, type, options_.latency_histograms}},
               access_of(path),
               {},
               {}});
    const auto [it, added] = methods_.emplace(std::move(path), std::move(method));
    QUORATE_ASSERT(added);
    return *it->second;
}

void Router::add_unary(std::string path, UnaryHandler handler) {
    add(std::move(path), MethodType::kUnary).on_request = std::move(handler);
}

void Router::add_waiting(std::string path, StreamHandler handler) {
    add(std::move(path), MethodType::kUnary).on_stream = std::move(handler);
}

void Router::add_server_stream(std::string path, StreamHandler handler) {
    add(std::move(path), MethodType::kServerStream).on_stream = std::move(handler);
}

void Router::add_bidi_stream(std::string path, StreamHandler handler) {
    add(std::move(path), MethodType::kBidiStream).on_stream = std::move(handler);
}

// In etcd's order.
Status Router::admit(const Method& method, const CallInfo& info, const CallContext& context) {
    if (!is_for_learners(info.path) && conditions_.is_learner()) {
        return errors::kNotSupportedForLearner;
    }
    const ByteView version = info.header(kClientVersion);
    if (!is_utf8(version)) {
        return errors::kInvalidClientAPIVersion;
    }
    clients_.count(method.info.type == MethodType::kUnary ? ClientVersions::Kind::kUnary
                                                          : ClientVersions::Kind::kStream,
                   version);
    if (context.requires_leader && !conditions_.has_leader()) {
        return errors::kNoLeader;
    }
    return {};
}

std::unique_ptr<Call> Router::on_call(const CallInfo& info, Reply reply) {
    if (info.protocol == transport::Protocol::kHttp) {
        return http_(info, std::move(reply));
    }
    const auto it = methods_.find(info.path);
    if (it == methods_.end()) {
        const ByteView prefix = info.path.substr(0, info.path.rfind('/') + 1);
        const auto neighbour = methods_.lower_bound(prefix);
        const bool service_known =
            neighbour != methods_.end() && ByteView(neighbour->first).starts_with(prefix);
        reply.finish(unknown_path(info.path, service_known));
        return nullptr;
    }
    Method& method = *it->second;
    method.info.metrics.started.add();
    CallRecord& record =
        CallRecord::make(method.info, clock_, options_.warning_request_ns, info.peer);
    reply.observe(&record);
    CallContext context = context_of(info);
    if (Status s = admit(method, info, context); !s.ok()) {
        reply.finish(s);
        return nullptr;
    }
    if (login_ != nullptr && login_->is_on()) {
        const Status admitted = login_->admit(method.access, context);
        if ((!admitted.ok() || !context.caller) && login_->may_be_behind()) {
            return begin_when_current(method, context, std::move(reply));
        }
        if (!admitted.ok()) {
            reply.finish(admitted);
            return nullptr;
        }
    }
    return begin(method, &record, context, std::move(reply));
}

std::unique_ptr<Call> Router::begin(Method& method, CallRecord* record, const CallContext& context,
                                    Reply reply) {
    if (method.on_stream) {
        return std::make_unique<CountedStream<Method>>(method,
                                                       method.on_stream(context, std::move(reply)));
    }
    return std::make_unique<SingleRequestCall<Method>>(method, record, context, std::move(reply));
}

std::unique_ptr<Call> Router::begin_when_current(Method& method, const CallContext& context,
                                                 Reply reply) {
    auto late = std::make_shared<LateCall>(std::move(reply));
    login_->when_current([this, late, &method, kept = KeptContext(context)](const Status& current) {
        if (!current.ok()) {
            late->refuse(current);
            return;
        }
        CallContext again = kept.view();
        const Status admitted = login_->admit(method.access, again);
        if (!admitted.ok()) {
            late->refuse(admitted);
            return;
        }
        late->open([&](Reply to) { return begin(method, nullptr, again, std::move(to)); });
    });
    return LateCall::front_of(late);
}

Router::Method& Router::find(ByteView path) const {
    const auto it = methods_.find(path);
    QUORATE_ASSERT(it != methods_.end());
    return *it->second;
}

void Router::call(ByteView path, const CallContext& context, ByteView message, Reply reply) {
    const Method& method = find(path);
    QUORATE_ASSERT(method.on_request);
    CallContext own = context;
    const Status admitted = login_ == nullptr ? Status() : login_->admit(method.access, own);
    if (!admitted.ok()) {
        reply.finish(admitted);
        return;
    }
    method.on_request(own, message, std::move(reply));
}

std::unique_ptr<Call> Router::open(ByteView path, const CallContext& context, Reply reply) {
    const Method& method = find(path);
    QUORATE_ASSERT(method.on_stream);
    CallContext own = context;
    const Status admitted = login_ == nullptr ? Status() : login_->admit(method.access, own);
    if (!admitted.ok()) {
        reply.finish(admitted);
        return nullptr;
    }
    return method.on_stream(own, std::move(reply));
}

}  // namespace quorate::rpc
