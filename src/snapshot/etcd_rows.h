// SPDX-License-Identifier: Apache-2.0
//
// Rows as etcd writes them: revisions, leases, alarms, members, the Raft configuration. Numbers are
// big endian; members and configuration are JSON. Decoders give nothing for bytes that are not such
// a row. Pure functions, any thread.
#pragma once

#include "base/bytes.h"
#include "cluster/member.h"
#include "raft/types.h"
#include "storage/schema.h"

#include <cstdint>
#include <optional>

namespace quorate::snapshot {

// A row's key in the bucket "key": main, '_', sub, and 't' behind a deletion.
struct RevisionKey {
    int64_t main = 0;
    int64_t sub = 0;
    bool tombstone = false;
};
Bytes encode_revision_key(const RevisionKey& revision);
std::optional<RevisionKey> parse_revision_key(ByteView key);

struct EtcdLease {
    int64_t id = 0;
    int64_t ttl_seconds = 0;
    int64_t remaining_seconds = 0;  // 0: all of it
};
Bytes encode_lease(const EtcdLease& lease);
std::optional<EtcdLease> decode_lease(ByteView value);

// The key of an alarm's row; the value is empty.
Bytes encode_alarm(const storage::AlarmKey& alarm);
std::optional<storage::AlarmKey> decode_alarm(ByteView key);

// The downgrade that is under way; empty: none is.
Bytes downgrade_to_json(ByteView target);
std::optional<std::string> downgrade_from_json(ByteView json);

Bytes member_to_json(const cluster::Member& member);
std::optional<cluster::Member> member_from_json(ByteView json);
// The key of a member's row, and back.
std::optional<uint64_t> parse_member_key(ByteView key);

Bytes configuration_to_json(const raft::Configuration& configuration);
std::optional<raft::Configuration> configuration_from_json(ByteView json);

}  // namespace quorate::snapshot
