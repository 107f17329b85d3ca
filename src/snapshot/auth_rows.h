// SPDX-License-Identifier: Apache-2.0
//
// Users, roles and whether authentication is on, as etcd writes them: authpb messages under the
// name, and two rows with fixed names. Pure functions, any thread.
#pragma once

#include "auth/auth_rows.h"
#include "auth/types.h"
#include "base/status.h"
#include "snapshot/reader.h"
#include "snapshot/tables.h"
#include "storage/backend.h"

#include <optional>
#include <vector>

namespace quorate::snapshot {

Bytes encode_etcd_user(const auth::User& user);
std::optional<auth::User> decode_etcd_user(ByteView value);

Bytes encode_etcd_role(const auth::Role& role);
std::optional<auth::Role> decode_etcd_role(ByteView value);

// Nothing where nobody has ever changed anything. errors::kDamaged.
Result<std::optional<auth::Settings>> read_auth_settings(storage::View& view);
Result<std::optional<auth::Settings>> read_auth_settings(const Reader& reader);
// The rows of the bucket, in order.
std::vector<Row> auth_rows(const std::optional<auth::Settings>& settings);

}  // namespace quorate::snapshot
