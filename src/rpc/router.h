// SPDX-License-Identifier: Apache-2.0
//
// The router: from a call's path to the method that answers it, with what all methods share: what a
// call has to fulfil before its method sees it, who may call it at all, counting, telling of slow
// requests, and gRPC's own errors. Registration happens before the transport starts; after that the
// router is constant and used by the transport's threads.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "rpc/access.h"
#include "rpc/call_context.h"
#include "rpc/client_versions.h"
#include "rpc/method_metrics.h"
#include "transport/transport.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace quorate::rpc {

class CallRecord;
class Login;

struct RouterOptions {
    int64_t warning_request_ns = 0;   // unary calls that take longer are told of; 0: none is
    bool latency_histograms = false;  // --metrics=extensive
};

// What this member is at the moment; asked on the transport's threads.
struct RouterConditions {
    // A learner answers little: what is not for it is refused with its text.
    std::function<bool()> is_learner = [] { return false; };
    // Calls with the metadata "hasleader" are refused without one.
    std::function<bool()> has_leader = [] { return true; };
};

class Router final : public transport::Handler {
  public:
    // Answers one request now or later. The message is borrowed.
    using UnaryHandler =
        std::function<void(const CallContext&, ByteView message, transport::Reply)>;
    // Makes the receiving side of a streaming call.
    using StreamHandler =
        std::function<std::unique_ptr<transport::Call>(const CallContext&, transport::Reply)>;
    // Answers plain HTTP, whatever the path.
    using HttpHandler = std::function<std::unique_ptr<transport::Call>(const transport::CallInfo&,
                                                                       transport::Reply)>;

    // Both outlive the router.
    Router(metrics::Registry& metrics, const Clock& clock, const RouterOptions& options = {});
    ~Router() override;

    // `path` is "/package.Service/Method".
    void add_unary(std::string path, UnaryHandler handler);
    // Unary, but it may wait for long and has to hear of its client's end.
    void add_waiting(std::string path, StreamHandler handler);
    // One request, many answers.
    void add_server_stream(std::string path, StreamHandler handler);
    void add_bidi_stream(std::string path, StreamHandler handler);
    void set_http(HttpHandler handler) { http_ = std::move(handler); }

    void set_conditions(RouterConditions conditions) { conditions_ = std::move(conditions); }

    // Without it everybody may call everything.
    void set_login(Login& login) { login_ = &login; }

    std::unique_ptr<transport::Call> on_call(const transport::CallInfo& info,
                                             transport::Reply reply) override;

    // For services that are made of others: a unary method, or a stream, on behalf of a caller,
    // who is looked up anew, and without being counted. The path is one that was added.
    void call(ByteView path, const CallContext& context, ByteView message, transport::Reply reply);
    std::unique_ptr<transport::Call> open(ByteView path, const CallContext& context,
                                          transport::Reply reply);

  private:
    struct Method;
    Method& add(std::string path, MethodType type);
    Status admit(const Method& method, const transport::CallInfo& info, const CallContext& context);
    Method& find(ByteView path) const;
    static std::unique_ptr<transport::Call> begin(Method& method, CallRecord* record,
                                                  const CallContext& context,
                                                  transport::Reply reply);
    std::unique_ptr<transport::Call> begin_when_current(Method& method, const CallContext& context,
                                                        transport::Reply reply);

    metrics::Registry& metrics_;
    const Clock& clock_;
    const RouterOptions options_;
    ClientVersions clients_;
    RouterConditions conditions_;
    std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_;
    HttpHandler http_;
    Login* login_ = nullptr;
};

}  // namespace quorate::rpc
