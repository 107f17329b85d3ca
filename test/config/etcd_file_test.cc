// SPDX-License-Identifier: Apache-2.0
//
// etcd's own configuration files, through load().
#include "config/load.h"

#include <gtest/gtest.h>

namespace quorate::config {
namespace {

Result<Loaded> load_file(const std::string& content, std::vector<std::string> arguments = {},
                         std::vector<std::string> environment = {},
                         const std::string& path = "etcd.conf.yml") {
    arguments.push_back("--config-file=" + path);
    return load({std::move(arguments), std::move(environment), "",
                 [content](const std::string&) -> Result<std::string> { return content; }});
}

std::string error_of(const std::string& content) {
    const Result<Loaded> loaded = load_file(content);
    return loaded ? "no error" : loaded.error().message();
}

size_t notes_with(const Loaded& loaded, std::string_view message) {
    size_t count = 0;
    for (const Note& note : loaded.notes) {
        count += note.message == message ? size_t{1} : 0;
    }
    return count;
}

// The shape of the sample that etcd ships, with values of ours.
constexpr std::string_view kSample = R"(# This is the configuration file for the etcd server.

# Human-readable name for this member.
name: 'm1'
data-dir: /var/lib/q
wal-dir:
snapshot-count: 500
heartbeat-interval: 50
election-timeout: 500
quota-backend-bytes: 0
listen-peer-urls: http://127.0.0.1:2380
listen-client-urls: http://127.0.0.1:2379,http://127.0.0.1:4001
max-wals: 3
cors:
initial-advertise-peer-urls: http://127.0.0.1:2380
advertise-client-urls: http://127.0.0.1:2379
discovery-srv:
initial-cluster: m1=http://127.0.0.1:2380
initial-cluster-token: 'token-1'
initial-cluster-state: 'new'
strict-reconfig-check: false
enable-pprof: false
grpc-keepalive-interval: 600000000000

client-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false

peer-transport-security:
  cert-file: /p.crt
  key-file: /p.key
  client-cert-auth: true
  trusted-ca-file: /ca.crt

socket-options:
  reuse-port: true
log-level: debug
logger: zap
log-outputs: [stderr]
force-new-cluster: false
auto-compaction-mode: periodic
auto-compaction-retention: "1"
feature-gates: "CompactHashCheck=true,LeaseCheckpoint=false"
)";

TEST(EtcdFile, TheShippedShapeIsRead) {
    const Result<Loaded> loaded = load_file(std::string(kSample));
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    const Config& config = loaded->config;
    EXPECT_EQ(config.member.name, "m1");
    EXPECT_EQ(config.member.data_dir, "/var/lib/q");
    EXPECT_EQ(config.member.wal_dir, "");
    EXPECT_TRUE(config.member.socket_reuse_port);
    EXPECT_EQ(config.raft.snapshot_count, 500U);
    EXPECT_EQ(config.raft.heartbeat_interval_ms, 50U);
    EXPECT_EQ(config.urls.listen_client.size(), 2U);
    EXPECT_EQ(config.cluster.token, "token-1");
    EXPECT_FALSE(config.cluster.strict_reconfig_check);
    EXPECT_EQ(config.http.keepalive_interval_ns, 10 * kMinute_ns);
    EXPECT_EQ(config.security.peer.cert_file, "/p.crt");
    EXPECT_TRUE(config.security.peer.client_cert_auth);
    EXPECT_EQ(config.log.levels, "debug");
    EXPECT_EQ(config.log.outputs, std::vector<std::string>{"stderr"});
    EXPECT_EQ(config.mvcc.auto_compaction_retention, kHour_ns);
    EXPECT_TRUE(config.features.enabled(Feature::kCompactHashCheck));
    EXPECT_EQ(config.http.cors, std::vector<std::string>{"*"});
    EXPECT_EQ(notes_with(*loaded, "ignoring an unknown key of the configuration file"), 0U);
}

TEST(EtcdFile, DiscoveryHasSectionsWithinItsOwn) {
    const Result<Loaded> loaded = load_file(R"(name: m1
discovery-config:
  token: t1
  endpoints: [http://a:1, "b:2"]
  dial-timeout: 3000000000
  secure:
    cacert: /ca.crt
    insecure-transport: false
  auth:
    username: root
    password: pw
)");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    const DiscoveryConfig& discovery = loaded->config.discovery;
    EXPECT_EQ(discovery.endpoints, (std::vector<std::string>{"http://a:1", "b:2"}));
    EXPECT_EQ(discovery.dial_timeout_ns, 3 * kSecond_ns);
    EXPECT_EQ(discovery.trusted_ca_file, "/ca.crt");
    EXPECT_FALSE(discovery.insecure_transport);
    EXPECT_EQ(discovery.user + "/" + discovery.password, "root/pw");
    EXPECT_EQ(loaded->config.cluster.token, "t1");
    EXPECT_EQ(notes_with(*loaded, "ignoring an unknown key of the configuration file"), 0U);
}

TEST(EtcdFile, TheRegistryIsReachedAsItsClientSectionSays) {
    const Result<Loaded> loaded = load_file(R"(name: m1
discovery-config:
  token: t2
  client:
    endpoints: [https://a:1, https://b:2]
    request-timeout: 4000000000
    keepalive-time: 5000000000
    secure:
      cert: /r.crt
      key: /r.key
      cacert: /ca.crt
      insecure-transport: false
      insecure-skip-tls-verify: true
    auth:
      username: root
      password: pw
)");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    const DiscoveryConfig& discovery = loaded->config.discovery;
    EXPECT_EQ(discovery.endpoints, (std::vector<std::string>{"https://a:1", "https://b:2"}));
    EXPECT_EQ(discovery.request_timeout_ns, 4 * kSecond_ns);
    EXPECT_EQ(discovery.cert_file + discovery.key_file, "/r.crt/r.key");
    EXPECT_EQ(discovery.trusted_ca_file, "/ca.crt");
    EXPECT_FALSE(discovery.insecure_transport);
    EXPECT_EQ(discovery.user + "/" + discovery.password, "root/pw");
    EXPECT_EQ(loaded->config.cluster.token, "t2");
    EXPECT_EQ(notes_with(*loaded, "ignoring an unknown key of the configuration file"), 0U);
}

// A rule about who may come in that is not read would let everybody in.
TEST(EtcdFile, BothSidesOfTlsAreReadInFull) {
    const Result<Loaded> loaded = load_file(R"(name: m1
client-transport-security:
  cert-file: /c.crt
  key-file: /c.key
  client-cert-file: /cc.crt
  client-key-file: /cc.key
  client-cert-auth: true
  trusted-ca-file: /cca.crt
  auto-tls: false
  allowed-cn: [alice, bob]
  allowed-hostname:
  skip-client-san-verification: true
peer-transport-security:
  cert-file: /p.crt
  key-file: /p.key
  client-cert-file: /pc.crt
  client-key-file: /pc.key
  client-cert-auth: true
  trusted-ca-file: /pca.crt
  auto-tls: false
  allowed-hostname: [m.example]
  skip-client-san-verification: true
)");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(notes_with(*loaded, "ignoring an unknown key of the configuration file"), 0U);
    const TlsConfig& client = loaded->config.security.client;
    EXPECT_EQ(client.cert_file + client.key_file, "/c.crt/c.key");
    EXPECT_EQ(client.client_cert_file + client.client_key_file, "/cc.crt/cc.key");
    EXPECT_EQ(client.trusted_ca_file, "/cca.crt");
    EXPECT_TRUE(client.client_cert_auth);
    EXPECT_EQ(client.allowed_common_names, (std::vector<std::string>{"alice", "bob"}));
    EXPECT_TRUE(client.allowed_hostnames.empty());
    const TlsConfig& peer = loaded->config.security.peer;
    EXPECT_EQ(peer.cert_file + peer.key_file, "/p.crt/p.key");
    EXPECT_EQ(peer.client_cert_file + peer.client_key_file, "/pc.crt/pc.key");
    EXPECT_EQ(peer.allowed_hostnames, std::vector<std::string>{"m.example"});
    EXPECT_TRUE(peer.skip_client_san_verification);
}

// Every key that the files of etcd 3.5 to 3.7 have at the top, by their samples and by what the
// releases read, but for those that only 3.5 has.
TEST(EtcdFile, EveryKeyIsKnown) {
    const std::string_view keys[] = {"name: m",
                                     "data-dir:",
                                     "wal-dir:",
                                     "snapshot-count: 10000",
                                     "snapshot-catchup-entries: 5000",
                                     "max-wals: 5",
                                     "max-snapshots: 5",
                                     "heartbeat-interval: 100",
                                     "election-timeout: 1000",
                                     "initial-election-tick-advance: true",
                                     "backend-batch-interval: 0",
                                     "backend-batch-limit: 0",
                                     "backend-bbolt-freelist-type: map",
                                     "quota-backend-bytes: 0",
                                     "max-txn-ops: 128",
                                     "max-request-bytes: 1572864",
                                     "max-concurrent-streams: 100",
                                     "self-signed-cert-validity: 1",
                                     "cipher-suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "
                                     "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]",
                                     "tls-min-version: 'TLS1.2'",
                                     "tls-max-version: 'TLS1.3'",
                                     "initial-cluster-state: new",
                                     "discovery-srv:",
                                     "discovery-srv-name:",
                                     "discovery-config:",
                                     "initial-cluster:",
                                     "initial-cluster-token: t",
                                     "strict-reconfig-check: false",
                                     "auto-compaction-mode: periodic",
                                     "auto-compaction-retention: \"1\"",
                                     "grpc-keepalive-min-time: 5000000000",
                                     "grpc-keepalive-interval: 7200000000000",
                                     "grpc-keepalive-timeout: 20000000000",
                                     "socket-options:",
                                     "pre-vote: true",
                                     "auth-token: simple",
                                     "bcrypt-cost: 10",
                                     "auth-token-ttl: 300",
                                     "corrupt-check-time: 0",
                                     "compact-hash-check-time: 60000000000",
                                     "compaction-batch-limit: 0",
                                     "compaction-sleep-interval: 0",
                                     "watch-progress-notify-interval: 0",
                                     "warning-apply-duration: 100000000",
                                     "bootstrap-defrag-threshold-megabytes: 0",
                                     "warning-unary-request-duration: 300000000",
                                     "max-learners: 1",
                                     "force-new-cluster: false",
                                     "enable-pprof: false",
                                     "metrics: basic",
                                     "listen-metrics-urls:",
                                     "enable-distributed-tracing: false",
                                     "distributed-tracing-address: localhost:4317",
                                     "distributed-tracing-service-name: etcd",
                                     "distributed-tracing-instance-id:",
                                     "distributed-tracing-sampling-rate: 0",
                                     "logger: zap",
                                     "log-level: debug",
                                     "log-format: json",
                                     "log-outputs: [stderr]",
                                     "enable-log-rotation: false",
                                     "log-rotation-config-json: '{\"maxsize\": 100}'",
                                     "enable-grpc-gateway: true",
                                     "unsafe-no-fsync: false",
                                     "downgrade-check-time: 5000000000",
                                     "memory-mlock: false",
                                     "listen-peer-urls: http://localhost:2380",
                                     "listen-client-urls: http://localhost:2379",
                                     "listen-client-http-urls:",
                                     "initial-advertise-peer-urls: http://localhost:2380",
                                     "advertise-client-urls: http://localhost:2379",
                                     "cors:",
                                     "host-whitelist: '*'",
                                     "client-transport-security:",
                                     "peer-transport-security:",
                                     "feature-gates:"};
    std::string content;
    for (const std::string_view key : keys) {
        content += std::string(key) + "\n";
    }
    const Result<Loaded> loaded = load_file(content);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(notes_with(*loaded, "ignoring an unknown key of the configuration file"), 0U);
    // What newer releases of etcd do not read any more is said, and keeps no member from starting.
    for (const std::string_view key :
         {"discovery:", "discovery-proxy:", "discovery-fallback: 'proxy'", "proxy: 'off'",
          "proxy-failure-wait: 5000", "proxy-refresh-interval: 30000", "proxy-dial-timeout: 1000",
          "proxy-write-timeout: 5000", "proxy-read-timeout: 0", "enable-v2: true",
          "experimental-initial-corrupt-check: true"}) {
        const Result<Loaded> old = load_file(std::string(key) + "\n");
        ASSERT_TRUE(old.has_value()) << key << ": " << old.error().message();
        EXPECT_EQ(notes_with(*old, "ignoring an unknown key of the configuration file"), 1U) << key;
    }
}

TEST(EtcdFile, JsonIsReadToo) {
    const Result<Loaded> loaded =
        load_file(R"({"name": "j", "pre-vote": false, "log-outputs": ["stderr", "stdout"]})", {},
                  {}, "c.json");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(loaded->config.member.name, "j");
    EXPECT_FALSE(loaded->config.raft.pre_vote);
    EXPECT_EQ(loaded->config.log.outputs.size(), 2U);
}

TEST(EtcdFile, FlagsAndVariablesOfEtcdDoNotCount) {
    const Result<Loaded> loaded =
        load_file("name: file\n", {"--name=flag", "--storage=mem"},
                  {"ETCD_NAME=variable", "ETCD_MAX_WALS=9", "QUORATE_PLUGIN_DIR=/p"});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(loaded->config.member.name, "file");
    EXPECT_EQ(loaded->config.raft.wal_files_max, 5U);
    // Etcd's file has no key for what is ours.
    EXPECT_EQ(loaded->config.plugins.storage.name, "mem");
    EXPECT_EQ(loaded->config.plugins.dir, "/p");
    EXPECT_EQ(notes_with(*loaded,
                         "loaded server configuration, other configuration command line flags and "
                         "environment variables will be ignored if provided"),
              1U);
}

TEST(EtcdFile, UnknownKeysAreOnlySaid) {
    const Result<Loaded> loaded = load_file(
        "nmae: x\nraft-read-timeout: 5\ncert-file: /c\n"
        "client-transport-security:\n  crl-file: a\n  nope: 1\n");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(notes_with(*loaded, "ignoring an unknown key of the configuration file"), 5U);
    EXPECT_EQ(loaded->config.security.client.cert_file, "");
}

TEST(EtcdFile, RefusalsNameFileAndLine) {
    EXPECT_EQ(error_of("a: 1\nname: [\n"), "etcd.conf.yml:3: the closing ] is missing");
    EXPECT_EQ(error_of("\nheartbeat-interval: soon\n"),
              "etcd.conf.yml:2: invalid value \"soon\" for heartbeat-interval: must be a whole "
              "number from 0 to 4294967295");
    EXPECT_EQ(error_of("peer-transport-security: 1\n"),
              "etcd.conf.yml:1: invalid peer-transport-security");
    EXPECT_EQ(error_of("name: {a: 1}\n"), "etcd.conf.yml:1: name must be a single value");
    EXPECT_EQ(error_of("log-outputs: [[a]]\n"),
              "etcd.conf.yml:1: log-outputs must be a list of texts");
    EXPECT_EQ(error_of("- a\n"), "etcd.conf.yml:1: expected keys and values");
    EXPECT_EQ(error_of("client-transport-security:\n  auto-tls: maybe\n"),
              "etcd.conf.yml:2: invalid value \"maybe\" for client-transport-security.auto-tls: "
              "must be true or false");
    EXPECT_EQ(error_of("listen-client-urls: http://127.0.0.1:1\n"),
              "--advertise-client-urls is required when --listen-client-urls is set explicitly");
}

TEST(EtcdFile, IsToldFromOurOwn) {
    const auto name_in = [](const std::string& content, const std::string& path) {
        const Result<Loaded> loaded = load_file(content, {}, {}, path);
        return loaded ? loaded->config.member.name : loaded.error().message();
    };
    EXPECT_EQ(name_in("# c\n\nname: x\n", "settings"), "x");
    EXPECT_EQ(name_in("{\"name\": \"x\"}", "settings"), "x");
    EXPECT_EQ(name_in("---\nname: x\n", "settings"), "x");
    EXPECT_EQ(name_in("# c: d\nname = x\n", "settings"), "x");
    EXPECT_EQ(name_in("name = x:y\n", "settings"), "x:y");
    EXPECT_EQ(name_in("name: x\n", "q.conf"), "q.conf:1: expected key = value, found \"name: x\"");
    EXPECT_EQ(name_in("", "q.yaml"), "default");
}

TEST(LogRotation, IsReadFromItsJson) {
    const auto load_with = [](const std::string& json) {
        return load({{"--enable-log-rotation", "--log-outputs=/q.log",
                      "--log-rotation-config-json=" + json},
                     {},
                     "",
                     {}});
    };
    const Result<Loaded> loaded =
        load_with(R"({"maxsize": 7, "maxage": 2, "maxbackups": 3, "localtime": true})");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    ASSERT_TRUE(loaded->config.log.rotation.has_value());
    EXPECT_EQ(loaded->config.log.rotation->size_max_mib, 7U);
    EXPECT_EQ(loaded->config.log.rotation->age_max_days, 2U);
    EXPECT_EQ(loaded->config.log.rotation->backups_max, 3U);
    EXPECT_TRUE(loaded->config.log.rotation->local_time);

    const std::string prefix = " for log-rotation-config-json: ";
    EXPECT_EQ(load_with("7").error().message(),
              "invalid value \"7\"" + prefix + "must be a JSON object");
    EXPECT_EQ(load_with("{\"size\": 7}").error().message(),
              "invalid value \"{\\\"size\\\": 7}\"" + prefix + "unknown key \"size\"");
    EXPECT_EQ(load_with("{\"compress\": true}").error().message(),
              "invalid value \"{\\\"compress\\\": true}\"" + prefix + "compress is not supported");
    EXPECT_EQ(load_with("{\"maxage\": -1}").error().message(),
              "invalid value \"{\\\"maxage\\\": -1}\"" + prefix +
                  "maxage must be a whole number from 0 to 4294967295");
}

TEST(LogRotation, NeedsOneFile) {
    for (const std::string outputs : {"stderr", "default", "/a.log,/b.log"}) {
        const Result<Loaded> loaded =
            load({{"--enable-log-rotation", "--log-outputs=" + outputs}, {}, "", {}});
        ASSERT_FALSE(loaded.has_value()) << outputs;
        EXPECT_EQ(loaded.error().message(),
                  "--log-outputs requires a single file path when --log-rotate-config-json is "
                  "defined");
    }
}

}  // namespace
}  // namespace quorate::config
