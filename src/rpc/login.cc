// SPDX-License-Identifier: Apache-2.0
#include "rpc/login.h"

#include "base/errors.h"

#include <string>
#include <utility>

namespace quorate::rpc {

Login::Login(node::Node& node)
    : node_(node), by_certificate_(node.config().security.client.client_cert_auth) {}

Result<auth::Caller> Login::identify(const CallContext& context) const {
    if (!is_on()) {
        return auth::Caller{};
    }
    // Before the token is looked at: when it is forgotten in between, the request fails for its
    // age.
    const uint64_t revision = node_.status().auth_revision.load();
    if (!context.token.empty()) {
        auto user = node_.tokens().verify(context.token);
        if (!user) {
            return user.error();
        }
        return auth::Caller{std::move(user->user),
                            user->auth_revision == 0 ? revision : user->auth_revision};
    }
    if (by_certificate_ && !context.tls_common_name.empty()) {
        return auth::Caller{std::string(context.tls_common_name), revision};
    }
    return auth::Caller{};
}

Status Login::admit(Access access, CallContext& context) const {
    if (!is_on() || access == Access::kOpen) {
        return {};
    }
    context.caller = identify(context);
    if (access == Access::kByRequest || access == Access::kByCalls) {
        return {};  // a token that does not hold is told of after what else is wrong
    }
    if (!context.caller) {
        return context.caller.error();
    }
    const auto rules = node_.rules();
    if (!rules->enabled) {
        return {};
    }
    switch (access) {
        case Access::kUser:
            return rules->log_in(*context.caller).error();
        case Access::kRoot:
            return rules->check_root(*context.caller);
        case Access::kNobody:
        case Access::kOpen:
        case Access::kByRequest:
        case Access::kByCalls:
            break;
    }
    return errors::kPermissionDenied;
}

}  // namespace quorate::rpc
