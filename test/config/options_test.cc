// SPDX-License-Identifier: Apache-2.0
//
// The option table against etcd's list of flags, and what is printed from it.
#include "config/options.h"

#include "config/load.h"
#include "config/version.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace quorate::config {
namespace {

struct Flag {
    std::string_view name;
    std::string_view default_text;
};

// Every flag that etcd 3.7 documents, with its default.
constexpr Flag kEtcdFlags[] = {
    {"name", "default"},
    {"data-dir", "${name}.etcd"},
    {"wal-dir", ""},
    {"snapshot-count", "10000"},
    {"snapshot-catchup-entries", "5000"},
    {"heartbeat-interval", "100"},
    {"election-timeout", "1000"},
    {"initial-election-tick-advance", "true"},
    {"listen-peer-urls", "http://localhost:2380"},
    {"listen-client-urls", "http://localhost:2379"},
    {"listen-client-http-urls", ""},
    {"listen-metrics-urls", ""},
    {"max-wals", "5"},
    {"quota-backend-bytes", "0"},
    {"backend-bbolt-freelist-type", "map"},
    {"backend-batch-interval", "0s"},
    {"backend-batch-limit", "0"},
    {"max-txn-ops", "128"},
    {"max-request-bytes", "1572864"},
    {"max-concurrent-streams", "4294967295"},
    {"grpc-keepalive-min-time", "5s"},
    {"grpc-keepalive-interval", "2h0m0s"},
    {"grpc-keepalive-timeout", "20s"},
    {"socket-reuse-port", "false"},
    {"socket-reuse-address", "false"},
    {"raft-read-timeout", "5s"},
    {"raft-write-timeout", "5s"},
    {"memory-mlock", "false"},
    {"feature-gates", ""},
    {"initial-advertise-peer-urls", "http://localhost:2380"},
    {"initial-cluster", "${name}=http://localhost:2380"},
    {"initial-cluster-state", "new"},
    {"initial-cluster-token", "etcd-cluster"},
    {"advertise-client-urls", "http://localhost:2379"},
    {"discovery-endpoints", ""},
    {"discovery-token", ""},
    {"discovery-dial-timeout", "2s"},
    {"discovery-request-timeout", "5s"},
    {"discovery-keepalive-time", "2s"},
    {"discovery-keepalive-timeout", "6s"},
    {"discovery-insecure-transport", "true"},
    {"discovery-insecure-skip-tls-verify", "false"},
    {"discovery-cert", ""},
    {"discovery-key", ""},
    {"discovery-cacert", ""},
    {"discovery-user", ""},
    {"discovery-password", ""},
    {"discovery-fallback", "exit"},
    {"discovery-srv", ""},
    {"discovery-srv-name", ""},
    {"strict-reconfig-check", "true"},
    {"pre-vote", "true"},
    {"auto-compaction-retention", "0"},
    {"auto-compaction-mode", "periodic"},
    {"max-learners", "1"},
    {"cert-file", ""},
    {"key-file", ""},
    {"client-cert-file", ""},
    {"client-key-file", ""},
    {"client-cert-auth", "false"},
    {"client-crl-file", ""},
    {"client-cert-allowed-cn", ""},
    {"client-cert-allowed-hostname", ""},
    {"trusted-ca-file", ""},
    {"auto-tls", "false"},
    {"peer-cert-file", ""},
    {"peer-key-file", ""},
    {"peer-client-cert-file", ""},
    {"peer-client-key-file", ""},
    {"peer-client-cert-auth", "false"},
    {"peer-trusted-ca-file", ""},
    {"peer-auto-tls", "false"},
    {"peer-cert-allowed-cn", ""},
    {"peer-cert-allowed-hostname", ""},
    {"peer-crl-file", ""},
    {"peer-skip-client-san-verification", "false"},
    {"self-signed-cert-validity", "1"},
    {"cipher-suites", ""},
    {"tls-min-version", "TLS1.2"},
    {"tls-max-version", ""},
    {"cors", "*"},
    {"host-whitelist", "*"},
    {"auth-token", "simple"},
    {"bcrypt-cost", "10"},
    {"auth-token-ttl", "300"},
    {"enable-pprof", "false"},
    {"metrics", "basic"},
    {"enable-distributed-tracing", "false"},
    {"distributed-tracing-address", "localhost:4317"},
    {"distributed-tracing-service-name", "etcd"},
    {"distributed-tracing-instance-id", ""},
    {"distributed-tracing-sampling-rate", "0"},
    {"logger", "zap"},
    {"log-outputs", "default"},
    {"log-level", "info"},
    {"log-format", "json"},
    {"enable-log-rotation", "false"},
    {"log-rotation-config-json",
     R"({"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false})"},
    {"warning-apply-duration", "100ms"},
    {"warning-unary-request-duration", "300ms"},
    {"enable-grpc-gateway", "true"},
    {"corrupt-check-time", "0s"},
    {"compact-hash-check-time", "1m0s"},
    {"compaction-batch-limit", "0"},
    {"compaction-sleep-interval", "0s"},
    {"watch-progress-notify-interval", "0s"},
    {"downgrade-check-time", "5s"},
    {"bootstrap-defrag-threshold-megabytes", "0"},
    {"unsafe-no-fsync", "false"},
    {"force-new-cluster", "false"},
    {"config-file", ""},
    {"version", "false"},
};

TEST(Options, EveryFlagOfEtcdIsKnownWithItsDefault) {
    for (const Flag& flag : kEtcdFlags) {
        const Option* option = find_option(flag.name);
        ASSERT_NE(option, nullptr) << flag.name;
        EXPECT_EQ(option->default_text, flag.default_text) << flag.name;
        EXPECT_FALSE(option->ours) << flag.name;
        EXPECT_NE(option->support, Support::kLegacy) << flag.name;
        EXPECT_EQ(option->is_switch(), flag.default_text == "true" || flag.default_text == "false")
            << flag.name;
    }
}

TEST(Options, LegacyFlagsAreKnown) {
    for (const std::string_view name :
         {"cluster-active-size", "cluster-remove-delay", "cluster-sync-interval", "config", "force",
          "max-result-buffer", "max-retry-attempts", "peer-heartbeat-interval",
          "peer-election-timeout", "retry-interval", "snapshot", "v", "vv", "test.coverprofile",
          "test.outputdir", "v2-deprecation"}) {
        const Option* option = find_option(name);
        ASSERT_NE(option, nullptr) << name;
        EXPECT_EQ(option->support, Support::kLegacy) << name;
    }
}

TEST(Options, NothingElseIsThereButOurOwn) {
    std::set<std::string_view> etcds;
    for (const Flag& flag : kEtcdFlags) {
        etcds.insert(flag.name);
    }
    for (const Option& option : option_table()) {
        const bool known = etcds.count(option.name) != 0 || option.support == Support::kLegacy ||
                           option.name == "max-snapshots" || option.name == "help";
        EXPECT_NE(known, option.ours) << option.name;
    }
}

TEST(Options, NamesAreUniqueAndRowsAreWhole) {
    std::set<std::string_view> names;
    for (const Option& option : option_table()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name;
        if (option.support == Support::kLegacy) {
            continue;
        }
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_TRUE(option.help.ends_with('.')) << option.name;
        EXPECT_EQ(option.note.empty(), option.support == Support::kFull) << option.name;
    }
}

// What a default applied to an empty Config gives must be what Config starts with, or a reader of
// config.h is told something else than a reader of --help.
TEST(Options, DefaultsOfTheTableAndOfTheStructAgree) {
    const Result<Loaded> loaded = load({{}, {}, "", {}});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    const Config& config = loaded->config;
    const Config fresh;
    EXPECT_EQ(config.member.name, fresh.member.name);
    EXPECT_EQ(config.member.memory_mlock, fresh.member.memory_mlock);
    EXPECT_EQ(config.cluster.token, fresh.cluster.token);
    EXPECT_EQ(config.cluster.strict_reconfig_check, fresh.cluster.strict_reconfig_check);
    EXPECT_EQ(config.cluster.max_learners, fresh.cluster.max_learners);
    EXPECT_EQ(config.cluster.downgrade_check_interval_ns,
              fresh.cluster.downgrade_check_interval_ns);
    EXPECT_EQ(config.raft.heartbeat_interval_ms, fresh.raft.heartbeat_interval_ms);
    EXPECT_EQ(config.raft.election_timeout_ms, fresh.raft.election_timeout_ms);
    EXPECT_EQ(config.raft.initial_election_tick_advance, fresh.raft.initial_election_tick_advance);
    EXPECT_EQ(config.raft.pre_vote, fresh.raft.pre_vote);
    EXPECT_EQ(config.raft.snapshot_count, fresh.raft.snapshot_count);
    EXPECT_EQ(config.raft.snapshot_catchup_entries, fresh.raft.snapshot_catchup_entries);
    EXPECT_EQ(config.raft.wal_files_max, fresh.raft.wal_files_max);
    EXPECT_EQ(config.raft.peer_read_timeout_ns, fresh.raft.peer_read_timeout_ns);
    EXPECT_EQ(config.raft.peer_write_timeout_ns, fresh.raft.peer_write_timeout_ns);
    EXPECT_EQ(config.limits.quota_backend_bytes, fresh.limits.quota_backend_bytes);
    EXPECT_EQ(config.limits.txn_ops_max, fresh.limits.txn_ops_max);
    EXPECT_EQ(config.limits.request_bytes_max, fresh.limits.request_bytes_max);
    EXPECT_EQ(config.limits.concurrent_streams_max, fresh.limits.concurrent_streams_max);
    EXPECT_EQ(config.mvcc.compaction_batch_limit, fresh.mvcc.compaction_batch_limit);
    EXPECT_EQ(config.mvcc.compaction_sleep_interval_ns, fresh.mvcc.compaction_sleep_interval_ns);
    EXPECT_EQ(config.mvcc.watch_progress_notify_interval_ns,
              fresh.mvcc.watch_progress_notify_interval_ns);
    EXPECT_EQ(config.mvcc.backend_batch_interval_ns, fresh.mvcc.backend_batch_interval_ns);
    EXPECT_EQ(config.mvcc.backend_batch_limit, fresh.mvcc.backend_batch_limit);
    EXPECT_EQ(config.mvcc.compact_hash_check_interval_ns,
              fresh.mvcc.compact_hash_check_interval_ns);
    EXPECT_EQ(config.security.self_signed_cert_validity_years,
              fresh.security.self_signed_cert_validity_years);
    EXPECT_EQ(config.security.tls_version_min, fresh.security.tls_version_min);
    EXPECT_EQ(config.security.tls_version_max, fresh.security.tls_version_max);
    EXPECT_EQ(config.http.cors, fresh.http.cors);
    EXPECT_EQ(config.http.host_whitelist, fresh.http.host_whitelist);
    EXPECT_EQ(config.http.enable_grpc_gateway, fresh.http.enable_grpc_gateway);
    EXPECT_EQ(config.http.keepalive_min_time_ns, fresh.http.keepalive_min_time_ns);
    EXPECT_EQ(config.http.keepalive_interval_ns, fresh.http.keepalive_interval_ns);
    EXPECT_EQ(config.http.keepalive_timeout_ns, fresh.http.keepalive_timeout_ns);
    EXPECT_EQ(config.http.warning_apply_duration_ns, fresh.http.warning_apply_duration_ns);
    EXPECT_EQ(config.http.warning_unary_request_duration_ns,
              fresh.http.warning_unary_request_duration_ns);
    EXPECT_EQ(config.auth.bcrypt_cost, fresh.auth.bcrypt_cost);
    EXPECT_EQ(config.auth.token_ttl_s, fresh.auth.token_ttl_s);
    EXPECT_EQ(config.log.levels, fresh.log.levels);
    EXPECT_EQ(config.log.format, fresh.log.format);
    EXPECT_EQ(config.log.outputs, fresh.log.outputs);
    EXPECT_EQ(config.plugins.storage.name, fresh.plugins.storage.name);
    EXPECT_EQ(config.plugins.transport.name, fresh.plugins.transport.name);
    EXPECT_EQ(config.plugins.auth.name, fresh.plugins.auth.name);
}

TEST(Options, VariablesAreNamedAsEtcdDoes) {
    EXPECT_EQ(variable_name("ETCD_", *find_option("listen-client-urls")),
              "ETCD_LISTEN_CLIENT_URLS");
    EXPECT_EQ(variable_name("QUORATE_", *find_option("plugin-dir")), "QUORATE_PLUGIN_DIR");
}

TEST(Options, HelpListsEveryOptionAndFitsTheScreen) {
    const std::string help = help_text();
    for (const Option& option : option_table()) {
        const bool listed =
            help.find("\n  --" + std::string(option.name) + " ") != std::string::npos;
        EXPECT_EQ(listed, option.support != Support::kLegacy) << option.name;
    }
    std::istringstream in(help);
    for (std::string line; std::getline(in, line);) {
        EXPECT_LE(line.size(), 100U) << line;
    }
}

TEST(Options, HelpCutsNoWordInTwo) {
    std::set<std::string> printed;
    std::istringstream in(help_text());
    for (std::string word; in >> word;) {
        printed.insert(word);
    }
    for (const Option& option : option_table()) {
        std::istringstream words(option.support == Support::kLegacy ? "" : help_of(option));
        for (std::string word; words >> word;) {
            EXPECT_TRUE(printed.contains(word)) << option.name << ": " << word;
        }
    }
}

TEST(Options, VersionHasEtcdsLines) {
    std::istringstream in(version_text());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0], "etcd Version: 3.7.1");
    EXPECT_TRUE(lines[1].starts_with("Git SHA: "));
    EXPECT_TRUE(lines[2].starts_with("Go Version: "));
    EXPECT_TRUE(lines[3].starts_with("Go OS/Arch: linux/"));
    EXPECT_EQ(lines[4], "Quorate Version: " + std::string(kQuorateVersion));
}

}  // namespace
}  // namespace quorate::config
