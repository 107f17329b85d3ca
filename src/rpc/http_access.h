// SPDX-License-Identifier: Apache-2.0
//
// The front door for plain HTTP: which hosts and web origins may ask, and who answers, the JSON
// gateway or the pages for operators. Listeners are made known before the transport starts; after
// that this is constant. Transport threads.
#pragma once

#include "base/clock.h"
#include "rpc/http_service.h"
#include "rpc/json_gateway.h"
#include "rpc/login.h"
#include "rpc/router.h"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace quorate::rpc {

struct HttpAccessRules {
    std::vector<std::string> origins;  // those whose pages may read answers; "*" or none: all
    std::vector<std::string> hosts;    // names that requests without TLS may use; likewise
    bool json_gateway = true;
    // Clients show certificates, whose names log in: not through the gateway.
    bool client_cert_auth = false;
};

class HttpAccess {
  public:
    // All others outlive this.
    HttpAccess(HttpAccessRules rules, const Clock& clock, HttpService& pages, Router& router,
               const Login& login);

    void register_handler(Router& router);
    // See JsonGateway.
    void start(std::function<void()> flush);
    void stop();

    // What is special about a listener, by the transport's id: on one with TLS any host name is
    // fine, since the certificate has vouched for it; one for metrics serves no more than those and
    // the health checks, to any host.
    void add_tls_listener(uint32_t id) { tls_listeners_.insert(id); }
    void add_metrics_listener(uint32_t id) { metrics_listeners_.insert(id); }

  private:
    std::unique_ptr<transport::Call> on_request(const transport::CallInfo& info,
                                                transport::Reply reply);
    bool host_allowed(const transport::CallInfo& info, ByteView host) const;
    ByteView allowed_origin(const transport::CallInfo& info) const;

    void refuse_host(ByteView host, transport::Reply reply);

    const HttpAccessRules rules_;
    const Clock& clock_;
    HttpService& pages_;
    const Login& login_;
    std::unique_ptr<JsonGateway> gateway_;  // null: switched off
    std::set<uint32_t> tls_listeners_;
    std::set<uint32_t> metrics_listeners_;
    std::atomic<int64_t> next_warning_ns_{0};  // refusals are logged once a second
};

}  // namespace quorate::rpc
