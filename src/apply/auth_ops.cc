// SPDX-License-Identifier: Apache-2.0
#include "apply/auth_ops.h"

#include "base/errors.h"
#include "base/log.h"
#include "wire/proto_writer.h"

#include <string>
#include <utility>

namespace quorate::apply {
namespace {

// AuthenticateResponse.
constexpr uint32_t kTokenField = 2;

Status add_user(State& state, const wire::AuthUserAdd& request) {
    auth::User user;
    user.name = request.name();
    user.password_hash = request.password_hash();
    user.no_password = request.no_password();
    return state.auth.add_user(std::move(user), state.batch);
}

Status delete_user(State& state, const std::string& name) {
    Status done = state.auth.delete_user(name, state.batch);
    if (done.ok()) {
        state.tokens.forget_user(name);
    }
    return done;
}

Status change_password(State& state, const wire::AuthPassword& request) {
    Status done = state.auth.change_password(request.user(), request.password_hash(), state.batch);
    if (done.ok()) {
        state.tokens.forget_user(request.user());
    }
    return done;
}

Status disable(State& state) {
    const bool was_enabled = state.auth.enabled();
    state.auth.disable(state.batch);
    if (was_enabled) {
        state.tokens.forget_all();
    }
    return {};
}

Status grant_permission(State& state, const etcdserverpb::AuthRoleGrantPermissionRequest& request) {
    if (!request.has_perm()) {
        return errors::kPermissionNotGiven;
    }
    if (!authpb::Permission::Type_IsValid(request.perm().permtype())) {
        return errors::kInvalidAuthMgmt;
    }
    return state.auth.grant_permission(request.name(),
                                       {static_cast<auth::Grant>(request.perm().permtype()),
                                        request.perm().key(), request.perm().range_end()},
                                       state.batch);
}

// The member that issued the token has checked the password; what it saw must still hold.
Result<Bytes> install_token(State& state, const wire::AuthToken& request) {
    const auth::Rules& rules = state.auth.rules();
    if (!rules.enabled) {
        return errors::kAuthNotEnabled;
    }
    if (rules.revision != request.checked_revision()) {
        return errors::kAuthOldRevision;
    }
    if (rules.find_user(request.user()) == nullptr) {
        return errors::kAuthFailed;
    }
    state.tokens.install(request.token(), request.user());
    Bytes rest;
    wire::append_bytes(rest, kTokenField, request.token());
    return rest;
}

// What a change is about, for the log.
struct Subject {
    ByteView change;
    ByteView user = {};
    ByteView role = {};
};

Status run_change(State& state, const wire::Command& command, Subject& subject) {
    switch (command.request_case()) {
        case wire::Command::kAuthEnable:
            subject = {"enable"};
            return state.auth.enable(state.batch);
        case wire::Command::kAuthDisable:
            subject = {"disable"};
            return disable(state);
        case wire::Command::kAuthUserAdd:
            subject = {"add-user", command.auth_user_add().name()};
            return add_user(state, command.auth_user_add());
        case wire::Command::kAuthUserDelete:
            subject = {"delete-user", command.auth_user_delete().name()};
            return delete_user(state, command.auth_user_delete().name());
        case wire::Command::kAuthPassword:
            subject = {"change-password", command.auth_password().user()};
            return change_password(state, command.auth_password());
        case wire::Command::kAuthUserGrantRole: {
            const auto& request = command.auth_user_grant_role();
            subject = {"grant-role", request.user(), request.role()};
            return state.auth.grant_role(request.user(), request.role(), state.batch);
        }
        case wire::Command::kAuthUserRevokeRole: {
            const auto& request = command.auth_user_revoke_role();
            subject = {"revoke-role", request.name(), request.role()};
            return state.auth.revoke_role(request.name(), request.role(), state.batch);
        }
        case wire::Command::kAuthRoleAdd:
            subject = {"add-role", {}, command.auth_role_add().name()};
            return state.auth.add_role(command.auth_role_add().name(), state.batch);
        case wire::Command::kAuthRoleDelete:
            subject = {"delete-role", {}, command.auth_role_delete().role()};
            return state.auth.delete_role(command.auth_role_delete().role(), state.batch);
        case wire::Command::kAuthRoleGrantPermission:
            subject = {"grant-permission", {}, command.auth_role_grant_permission().name()};
            return grant_permission(state, command.auth_role_grant_permission());
        case wire::Command::kAuthRoleRevokePermission: {
            const auto& request = command.auth_role_revoke_permission();
            subject = {"revoke-permission", {}, request.role()};
            return state.auth.revoke_permission(request.role(),
                                                {request.key(), request.range_end()}, state.batch);
        }
        case wire::Command::kPut:
        case wire::Command::kDeleteRange:
        case wire::Command::kTxn:
        case wire::Command::kCompaction:
        case wire::Command::kLeaseGrant:
        case wire::Command::kLeaseRevoke:
        case wire::Command::kLeaseCheckpoint:
        case wire::Command::kAlarm:
        case wire::Command::kExpiredLeases:
        case wire::Command::kMemberAttributes:
        case wire::Command::kClusterVersion:
        case wire::Command::kMemberChange:
        case wire::Command::kDowngrade:
        case wire::Command::kAuthToken:
        case wire::Command::REQUEST_NOT_SET:
            break;
    }
    return {errors::kUnknown, "etcdserver: unknown method"};
}

}  // namespace

bool is_auth_command(const wire::Command& command) {
    return command.request_case() >= wire::Command::kAuthEnable &&
           command.request_case() <= wire::Command::kAuthRoleRevokePermission;
}

Result<Bytes> run_auth(State& state, const wire::Command& command) {
    if (command.request_case() == wire::Command::kAuthToken) {
        return install_token(state, command.auth_token());
    }
    Subject subject;
    if (Status s = run_change(state, command, subject); !s.ok()) {
        return s;
    }
    log::info("authentication settings changed", {{"change", subject.change},
                                                  {"user-name", subject.user},
                                                  {"role-name", subject.role},
                                                  {"by", command.user()},
                                                  {"auth-revision", state.auth.rules().revision}});
    return Bytes();
}

}  // namespace quorate::apply
