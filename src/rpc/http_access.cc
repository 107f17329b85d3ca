// SPDX-License-Identifier: Apache-2.0
#include "rpc/http_access.h"

#include "base/log.h"
#include "rpc/http_target.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate::rpc {
namespace {

using transport::CallInfo;
using transport::Header;
using transport::Reply;
using transport::SendResult;

constexpr int64_t kWarningPause_ns = 1'000'000'000;
constexpr ByteView kGatewayPrefix = "/v3/";
constexpr ByteView kOldGatewayPrefix = "/v3beta/";

// "*" or an empty list admits everything.
bool admits(const std::vector<std::string>& list, ByteView value) {
    return list.empty() || std::any_of(list.begin(), list.end(), [value](const std::string& entry) {
               return entry == "*" || entry == value;
           });
}

// The name in a Host header, without its port and the brackets of an IPv6 address.
ByteView host_name(ByteView authority) {
    if (authority.starts_with('[')) {
        const size_t end = authority.find(']');
        return end == ByteView::npos ? authority : authority.substr(1, end - 1);
    }
    const size_t colon = authority.find(':');
    return authority.find(':', colon + 1) == ByteView::npos ? authority.substr(0, colon)
                                                            : authority;
}

std::vector<Header> cors_headers(ByteView origin) {
    if (origin.empty()) {
        return {};
    }
    return {{"access-control-allow-methods", "POST, GET, OPTIONS, PUT, DELETE"},
            {"access-control-allow-origin", origin},
            {"access-control-allow-headers", "accept, content-type, authorization"}};
}

// Adds the CORS headers to whatever an answer has. Owned by the Reply above it.
class CorsAnswer final : public Reply::Channel {
  public:
    CorsAnswer(ByteView origin, Reply inner) : origin_(origin), inner_(std::move(inner)) {}

    SendResult send(ByteView message) override {
        begin();
        return inner_.send(message);
    }
    void respond(uint32_t http_status, const std::vector<Header>& headers) override {
        std::vector<Header> all = cors_headers(origin_);
        all.insert(all.end(), headers.begin(), headers.end());
        begun_ = true;
        inner_.respond(http_status, all);
    }
    void finish(const Status& status) override {
        const std::unique_ptr<CorsAnswer> self(this);
        begin();
        inner_.finish(status);
    }
    void reply(ByteView message) override {
        const std::unique_ptr<CorsAnswer> self(this);
        begin();
        inner_.reply(message);
    }
    void hold(bool held) override { inner_.hold(held); }

  private:
    void begin() {
        if (!begun_) {
            respond(200, {});
        }
    }

    const Bytes origin_;
    Reply inner_;
    bool begun_ = false;
};

}  // namespace

HttpAccess::HttpAccess(HttpAccessRules rules, const Clock& clock, HttpService& pages,
                       Router& router, const Login& login)
    : rules_(std::move(rules)), clock_(clock), pages_(pages), login_(login) {
    if (rules_.json_gateway) {
        gateway_ = std::make_unique<JsonGateway>(router, clock_);
    }
}

void HttpAccess::register_handler(Router& router) {
    router.set_http(
        [this](const CallInfo& info, Reply reply) { return on_request(info, std::move(reply)); });
}

void HttpAccess::start(std::function<void()> flush) {
    if (gateway_ != nullptr) {
        gateway_->start(std::move(flush));
    }
}

void HttpAccess::stop() {
    if (gateway_ != nullptr) {
        gateway_->stop();
    }
}

bool HttpAccess::host_allowed(const CallInfo& info, ByteView host) const {
    return tls_listeners_.contains(info.listener) || admits(rules_.hosts, host);
}

void HttpAccess::refuse_host(ByteView host, Reply reply) {
    const int64_t now_ns = clock_.monotonic_ns();
    int64_t due_ns = next_warning_ns_.load();
    if (now_ns >= due_ns &&
        next_warning_ns_.compare_exchange_strong(due_ns, now_ns + kWarningPause_ns)) {
        log::warn("rejecting HTTP request to prevent DNS rebinding attacks", {{"host", host}});
    }
    reply.respond(421, {{"content-type", "text/plain; charset=utf-8"}, kNoSniffing});
    reply.send("The Host header of this request, \"" + std::string(host) +
               "\", is not one that this server answers to.\n\n"
               "Either serve clients with TLS, or add the name to those that are accepted:\n"
               "    --host-whitelist=\"" +
               std::string(host) +
               "\"\n\n"
               "Without this rule a web page could reach the server from within a browser by "
               "rebinding its own name (CVE-2018-5702).\n");
    reply.finish({});
}

// Empty when no header is to be sent.
ByteView HttpAccess::allowed_origin(const CallInfo& info) const {
    if (admits(rules_.origins, "*")) {
        return "*";
    }
    const ByteView origin = info.header("origin");
    return admits(rules_.origins, origin) ? origin : ByteView();
}

std::unique_ptr<transport::Call> HttpAccess::on_request(const CallInfo& info, Reply reply) {
    if (metrics_listeners_.contains(info.listener)) {
        return pages_.on_request(info, HttpService::Pages::kMonitoring, std::move(reply));
    }
    const ByteView host = host_name(info.authority);
    if (!host_allowed(info, host)) {
        refuse_host(host, std::move(reply));
        return nullptr;
    }
    if (const ByteView origin = allowed_origin(info); !origin.empty()) {
        reply = Reply(std::make_unique<CorsAnswer>(origin, std::move(reply)).release());
    }
    if (info.method == "OPTIONS") {
        reply.respond(200, {});
        reply.finish({});
        return nullptr;
    }
    std::string path = HttpTarget::parse(info.path).path;
    if (path.starts_with(kOldGatewayPrefix)) {
        path.replace(0, kOldGatewayPrefix.size(), kGatewayPrefix);
    }
    if (gateway_ != nullptr && path.starts_with(kGatewayPrefix)) {
        // Refused rather than ignored: its owner may count on it.
        if (rules_.client_cert_auth && !info.tls_common_name.empty() && login_.is_on()) {
            reply.respond(400, {{"content-type", "text/plain; charset=utf-8"}, kNoSniffing});
            reply.send(
                "CommonName of client sending a request against gateway will be ignored and not "
                "used as expected\n");
            reply.finish({});
            return nullptr;
        }
        return gateway_->on_request(info, path, std::move(reply));
    }
    return pages_.on_request(info, HttpService::Pages::kAll, std::move(reply));
}

}  // namespace quorate::rpc
