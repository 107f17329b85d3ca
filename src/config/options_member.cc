// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/option_rows.h"

namespace quorate::config {

namespace {

constexpr View kPeersArePinged = "members ping each other and drop a connection that is silent";
constexpr View kWrittenBehind =
    "the engine is written behind the log, each time with all that has come meanwhile";
constexpr int64_t kDefaultQuota_bytes = 2LL * 1024 * 1024 * 1024;

Status set_name(Draft& draft, View text) {
    if (text.empty()) {
        return {errors::kConfig, "must not be empty"};
    }
    if (text.find_first_of("=,") != View::npos) {
        return {errors::kConfig, "must not hold = or a comma, which initial-cluster separates by"};
    }
    return keep_text(text, draft.config.member.name);
}

// 0 stands for the default and a negative number for none.
Status set_quota(Draft& draft, View text) {
    const Result<int64_t> bytes = to_int64(text);
    if (!bytes) {
        return bytes.error();
    }
    draft.config.limits.quota_backend_bytes =
        *bytes == 0 ? kDefaultQuota_bytes : (*bytes < 0 ? 0 : *bytes);
    return {};
}

// A field whose 0 stands for `fallback`.
template <typename T, typename Field>
Status keep_or(Result<T> parsed, Field& field, Field fallback) {
    if (!parsed) {
        return parsed.error();
    }
    field = *parsed == 0 ? fallback : static_cast<Field>(*parsed);
    return {};
}

Status set_freelist_type(Draft&, View text) {
    if (text == "map" || text == "array") {
        return {};
    }
    return {errors::kConfig, "must be map or array"};
}

std::vector<Option> process_rows() {
    return {
        {"name", "TEXT", "default", "Name of this member; unique in the cluster.", set_name},
        {"data-dir", "DIR", "${name}.etcd", "Folder that holds all data of this member.",
         [](Draft& d, View v) { return keep_text(v, d.config.member.data_dir); }},
        {"wal-dir", "DIR", "", "Folder for the write-ahead log, when it is to lie on another disk.",
         [](Draft& d, View v) { return keep_text(v, d.config.member.wal_dir); }},
        {"memory-mlock", "", "false", "Keep all memory of the process from being swapped out.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.member.memory_mlock); }},
        {"socket-reuse-port", "", "false", "Set SO_REUSEPORT on listening sockets.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.member.socket_reuse_port); }},
        {"socket-reuse-address", "", "false", "Set SO_REUSEADDR on listening sockets.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.member.socket_reuse_address); },
         Group::kMember, Support::kNoEffect, "SO_REUSEADDR is always set"},
        {"feature-gates", "GATES", "",
         "Feature gates to switch, as A=true,B=false: AllAlpha, AllBeta, CompactHashCheck, "
         "FastLeaseKeepAlive, InitialCorruptCheck, LeaseCheckpoint, LeaseCheckpointPersist, "
         "PriorityRequest, SetMemberLocalAddr, StopGRPCServiceOnDefrag, "
         "TxnModeWriteWithSharedBuffer. SetMemberLocalAddr: calls to other members come from the "
         "first IP of --initial-advertise-peer-urls that is not loopback. PriorityRequest: "
         "LeaseRevoke is let in while other requests get \"too many requests\", up to twice as "
         "many.",
         [](Draft& d, View v) { return keep(FeatureGates::parse(v), d.config.features); }},
    };
}

std::vector<Option> listen_rows() {
    return {
        {"listen-peer-urls", "URLS", "http://localhost:2380", "Where to listen for other members.",
         [](Draft& d, View v) { return keep(to_urls(v), d.config.urls.listen_peer); }},
        {"listen-client-urls", "URLS", "http://localhost:2379",
         "Where to listen for clients, gRPC and HTTP on one port.",
         [](Draft& d, View v) { return keep(to_urls(v), d.config.urls.listen_client); }},
        {"listen-client-http-urls", "URLS", "",
         "Where to listen for HTTP clients only; listen-client-urls then serves gRPC alone.",
         [](Draft& d, View v) { return keep(to_urls(v), d.config.urls.listen_client_http); }},
        {"listen-metrics-urls", "URLS", "", "More places to listen for /metrics and health checks.",
         [](Draft& d, View v) { return keep(to_urls(v), d.config.urls.listen_metrics); }},
        {"max-concurrent-streams", "N", "4294967295",
         "Requests and watches in flight at a time on one client connection.",
         [](Draft& d, View v) {
             return keep(to_uint32(v), d.config.limits.concurrent_streams_max);
         }},
        {"grpc-keepalive-min-time", "DURATION", "5s",
         "A client that pings more often than this is disconnected.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.http.keepalive_min_time_ns);
         }},
        {"grpc-keepalive-interval", "DURATION", "2h0m0s",
         "Ping a quiet client after this long (0: never).",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.http.keepalive_interval_ns);
         }},
        {"grpc-keepalive-timeout", "DURATION", "20s",
         "Disconnect a client that has not answered a ping for this long.",
         [](Draft& d, View v) { return keep(to_duration(v), d.config.http.keepalive_timeout_ns); }},
    };
}

std::vector<Option> raft_rows() {
    return {
        {"heartbeat-interval", "MS", "100", "Milliseconds between two heartbeats of the leader.",
         [](Draft& d, View v) { return keep(to_uint32(v), d.config.raft.heartbeat_interval_ms); }},
        {"election-timeout", "MS", "1000",
         "Milliseconds without a leader before an election; at least 5 heartbeats.",
         [](Draft& d, View v) { return keep(to_uint32(v), d.config.raft.election_timeout_ms); }},
        {"initial-election-tick-advance", "", "true",
         "Let the first election after a start come early.",
         [](Draft& d, View v) {
             return keep(to_bool(v), d.config.raft.initial_election_tick_advance);
         }},
        {"snapshot-count", "N", "10000", "Applied entries between two snapshots of the log.",
         [](Draft& d, View v) { return keep(to_uint64(v), d.config.raft.snapshot_count); }},
        {"snapshot-catchup-entries", "N", "5000",
         "Entries kept behind a snapshot for followers that are slow.",
         [](Draft& d, View v) {
             return keep(to_uint64(v), d.config.raft.snapshot_catchup_entries);
         }},
        {"max-wals", "N", "5", "Files of the write-ahead log to keep (0: all).",
         [](Draft& d, View v) { return keep(to_uint32(v), d.config.raft.wal_files_max); },
         Group::kMember, Support::kNoEffect,
         "files of the log are used again as soon as nothing needs them"},
        {"max-snapshots", "N", "5", "Snapshot files to keep.",
         [](Draft&, View v) {
             const Result<uint32_t> parsed = to_uint32(v);
             return parsed ? Status() : parsed.error();
         },
         Group::kMember, Support::kNoEffect, "etcd has removed this option"},
        {"raft-read-timeout", "DURATION", "5s",
         "Read timeout of connections between members; at least 5s.",
         [](Draft& d, View v) { return keep(to_duration(v), d.config.raft.peer_read_timeout_ns); },
         Group::kMember, Support::kNoEffect, kPeersArePinged},
        {"raft-write-timeout", "DURATION", "5s",
         "Write timeout of connections between members; at least 5s.",
         [](Draft& d, View v) { return keep(to_duration(v), d.config.raft.peer_write_timeout_ns); },
         Group::kMember, Support::kNoEffect, kPeersArePinged},
    };
}

std::vector<Option> limit_rows() {
    return {
        {"quota-backend-bytes", "BYTES", "0",
         "Size of the database at which writes stop with an alarm (0: 2 GiB, negative: no limit).",
         set_quota},
        {"max-txn-ops", "N", "128", "Operations allowed in one transaction.",
         [](Draft& d, View v) { return keep(to_uint32(v), d.config.limits.txn_ops_max); }},
        {"max-request-bytes", "BYTES", "1572864", "Size of the largest request that is accepted.",
         [](Draft& d, View v) {
             return keep(to_uint32(v, {1, 2'000'000'000}), d.config.limits.request_bytes_max);
         }},
        {"backend-bbolt-freelist-type", "TYPE", "map", "map or array.", set_freelist_type,
         Group::kMember, Support::kNoEffect, "there is no bbolt file underneath"},
        {"backend-batch-interval", "DURATION", "0s",
         "Longest time between two commits of the storage engine (0: 100ms).",
         [](Draft& d, View v) {
             return keep_or(to_duration(v), d.config.mvcc.backend_batch_interval_ns,
                            100 * kMillisecond_ns);
         },
         Group::kMember, Support::kNoEffect, kWrittenBehind},
        {"backend-batch-limit", "N", "0",
         "Operations in one commit of the storage engine (0: 10000).",
         [](Draft& d, View v) {
             return keep_or(to_uint32(v), d.config.mvcc.backend_batch_limit, 10'000U);
         },
         Group::kMember, Support::kNoEffect, kWrittenBehind},
        {"compaction-batch-limit", "N", "0",
         "Revisions that compaction removes at a time (0: 1000).",
         [](Draft& d, View v) {
             return keep_or(to_uint32(v), d.config.mvcc.compaction_batch_limit, 1'000U);
         }},
        {"compaction-sleep-interval", "DURATION", "0s",
         "Pause of compaction between two batches, a quarter of it before it has any (0: 10ms).",
         [](Draft& d, View v) {
             return keep_or(to_duration(v), d.config.mvcc.compaction_sleep_interval_ns,
                            10 * kMillisecond_ns);
         }},
        {"bootstrap-defrag-threshold-megabytes", "MB", "0",
         "Defragment at start when that frees at least this much (0: never).",
         [](Draft& d, View v) {
             return keep(to_uint32(v), d.config.mvcc.bootstrap_defrag_threshold_mib);
         },
         Group::kMember, Support::kNoEffect,
         "the storage engines use freed space again by themselves"},
    };
}

}  // namespace

std::vector<Option> member_rows() {
    std::vector<Option> rows;
    for (const std::vector<Option>& part :
         {process_rows(), listen_rows(), raft_rows(), limit_rows()}) {
        rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
}

}  // namespace quorate::config
