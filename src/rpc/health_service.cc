// SPDX-License-Identifier: Apache-2.0
#include "rpc/health_service.h"

#include "base/errors.h"
#include "health.pb.h"
#include "rpc/parse.h"

#include <memory>
#include <utility>

namespace quorate::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::health::v1::HealthListResponse;
using transport::Reply;

constexpr ErrorDef kUnknownService{Code::kNotFound, "unknown service"};

Bytes encoded(HealthCheckResponse::ServingStatus status) {
    HealthCheckResponse response;
    response.set_status(status);
    return response.SerializeAsString();
}

void check(ByteView message, Reply reply) {
    HealthCheckRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
    } else if (!request.service().empty()) {
        reply.finish(kUnknownService);
    } else {
        reply.reply(encoded(HealthCheckResponse::SERVING));
    }
}

// One message now; the next would come with the next change, and the end of the server ends the
// stream.
class WatchCall final : public transport::Call {
  public:
    explicit WatchCall(Reply reply) : reply_(std::move(reply)) {}

    void on_message(ByteView message) override {
        HealthCheckRequest request;
        if (!reply_ || std::exchange(answered_, true)) {
            return;
        }
        if (Status s = parse(message, request); !s.ok()) {
            reply_.finish(s);
            return;
        }
        reply_.send(encoded(request.service().empty() ? HealthCheckResponse::SERVING
                                                      : HealthCheckResponse::SERVICE_UNKNOWN));
    }

    void on_cancel(transport::CancelReason) override {
        if (reply_) {
            reply_.finish(errors::kContextCanceled);
        }
    }

  private:
    Reply reply_;
    bool answered_ = false;
};

}  // namespace

void HealthService::register_methods(Router& router) {
    router.add_unary("/grpc.health.v1.Health/Check",
                     [](const CallContext&, ByteView message, Reply reply) {
                         check(message, std::move(reply));
                     });
    router.add_unary("/grpc.health.v1.Health/List", [](const CallContext&, ByteView, Reply reply) {
        HealthListResponse response;
        (*response.mutable_statuses())[""].set_status(HealthCheckResponse::SERVING);
        reply.reply(response.SerializeAsString());
    });
    router.add_server_stream("/grpc.health.v1.Health/Watch", [](const CallContext&, Reply reply) {
        return std::make_unique<WatchCall>(std::move(reply));
    });
}

}  // namespace quorate::rpc
