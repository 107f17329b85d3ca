// SPDX-License-Identifier: Apache-2.0
#include "snapshot/auth_rows.h"

#include "auth.pb.h"
#include "base/errors.h"
#include "snapshot/buckets.h"
#include "storage/schema.h"

#include <algorithm>
#include <utility>

namespace quorate::snapshot {
namespace {

constexpr char kOff = 0;
constexpr char kOn = 1;

template <typename Message>
std::optional<Message> parse(ByteView value) {
    Message message;
    const bool parsed = message.ParseFromArray(value.data(), static_cast<int>(value.size()));
    return parsed ? std::optional(std::move(message)) : std::nullopt;
}

bool by_span(const auth::Permission& a, const auth::Permission& b) {
    return std::pair(ByteView(a.key), ByteView(a.range_end)) <
           std::pair(ByteView(b.key), ByteView(b.range_end));
}

}  // namespace

Bytes encode_etcd_user(const auth::User& user) {
    authpb::User stored;
    stored.set_name(user.name);
    stored.set_password(user.password_hash);
    for (const std::string& role : user.roles) {
        stored.add_roles(role);
    }
    stored.mutable_options()->set_no_password(user.no_password);
    return stored.SerializeAsString();
}

std::optional<auth::User> decode_etcd_user(ByteView value) {
    const auto stored = parse<authpb::User>(value);
    if (!stored || stored->name().empty()) {
        return std::nullopt;
    }
    auth::User user{.name = stored->name(),
                    .password_hash = stored->password(),
                    .roles = {stored->roles().begin(), stored->roles().end()},
                    .no_password = stored->options().no_password()};
    std::sort(user.roles.begin(), user.roles.end());
    return user;
}

Bytes encode_etcd_role(const auth::Role& role) {
    authpb::Role stored;
    stored.set_name(role.name);
    for (const auth::Permission& permission : role.permissions) {
        authpb::Permission& out = *stored.add_keypermission();
        out.set_permtype(static_cast<authpb::Permission::Type>(permission.grant));
        out.set_key(permission.key);
        out.set_range_end(permission.range_end);
    }
    return stored.SerializeAsString();
}

std::optional<auth::Role> decode_etcd_role(ByteView value) {
    const auto stored = parse<authpb::Role>(value);
    if (!stored || stored->name().empty()) {
        return std::nullopt;
    }
    auth::Role role{.name = stored->name(), .permissions = {}};
    for (const authpb::Permission& permission : stored->keypermission()) {
        if (!authpb::Permission::Type_IsValid(permission.permtype())) {
            return std::nullopt;
        }
        role.permissions.push_back({static_cast<auth::Grant>(permission.permtype()),
                                    permission.key(), permission.range_end()});
    }
    std::sort(role.permissions.begin(), role.permissions.end(), by_span);
    return role;
}

Result<std::optional<auth::Settings>> read_auth_settings(storage::View& view) {
    const auto row = view.get(storage::kAuthKey);
    if (!row) {
        return row.error();
    }
    if (!row->has_value()) {
        return std::optional<auth::Settings>();
    }
    const auto settings = auth::decode_settings(**row);
    if (!settings) {
        return Status(errors::kDamaged, "whether authentication is enabled can't be read");
    }
    return settings;
}

Result<std::optional<auth::Settings>> read_auth_settings(const Reader& reader) {
    const auto enabled = reader.find(buckets::kAuth, buckets::kAuthEnabled);
    if (!enabled) {
        return enabled.error();
    }
    const auto revision = reader.find(buckets::kAuth, buckets::kAuthRevision);
    if (!revision) {
        return revision.error();
    }
    if (!enabled->has_value() && !revision->has_value()) {
        return std::optional<auth::Settings>();
    }
    const auto number =
        revision->has_value() ? storage::decode_u64(**revision) : std::optional<uint64_t>(1);
    const Bytes flag = enabled->value_or(Bytes(1, kOff));
    if (!number || *number == 0 || flag.size() != 1 || (flag[0] != kOff && flag[0] != kOn)) {
        return Status(errors::kDamaged,
                      reader.path() +
                          ": bucket \"auth\": whether authentication is enabled can't "
                          "be read");
    }
    return std::optional(auth::Settings{.enabled = flag[0] == kOn, .revision = *number});
}

std::vector<Row> auth_rows(const std::optional<auth::Settings>& settings) {
    if (!settings) {
        return {};
    }
    return {{Bytes(buckets::kAuthEnabled), Bytes(1, settings->enabled ? kOn : kOff)},
            {Bytes(buckets::kAuthRevision), storage::encode_u64(settings->revision)}};
}

}  // namespace quorate::snapshot
