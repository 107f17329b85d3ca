// SPDX-License-Identifier: Apache-2.0
//
// Everything that can be configured, typed and validated. Filled once at start by config/load.h and
// immutable afterwards; each part of the core is given the group it needs. The defaults written
// here are etcd's and are the ones that config/options.h prints. Durations are nanoseconds (_ns)
// where the option is written "5s", milliseconds (_ms) where etcd takes a plain number of them.
#pragma once

#include "base/log.h"
#include "base/url.h"
#include "config/feature_gates.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace quorate::config {

inline constexpr int64_t kMillisecond_ns = 1'000'000;
inline constexpr int64_t kSecond_ns = 1000 * kMillisecond_ns;
inline constexpr int64_t kMinute_ns = 60 * kSecond_ns;
inline constexpr int64_t kHour_ns = 60 * kMinute_ns;

struct MemberConfig {
    std::string name = "default";
    std::string data_dir;  // ${name}.etcd when not given
    std::string wal_dir;   // empty: inside data_dir
    bool memory_mlock = false;
    bool socket_reuse_port = false;
    bool socket_reuse_address = false;
};

struct UrlConfig {
    std::vector<Url> listen_peer;
    std::vector<Url> listen_client;
    std::vector<Url> listen_client_http;  // not empty: HTTP moves here from listen_client
    std::vector<Url> listen_metrics;
    std::vector<Url> advertise_peer;
    std::vector<Url> advertise_client;
};

struct InitialMember {
    std::string name;
    std::vector<Url> peer_urls;  // sorted
};

enum class ClusterState : uint8_t { kNew, kExisting };

struct ClusterConfig {
    // Sorted by name; holds this member. With discovery this member alone, or nobody.
    std::vector<InitialMember> initial_cluster;
    ClusterState initial_state = ClusterState::kNew;
    std::string token = "etcd-cluster";
    bool strict_reconfig_check = true;
    bool force_new_cluster = false;
    uint32_t max_learners = 1;
    int64_t downgrade_check_interval_ns = 5 * kSecond_ns;
};

// How a new member finds the others when --initial-cluster does not say. At most one of the two
// ways is set.
struct DiscoveryConfig {
    // A cluster that keeps the registry of clusters to be: "http://host:port", "https://host:port"
    // or "host:port".
    std::vector<std::string> endpoints;
    std::string token;  // of the cluster to be; also its initial-cluster-token
    int64_t dial_timeout_ns = 2 * kSecond_ns;
    int64_t request_timeout_ns = 5 * kSecond_ns;
    int64_t keepalive_time_ns = 2 * kSecond_ns;
    int64_t keepalive_timeout_ns = 6 * kSecond_ns;
    bool insecure_transport = true;  // for endpoints without a scheme
    bool insecure_skip_tls_verify = false;
    std::string cert_file;
    std::string key_file;
    std::string trusted_ca_file;
    std::string user;  // empty: the registry asks for none
    std::string password;

    std::string srv_domain;  // not empty: the members are SRV records of this domain
    std::string srv_name;    // behind the name of the service
    std::string dns_server;  // "address:port"; empty: the system's

    bool by_registry() const { return !endpoints.empty(); }
    bool by_dns() const { return !srv_domain.empty(); }
};

struct RaftConfig {
    uint32_t heartbeat_interval_ms = 100;
    uint32_t election_timeout_ms = 1000;  // at least 5 heartbeats, at most 50,000
    bool initial_election_tick_advance = true;
    bool pre_vote = true;
    uint64_t snapshot_count = 10'000;           // applied entries between snapshots
    uint64_t snapshot_catchup_entries = 5'000;  // kept behind a snapshot for slow followers
    uint32_t wal_files_max = 5;                 // 0: keep all
    bool unsafe_no_fsync = false;
    int64_t peer_read_timeout_ns = 5 * kSecond_ns;
    int64_t peer_write_timeout_ns = 5 * kSecond_ns;
};

struct LimitsConfig {
    // Effective: the default 2 GiB is filled in, 0 means that there is no quota.
    int64_t quota_backend_bytes = 2LL * 1024 * 1024 * 1024;
    uint32_t txn_ops_max = 128;
    uint32_t request_bytes_max = 1'572'864;
    uint32_t concurrent_streams_max = 4'294'967'295;
};

enum class AutoCompactionMode : uint8_t { kPeriodic, kRevision };

struct MvccConfig {
    AutoCompactionMode auto_compaction_mode = AutoCompactionMode::kPeriodic;
    // Nanoseconds in periodic mode, revisions in revision mode; 0: off.
    int64_t auto_compaction_retention = 0;
    uint32_t compaction_batch_limit = 1000;  // revisions
    int64_t compaction_sleep_interval_ns = 10 * kMillisecond_ns;
    int64_t watch_progress_notify_interval_ns = 10 * kMinute_ns;
    int64_t backend_batch_interval_ns = 100 * kMillisecond_ns;
    uint32_t backend_batch_limit = 10'000;  // operations
    uint32_t bootstrap_defrag_threshold_mib = 0;
    int64_t corrupt_check_interval_ns = 0;  // 0: off
    int64_t compact_hash_check_interval_ns = kMinute_ns;
};

struct TlsConfig {
    std::string cert_file;
    std::string key_file;
    std::string client_cert_file;  // empty: cert_file, when we are the client
    std::string client_key_file;
    std::string trusted_ca_file;
    std::string crl_file;
    bool client_cert_auth = false;
    bool auto_tls = false;
    bool skip_client_san_verification = false;
    std::vector<std::string> allowed_common_names;
    std::vector<std::string> allowed_hostnames;

    bool empty() const { return cert_file.empty() && key_file.empty(); }
};

enum class TlsVersion : uint8_t { kDefault, kTls12, kTls13 };

struct SecurityConfig {
    TlsConfig client;
    TlsConfig peer;
    uint32_t self_signed_cert_validity_years = 1;
    std::vector<std::string> cipher_suites;  // Go's names; empty: the library's choice
    TlsVersion tls_version_min = TlsVersion::kTls12;
    TlsVersion tls_version_max = TlsVersion::kDefault;
};

struct HttpConfig {
    std::vector<std::string> cors = {"*"};
    std::vector<std::string> host_whitelist = {"*"};
    bool enable_grpc_gateway = true;
    bool enable_pprof = false;
    bool extensive_metrics = false;
    int64_t keepalive_min_time_ns = 5 * kSecond_ns;
    int64_t keepalive_interval_ns = 2 * kHour_ns;  // 0: the server never pings
    int64_t keepalive_timeout_ns = 20 * kSecond_ns;
    int64_t warning_apply_duration_ns = 100 * kMillisecond_ns;
    int64_t warning_unary_request_duration_ns = 300 * kMillisecond_ns;
};

struct AuthConfig {
    uint32_t bcrypt_cost = 10;
    uint32_t token_ttl_s = 300;
    bool force_disable = false;  // once, at this start
};

// A plugin and what it is given: "name,key=value,..." on the command line, or a section of the
// configuration file. The plugin checks the keys.
struct PluginChoice {
    std::string name;  // [a-z0-9_]+, lower case
    std::vector<std::pair<std::string, std::string>> options;
};

struct PluginConfig {
    std::string dir;
    PluginChoice storage{"leveldb", {}};
    PluginChoice transport{"http", {}};
    PluginChoice auth{"simple", {}};
};

struct Config {
    MemberConfig member;
    UrlConfig urls;
    ClusterConfig cluster;
    DiscoveryConfig discovery;
    RaftConfig raft;
    LimitsConfig limits;
    MvccConfig mvcc;
    SecurityConfig security;
    HttpConfig http;
    AuthConfig auth;
    log::Options log;
    FeatureGates features;
    PluginConfig plugins;
};

}  // namespace quorate::config
