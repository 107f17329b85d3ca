// SPDX-License-Identifier: Apache-2.0
#include "snapshot/etcd_rows.h"

#include "lease.pb.h"
#include "rpc.pb.h"
#include "snapshot.pb.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace quorate::snapshot {
namespace {

constexpr size_t kRevisionBytes = 17;
constexpr char kTombstoneMark = 't';

// JSON as Go reads it. protobuf's printer would write 64-bit numbers as texts.
void append_json_text(Bytes& out, ByteView text) {
    constexpr char kDigits[] = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.append({'\\', c});
        } else if (byte < 0x20) {
            out.append("\\u00").append({kDigits[byte >> 4], kDigits[byte & 15]});
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

template <typename Items, typename Append>
void append_json_list(Bytes& out, const Items& items, Append append) {
    out.push_back('[');
    for (size_t i = 0; i < items.size(); ++i) {
        if (i > 0) {
            out.push_back(',');
        }
        append(out, items[i]);
    }
    out.push_back(']');
}

void append_json_number(Bytes& out, uint64_t number) {
    out += std::to_string(number);
}

template <typename Message>
std::optional<Message> parse_json(ByteView json) {
    Message message;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const auto parsed = google::protobuf::util::JsonStringToMessage(
        google::protobuf::StringPiece(json.data(), json.size()), &message, options);
    return parsed.ok() ? std::optional(std::move(message)) : std::nullopt;
}

template <typename Repeated>
std::vector<uint64_t> sorted(const Repeated& ids) {
    std::vector<uint64_t> out(ids.begin(), ids.end());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

Bytes encode_revision_key(const RevisionKey& revision) {
    Bytes key;
    key.reserve(kRevisionBytes + 1);
    append_be64(key, static_cast<uint64_t>(revision.main));
    key.push_back('_');
    append_be64(key, static_cast<uint64_t>(revision.sub));
    if (revision.tombstone) {
        key.push_back(kTombstoneMark);
    }
    return key;
}

std::optional<RevisionKey> parse_revision_key(ByteView key) {
    const bool marked = key.size() == kRevisionBytes + 1 && key.back() == kTombstoneMark;
    if ((key.size() != kRevisionBytes && !marked) || key[8] != '_') {
        return std::nullopt;
    }
    return RevisionKey{.main = static_cast<int64_t>(load_be64(key.data())),
                       .sub = static_cast<int64_t>(load_be64(key.data() + 9)),
                       .tombstone = marked};
}

Bytes encode_lease(const EtcdLease& lease) {
    leasepb::Lease stored;
    stored.set_id(lease.id);
    stored.set_ttl(lease.ttl_seconds);
    stored.set_remainingttl(lease.remaining_seconds);
    return stored.SerializeAsString();
}

std::optional<EtcdLease> decode_lease(ByteView value) {
    leasepb::Lease stored;
    if (!stored.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
        return std::nullopt;
    }
    return EtcdLease{stored.id(), stored.ttl(), stored.remainingttl()};
}

Bytes encode_alarm(const storage::AlarmKey& alarm) {
    etcdserverpb::AlarmMember stored;
    stored.set_memberid(alarm.member_id);
    stored.set_alarm(static_cast<etcdserverpb::AlarmType>(alarm.type));
    return stored.SerializeAsString();
}

std::optional<storage::AlarmKey> decode_alarm(ByteView key) {
    etcdserverpb::AlarmMember stored;
    // A row for no alarm is none that etcd writes, and for member 0 it would have no name.
    if (!stored.ParseFromArray(key.data(), static_cast<int>(key.size())) ||
        !etcdserverpb::AlarmType_IsValid(stored.alarm()) || stored.alarm() == etcdserverpb::NONE) {
        return std::nullopt;
    }
    return storage::AlarmKey{stored.memberid(), static_cast<uint8_t>(stored.alarm())};
}

Bytes member_to_json(const cluster::Member& member) {
    Bytes out = "{\"id\":";
    append_json_number(out, member.id);
    out += ",\"peerURLs\":";
    append_json_list(out, member.peer_urls, append_json_text);
    if (member.is_learner) {
        out += ",\"isLearner\":true";
    }
    if (!member.name.empty()) {
        out += ",\"name\":";
        append_json_text(out, member.name);
    }
    if (!member.client_urls.empty()) {
        out += ",\"clientURLs\":";
        append_json_list(out, member.client_urls, append_json_text);
    }
    if (!member.server_version.empty()) {
        out += ",\"serverVersion\":";
        append_json_text(out, member.server_version);
    }
    return out += '}';
}

std::optional<cluster::Member> member_from_json(ByteView json) {
    const auto stored = parse_json<stored::Member>(json);
    if (!stored) {
        return std::nullopt;
    }
    return cluster::Member{
        .id = stored->id(),
        .name = stored->name(),
        .peer_urls = {stored->peer_urls().begin(), stored->peer_urls().end()},
        .client_urls = {stored->client_urls().begin(), stored->client_urls().end()},
        .is_learner = stored->is_learner(),
        .server_version = stored->server_version()};
}

Bytes downgrade_to_json(ByteView target) {
    Bytes out = "{\"target-version\":";
    append_json_text(out, target);
    return out += ",\"enabled\":true}";
}

std::optional<std::string> downgrade_from_json(ByteView json) {
    const auto stored = parse_json<stored::Downgrade>(json);
    if (!stored) {
        return std::nullopt;
    }
    return stored->enabled() ? stored->target_version() : std::string();
}

std::optional<uint64_t> parse_member_key(ByteView key) {
    uint64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id, 16);
    if (error != std::errc() || end != key.data() + key.size()) {
        return std::nullopt;
    }
    return id;
}

Bytes configuration_to_json(const raft::Configuration& configuration) {
    Bytes out = "{";
    const auto add = [&out](ByteView name, const std::vector<raft::MemberId>& ids) {
        if (ids.empty()) {
            return;
        }
        append_json_text(out, name);
        out.push_back(':');
        append_json_list(out, ids, append_json_number);
        out.push_back(',');
    };
    add("voters", configuration.voters);
    add("learners", configuration.learners);
    add("voters_outgoing", configuration.voters_outgoing);
    add("learners_next", configuration.learners_next);
    out += configuration.auto_leave ? "\"auto_leave\":true}" : "\"auto_leave\":false}";
    return out;
}

std::optional<raft::Configuration> configuration_from_json(ByteView json) {
    const auto stored = parse_json<stored::ConfState>(json);
    if (!stored) {
        return std::nullopt;
    }
    return raft::Configuration{.voters = sorted(stored->voters()),
                               .voters_outgoing = sorted(stored->voters_outgoing()),
                               .learners = sorted(stored->learners()),
                               .learners_next = sorted(stored->learners_next()),
                               .auto_leave = stored->auto_leave()};
}

}  // namespace quorate::snapshot
