// SPDX-License-Identifier: Apache-2.0
#include "rpc/auth_service.h"

#include "apply/authorize.h"
#include "base/errors.h"
#include "base/log.h"
#include "command.pb.h"
#include "rpc/callback_reply.h"
#include "rpc/json_values.h"
#include "rpc/on_state.h"
#include "rpc/parse.h"
#include "rpc/permit.h"
#include "wire/header.h"

#include <utility>

namespace quorate::rpc {
namespace {

using transport::Reply;

// How often a login is begun anew because users or roles have changed while it was under way.
constexpr int kAttemptsMax = 8;
// AuthenticateResponse.
constexpr uint32_t kTokenField = 2;

Status no_password_user() {
    return {errors::kUnknown,
            "auth: authentication failed, password was given for no password user"};
}

// What the role root may do, though no permission says so.
void add_all_keys(etcdserverpb::AuthRoleGetResponse& response) {
    auto* permission = response.add_perm();
    permission->set_permtype(authpb::Permission::READWRITE);
    permission->set_range_end(std::string(1, '\0'));
}

Status fill(const auth::Rules& rules, const auth::Caller& caller,
            const etcdserverpb::AuthUserGetRequest& request,
            etcdserverpb::AuthUserGetResponse& response) {
    if (Status s = apply::authorize_user_get(rules, caller, request.name()); !s.ok()) {
        return s;
    }
    const auth::UserEntry* const entry = rules.find_user(request.name());
    if (entry == nullptr) {
        return errors::kUserNotFound;
    }
    for (const std::string& role : entry->user.roles) {
        response.add_roles(role);
    }
    return {};
}

Status fill(const auth::Rules& rules, const auth::Caller& caller,
            const etcdserverpb::AuthRoleGetRequest& request,
            etcdserverpb::AuthRoleGetResponse& response) {
    if (Status s = apply::authorize_role_get(rules, caller, request.role()); !s.ok()) {
        return s;
    }
    const auth::Role* const role = rules.find_role(request.role());
    if (role == nullptr) {
        return errors::kRoleNotFound;
    }
    if (role->name == auth::kRootRole) {
        add_all_keys(response);
        return {};
    }
    for (const auth::Permission& granted : role->permissions) {
        auto* permission = response.add_perm();
        permission->set_permtype(static_cast<authpb::Permission::Type>(granted.grant));
        permission->set_key(granted.key);
        permission->set_range_end(granted.range_end);
    }
    return {};
}

Status check_root(const auth::Rules& rules, const auth::Caller& caller) {
    return apply::authorize(rules, caller, {.who = apply::Who::kRoot}, nullptr);
}

Status fill(const auth::Rules& rules, const auth::Caller& caller,
            const etcdserverpb::AuthUserListRequest&,
            etcdserverpb::AuthUserListResponse& response) {
    if (Status s = check_root(rules, caller); !s.ok()) {
        return s;
    }
    for (const auto& [name, entry] : rules.users) {
        response.add_users(name);
    }
    return {};
}

Status fill(const auth::Rules& rules, const auth::Caller& caller,
            const etcdserverpb::AuthRoleListRequest&,
            etcdserverpb::AuthRoleListResponse& response) {
    if (Status s = check_root(rules, caller); !s.ok()) {
        return s;
    }
    for (const auto& [name, entry] : rules.roles) {
        response.add_roles(name);
    }
    return {};
}

Status fill(const auth::Rules& rules, const auth::Caller&, const etcdserverpb::AuthStatusRequest&,
            etcdserverpb::AuthStatusResponse& response) {
    response.set_enabled(rules.enabled);
    response.set_authrevision(rules.revision);
    return {};
}

void set_header(etcdserverpb::ResponseHeader& out, const wire::Header& header) {
    out.set_cluster_id(header.cluster_id);
    out.set_member_id(header.member_id);
    out.set_revision(header.revision);
    out.set_raft_term(header.raft_term);
}

// A method that only looks.
template <typename Request, typename Response>
void add_question(Router& router, node::Node& node, const char* path) {
    router.add_unary(path, [&node](const CallContext& context, ByteView message, Reply reply) {
        Request request;
        if (Status s = parse(message, request); !s.ok()) {
            reply.finish(s);
            return;
        }
        if (!context.caller) {
            reply.finish(context.caller.error());
            return;
        }
        answer_on_confirmed_state(
            node, std::move(reply),
            [&node, request, caller = *context.caller](apply::State& state, Reply& to) {
                Response response;
                if (Status s = fill(state.auth.rules(), caller, request, response); !s.ok()) {
                    to.finish(s);
                    return;
                }
                set_header(*response.mutable_header(), node.header(state.store.current_revision()));
                to.reply(response.SerializeAsString());
            });
    });
}

// A method whose request goes into the log as it is.
template <typename Request>
void add_change(Router& router, node::Node& node, const char* path, wire::CommandKind kind) {
    router.add_unary(path,
                     [&node, kind](const CallContext& context, ByteView message, Reply reply) {
                         Request request;
                         if (Status s = parse(message, request); !s.ok()) {
                             reply.finish(s);
                             return;
                         }
                         propose(node, context, kind, message, std::move(reply));
                     });
}

}  // namespace

struct AuthService::Attempt {
    etcdserverpb::AuthenticateRequest request;
    Reply reply;
    int number = 0;

    void fail(const Status& status) {
        log::warn("invalid authentication was requested",
                  {{"user", request.name()}, log::Field(status)});
        reply.finish(status);
    }
};

void AuthService::register_methods(Router& router) {
    register_changes(router);
    register_questions(router);
    router.add_unary("/etcdserverpb.Auth/Authenticate",
                     [this](const CallContext&, ByteView message, Reply reply) {
                         authenticate(message, std::move(reply));
                     });
    router.add_unary("/etcdserverpb.Auth/UserAdd",
                     [this](const CallContext& context, ByteView message, Reply reply) {
                         add_user(context, message, std::move(reply));
                     });
    router.add_unary("/etcdserverpb.Auth/UserChangePassword",
                     [this](const CallContext& context, ByteView message, Reply reply) {
                         change_password(context, message, std::move(reply));
                     });
}

void AuthService::register_changes(Router& router) {
    using wire::CommandKind;
    add_change<etcdserverpb::AuthEnableRequest>(router, node_, "/etcdserverpb.Auth/AuthEnable",
                                                CommandKind::kAuthEnable);
    add_change<etcdserverpb::AuthDisableRequest>(router, node_, "/etcdserverpb.Auth/AuthDisable",
                                                 CommandKind::kAuthDisable);
    add_change<etcdserverpb::AuthUserDeleteRequest>(router, node_, "/etcdserverpb.Auth/UserDelete",
                                                    CommandKind::kAuthUserDelete);
    add_change<etcdserverpb::AuthUserGrantRoleRequest>(
        router, node_, "/etcdserverpb.Auth/UserGrantRole", CommandKind::kAuthUserGrantRole);
    add_change<etcdserverpb::AuthUserRevokeRoleRequest>(
        router, node_, "/etcdserverpb.Auth/UserRevokeRole", CommandKind::kAuthUserRevokeRole);
    add_change<etcdserverpb::AuthRoleAddRequest>(router, node_, "/etcdserverpb.Auth/RoleAdd",
                                                 CommandKind::kAuthRoleAdd);
    add_change<etcdserverpb::AuthRoleDeleteRequest>(router, node_, "/etcdserverpb.Auth/RoleDelete",
                                                    CommandKind::kAuthRoleDelete);
    add_change<etcdserverpb::AuthRoleGrantPermissionRequest>(
        router, node_, "/etcdserverpb.Auth/RoleGrantPermission",
        CommandKind::kAuthRoleGrantPermission);
    add_change<etcdserverpb::AuthRoleRevokePermissionRequest>(
        router, node_, "/etcdserverpb.Auth/RoleRevokePermission",
        CommandKind::kAuthRoleRevokePermission);
}

void AuthService::register_questions(Router& router) {
    add_question<etcdserverpb::AuthStatusRequest, etcdserverpb::AuthStatusResponse>(
        router, node_, "/etcdserverpb.Auth/AuthStatus");
    add_question<etcdserverpb::AuthUserGetRequest, etcdserverpb::AuthUserGetResponse>(
        router, node_, "/etcdserverpb.Auth/UserGet");
    add_question<etcdserverpb::AuthUserListRequest, etcdserverpb::AuthUserListResponse>(
        router, node_, "/etcdserverpb.Auth/UserList");
    add_question<etcdserverpb::AuthRoleGetRequest, etcdserverpb::AuthRoleGetResponse>(
        router, node_, "/etcdserverpb.Auth/RoleGet");
    add_question<etcdserverpb::AuthRoleListRequest, etcdserverpb::AuthRoleListResponse>(
        router, node_, "/etcdserverpb.Auth/RoleList");
}

void AuthService::authenticate(ByteView message, Reply reply) {
    auto attempt = std::make_shared<Attempt>();
    if (Status s = parse(message, attempt->request); !s.ok()) {
        reply.finish(s);
        return;
    }
    attempt->reply = std::move(reply);
    if (node_.reads_confirmed()) {
        check_password(std::move(attempt));
        return;
    }
    node_.confirm_read([this, attempt](const Status& confirmed) {
        if (confirmed.ok()) {
            check_password(attempt);
        } else {
            attempt->reply.finish(confirmed);
        }
    });
}

void AuthService::check_password(std::shared_ptr<Attempt> attempt) {
    const auto rules = node_.rules();
    if (!rules->enabled) {
        attempt->reply.finish(errors::kAuthNotEnabled);
        return;
    }
    const auth::UserEntry* const entry = rules->find_user(attempt->request.name());
    if (entry == nullptr) {
        attempt->fail(errors::kAuthFailed);
        return;
    }
    if (entry->user.no_password) {
        attempt->fail(no_password_user());
        return;
    }
    const bool taken = passwords_.run([this, attempt, rules, entry] {
        const auto right =
            node_.tokens().check_password(attempt->request.password(), entry->user.password_hash);
        if (!right || !*right) {
            attempt->fail(right ? Status(errors::kAuthFailed) : right.error());
            return;
        }
        const auto token = node_.tokens().issue(attempt->request.name(), rules->revision,
                                                node_.status().applied.load());
        if (!token) {
            attempt->fail(token.error());
            return;
        }
        give_token(attempt, *token, rules->revision);
    });
    if (!taken) {
        attempt->reply.finish(errors::kRequestTooManyRequests);
    }
}

void AuthService::give_token(const std::shared_ptr<Attempt>& attempt, const std::string& token,
                             uint64_t checked_revision) {
    if (!node_.tokens().replicated()) {
        Bytes response;
        wire::append_header(response, node_.header(node_.store().current_revision()));
        wire::append_bytes(response, kTokenField, token);
        attempt->reply.reply(response);
        return;
    }
    wire::AuthToken command;
    command.set_user(attempt->request.name());
    command.set_checked_revision(checked_revision);
    command.set_token(token);
    node_.propose(wire::CommandKind::kAuthToken, wire::Origin::of_member(),
                  command.SerializeAsString(),
                  callback_reply([this, attempt](const Result<Bytes>& answer) {
                      if (answer) {
                          attempt->reply.reply(*answer);
                      } else if (answer.error().is(errors::kAuthOldRevision) &&
                                 ++attempt->number < kAttemptsMax) {
                          check_password(attempt);
                      } else {
                          attempt->reply.finish(answer.error());
                      }
                  }));
}

void AuthService::hash_and_propose(const CallContext& context, const std::string& password,
                                   wire::CommandKind kind,
                                   std::function<Bytes(const std::string& hash)> command_of,
                                   Reply reply) {
    auto shared = std::make_shared<Reply>(std::move(reply));
    const bool taken = passwords_.run([this, shared, kind, password, kept = KeptContext(context),
                                       command_of = std::move(command_of)] {
        const auto hash = node_.tokens().hash_password(password);
        if (!hash) {
            shared->finish(hash.error());
            return;
        }
        propose(node_, kept.view(), kind, command_of(*hash), std::move(*shared));
    });
    if (!taken) {
        shared->finish(errors::kRequestTooManyRequests);
    }
}

namespace {

// A hash that the client has made itself, in base64.
Result<Bytes> given_hash(const std::string& base64) {
    auto hash = json_bytes('"' + base64 + '"');
    if (!hash || hash->empty()) {
        return Status(errors::kInvalidArgument, "hashedPassword is not a hash in base64");
    }
    return *std::move(hash);
}

}  // namespace

void AuthService::add_user(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::AuthUserAddRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    wire::AuthUserAdd command;
    command.set_name(request.name());
    command.set_no_password(request.options().no_password());
    if (command.no_password()) {
        propose(node_, context, wire::CommandKind::kAuthUserAdd, command.SerializeAsString(),
                std::move(reply));
        return;
    }
    if (request.password().empty() && !request.hashedpassword().empty()) {
        auto hash = given_hash(request.hashedpassword());
        if (!hash) {
            reply.finish(hash.error());
            return;
        }
        command.set_password_hash(*std::move(hash));
        propose(node_, context, wire::CommandKind::kAuthUserAdd, command.SerializeAsString(),
                std::move(reply));
        return;
    }
    hash_and_propose(
        context, request.password(), wire::CommandKind::kAuthUserAdd,
        [command](const std::string& hash) {
            wire::AuthUserAdd with_hash = command;
            with_hash.set_password_hash(hash);
            return with_hash.SerializeAsString();
        },
        std::move(reply));
}

void AuthService::change_password(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::AuthUserChangePasswordRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    wire::AuthPassword command;
    command.set_user(request.name());
    if (request.password().empty()) {
        // With neither, no password lets in any longer, as in etcd.
        if (!request.hashedpassword().empty()) {
            auto hash = given_hash(request.hashedpassword());
            if (!hash) {
                reply.finish(hash.error());
                return;
            }
            command.set_password_hash(*std::move(hash));
        }
        propose(node_, context, wire::CommandKind::kAuthPassword, command.SerializeAsString(),
                std::move(reply));
        return;
    }
    hash_and_propose(
        context, request.password(), wire::CommandKind::kAuthPassword,
        [command](const std::string& hash) {
            wire::AuthPassword with_hash = command;
            with_hash.set_password_hash(hash);
            return with_hash.SerializeAsString();
        },
        std::move(reply));
}

}  // namespace quorate::rpc
