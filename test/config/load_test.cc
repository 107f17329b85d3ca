// SPDX-License-Identifier: Apache-2.0
//
// From arguments, variables and files to a Config, and every way that can fail.
#include "config/load.h"

#include "base/errors.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace quorate::config {
namespace {

using Strings = std::vector<std::string>;

Result<Loaded> load_of(Strings arguments, Strings environment = {}) {
    return load({std::move(arguments), std::move(environment), "", {}});
}

Config config_of(Strings arguments, Strings environment = {}) {
    const Result<Loaded> loaded = load_of(std::move(arguments), std::move(environment));
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
    return loaded.has_value() ? loaded->config : Config();
}

std::string error_of(Strings arguments, Strings environment = {}) {
    const Result<Loaded> loaded = load_of(std::move(arguments), std::move(environment));
    return loaded.has_value() ? "no error" : loaded.error().message();
}

bool has_note(const Loaded& loaded, std::string_view message) {
    for (const Note& note : loaded.notes) {
        if (note.message == message) {
            return true;
        }
    }
    return false;
}

std::string effective(const Loaded& loaded, std::string_view name) {
    for (const log::Field& field : loaded.effective) {
        if (field.key == name) {
            return std::get<std::string>(field.value);
        }
    }
    return "missing";
}

TEST(Load, NothingGivenIsOneMemberOnLocalhost) {
    const Config config = config_of({});
    EXPECT_EQ(config.member.name, "default");
    EXPECT_EQ(config.member.data_dir, "default.etcd");
    EXPECT_EQ(to_strings(config.urls.listen_client), Strings{"http://localhost:2379"});
    EXPECT_EQ(to_strings(config.urls.advertise_client), Strings{"http://localhost:2379"});
    EXPECT_EQ(to_strings(config.urls.listen_peer), Strings{"http://localhost:2380"});
    ASSERT_EQ(config.cluster.initial_cluster.size(), 1U);
    EXPECT_EQ(config.cluster.initial_cluster[0].name, "default");
    EXPECT_EQ(to_strings(config.cluster.initial_cluster[0].peer_urls),
              Strings{"http://localhost:2380"});
    EXPECT_EQ(config.limits.quota_backend_bytes, 2LL * 1024 * 1024 * 1024);
    EXPECT_EQ(config.plugins.storage.name, "leveldb");
    EXPECT_EQ(config.plugins.transport.name, "http");
    EXPECT_EQ(config.plugins.auth.name, "simple");
}

TEST(Load, FlagsInEveryForm) {
    EXPECT_EQ(config_of({"--name", "a"}).member.name, "a");
    EXPECT_EQ(config_of({"-name", "a"}).member.name, "a");
    EXPECT_EQ(config_of({"--name=a"}).member.name, "a");
    EXPECT_EQ(config_of({"-initial-cluster-token=a=b"}).cluster.token, "a=b");
    EXPECT_EQ(config_of({"--name", "a", "--name", "b"}).member.name, "b");
    EXPECT_EQ(config_of({"--name", "--data-dir"}).member.name, "--data-dir");
    EXPECT_EQ(config_of({"--quota-backend-bytes", "-1"}).limits.quota_backend_bytes, 0);
    EXPECT_FALSE(config_of({"--pre-vote=false"}).raft.pre_vote);
    EXPECT_TRUE(config_of({"--pre-vote"}).raft.pre_vote);
    EXPECT_TRUE(config_of({"--unsafe-no-fsync", "--pre-vote=T"}).raft.unsafe_no_fsync);
}

struct Refusal {
    Strings arguments;
    Strings environment;
    int exit_code;
    std::string message;
};

TEST(Load, CommandLineRefusals) {
    const std::string commands = "; the commands are those of quorate ctl and quorate util";
    const Refusal refusals[] = {
        {{"--nmae=x"}, {}, 2, "flag provided but not defined: -nmae (did you mean --name?)"},
        {{"--qwertyuiop"}, {}, 2, "flag provided but not defined: -qwertyuiop"},
        {{"-experimental-corrupt-check-time=1s"},
         {},
         2,
         "flag provided but not defined: -experimental-corrupt-check-time (did you mean "
         "--corrupt-check-time?)"},
        {{"--experimental-initial-corrupt-check"},
         {},
         2,
         "flag provided but not defined: -experimental-initial-corrupt-check (did you mean "
         "--feature-gates?)"},
        {{"--discovery", "x"}, {}, 2, "flag provided but not defined: -discovery"},
        {{"--name"}, {}, 2, "flag needs an argument: -name"},
        {{"---name=x"}, {}, 2, "bad flag syntax: \"---name=x\""},
        {{"--=x"}, {}, 2, "bad flag syntax: \"--=x\""},
        {{"foo"}, {}, 2, "\"foo\" is not a valid flag" + commands},
        {{"--name", "a", "foo", "--bogus"}, {}, 2, "\"foo\" is not a valid flag" + commands},
        {{"--pre-vote", "false"}, {}, 2, "\"false\" is not a valid flag" + commands},
        {{"--", "--name"}, {}, 2, "\"--name\" is not a valid flag" + commands},
        {{"-"}, {}, 2, "\"-\" is not a valid flag" + commands},
        {{""}, {}, 2, "\"\" is not a valid flag" + commands},
        {{"--version=maybe"},
         {},
         2,
         "invalid value \"maybe\" for flag --version: must be true or false"},
        {{"--name", "x"},
         {"ETCD_NAME=y"},
         3,
         "conflicting environment variable \"ETCD_NAME\" is shadowed by corresponding command-line "
         "flag (either unset environment variable or disable flag)"},
        {{"--name", "x"},
         {"QUORATE_NAME="},
         3,
         "conflicting environment variable \"QUORATE_NAME\" is shadowed by corresponding "
         "command-line flag (either unset environment variable or disable flag)"},
        {{},
         {"ETCD_NAME=x", "QUORATE_NAME=y"},
         3,
         "conflicting environment variables \"ETCD_NAME\" and \"QUORATE_NAME\" are both set (unset "
         "one of them)"},
        {{},
         {"ETCD_PRE_VOTE=perhaps"},
         3,
         "invalid value \"perhaps\" for environment variable ETCD_PRE_VOTE: must be true or false"},
    };
    for (const Refusal& one : refusals) {
        const Result<Loaded> loaded = load_of(one.arguments, one.environment);
        ASSERT_FALSE(loaded.has_value()) << one.message;
        EXPECT_EQ(loaded.error().message(), one.message);
        EXPECT_EQ(exit_code(loaded.error()), one.exit_code) << one.message;
    }
}

struct BadValue {
    std::string option;
    std::string value;
    std::string allowed;
};

TEST(Load, ValueRefusalsSayWhatIsAllowed) {
    const BadValue cases[] = {
        {"name", "", "must not be empty"},
        {"name", "a=b", "must not hold = or a comma, which initial-cluster separates by"},
        {"snapshot-count", "-1", "must be a whole number, 0 or more"},
        {"snapshot-count", "1.5", "must be a whole number, 0 or more"},
        {"snapshot-count", "99999999999999999999", "must be a whole number, 0 or more"},
        {"max-wals", "4294967296", "must be a whole number from 0 to 4294967295"},
        {"max-request-bytes", "0", "must be a whole number from 1 to 2000000000"},
        {"quota-backend-bytes", "2GB", "must be a whole number"},
        {"heartbeat-interval", "100ms", "must be a whole number from 0 to 4294967295"},
        {"grpc-keepalive-interval", "5", "must be a duration such as 500ms, 10s, 5m or 1h30m"},
        {"grpc-keepalive-interval", "-5s", "must not be negative"},
        {"listen-client-urls", "localhost:2379",
         "URL scheme must be http, https, unix, or unixs: localhost:2379"},
        {"listen-peer-urls", "http://127.0.0.1:2380/raft",
         "URL must not contain a path: http://127.0.0.1:2380/raft"},
        {"initial-cluster-state", "old", "must be new or existing"},
        {"auto-compaction-mode", "yearly",
         "unknown auto-compaction-mode \"yearly\", must be periodic or revision"},
        {"auto-compaction-mode", "", "undefined auto-compaction-mode"},
        {"discovery-fallback", "proxy",
         "v2 proxy is deprecated, and --discovery-fallback can't be configured as \"proxy\""},
        {"feature-gates", "Nope=true", "unrecognized feature gate: Nope"},
        {"feature-gates", "CompactHashCheck", "missing bool value for CompactHashCheck"},
        {"feature-gates", "CompactHashCheck=1.5",
         "the value of CompactHashCheck must be true or false"},
        {"log-level", "verbose",
         "must be debug, info, warn, error, panic or fatal, or module=level and the rest, as in "
         "raft=debug,info"},
        {"log-format", "xml", "must be json or console"},
        {"log-outputs", "",
         "must name an output: default, stderr, stdout, systemd/journal or a file"},
        {"log-outputs", "default,stderr", "multi logoutput for \"default\" is not supported yet"},
        {"logger", "capnslog", "must be zap"},
        {"metrics", "some", "must be basic or extensive"},
        {"bcrypt-cost", "3", "must be a whole number from 4 to 31"},
        {"bcrypt-cost", "32", "must be a whole number from 4 to 31"},
        {"tls-min-version", "SSL3", "must be TLS1.2 or TLS1.3"},
        {"backend-bbolt-freelist-type", "tree", "must be map or array"},
        {"distributed-tracing-sampling-rate", "1000001",
         "must be a whole number from 0 to 1000000"},
        {"storage", "../evil", "must begin with a plugin's name: a-z, 0-9 and _"},
        {"storage", "", "must not be empty"},
        {"storage", "leveldb,cache", "must be a name and key=value pairs, separated by commas"},
        {"pre-vote", "yes", "must be true or false"},
    };
    for (const BadValue& one : cases) {
        const Result<Loaded> loaded = load_of({"--" + one.option + "=" + one.value});
        ASSERT_FALSE(loaded.has_value()) << one.option << " " << one.value;
        EXPECT_EQ(loaded.error().message(), "invalid value \"" + one.value + "\" for flag --" +
                                                one.option + ": " + one.allowed);
        EXPECT_EQ(exit_code(loaded.error()), 2);
    }
}

TEST(Load, ErrorsStayOnOneLine) {
    EXPECT_EQ(
        error_of({"--metrics=a\nb\x01\"\\"}),
        "invalid value \"a\\x0ab\\x01\\\"\\\\\" for flag --metrics: must be basic or extensive");
    EXPECT_EQ(error_of({"--listen-peer-urls=http://a:1\n"
                        "x"})
                  .find('\n'),
              std::string::npos);
    EXPECT_LT(error_of({"--metrics=" + std::string(100'000, 'x')}).size(), 400U);
}

TEST(Load, RulesBetweenOptions) {
    const Refusal refusals[] = {
        {{"--listen-client-urls=http://example.com:2379", "--advertise-client-urls=http://a:1"},
         {},
         3,
         "expected IP in URL for binding (http://example.com:2379)"},
        {{"--listen-peer-urls=http://example.com:2380"},
         {},
         3,
         "expected IP in URL for binding (http://example.com:2380)"},
        {{"--listen-metrics-urls=http://m:1"},
         {},
         3,
         "expected IP in URL for binding (http://m:1)"},
        {{"--listen-client-http-urls=http://m:1"},
         {},
         3,
         "expected IP in URL for binding (http://m:1)"},
        {{"--initial-advertise-peer-urls=http://:2380"},
         {},
         3,
         "--initial-advertise-peer-urls \"http://:2380\" must be \"host:port\" (unexpected empty "
         "host (http://:2380))"},
        {{"--advertise-client-urls=http://:2379"},
         {},
         3,
         "--advertise-client-urls \"http://:2379\" must be in the format \"host:port\", "
         "\"unix:/path/to/socket\" or \"unixs:/path/to/socket\" (unexpected empty host "
         "(http://:2379))"},
        {{"--listen-client-urls=http://127.0.0.1:2379"},
         {},
         3,
         "--advertise-client-urls is required when --listen-client-urls is set explicitly"},
        {{"--heartbeat-interval=0"}, {}, 3, "--heartbeat-interval must be >0 (set to 0ms)"},
        {{"--election-timeout=0"}, {}, 3, "--election-timeout must be >0 (set to 0ms)"},
        {{"--election-timeout=400"},
         {},
         3,
         "--election-timeout[400ms] should be at least as 5 times as --heartbeat-interval[100ms]"},
        {{"--election-timeout=50001"},
         {},
         3,
         "--election-timeout[50001ms] is too long, and should be set less than 50000ms"},
        {{"--initial-cluster=default=http://a:1", "--discovery-srv=example.com"},
         {},
         3,
         "multiple discovery or bootstrap flags are set. Choose one of \"initial-cluster\", "
         "\"discovery-endpoints\" or \"discovery-srv\""},
        {{"--discovery-token=x"},
         {},
         3,
         "both --discovery-token and --discovery-endpoints must be set"},
        {{"--discovery-endpoints=http://a:1"},
         {},
         3,
         "both --discovery-token and --discovery-endpoints must be set"},
        {{"--discovery-token=a/b", "--discovery-endpoints=http://a:1"},
         {},
         3,
         "--discovery-token must not contain a \"/\""},
        {{"--discovery-token=x", "--discovery-endpoints=a:1", "--initial-cluster-state=existing"},
         {},
         3,
         "--discovery-token founds new clusters; a member that joins one that runs "
         "(--initial-cluster-state=existing) needs --initial-cluster"},
        {{"--discovery-token=x", "--discovery-endpoints=a:1", "--discovery-cert=c"},
         {},
         3,
         "--discovery-cert and --discovery-key must both be set"},
        {{"--discovery-token=x", "--discovery-endpoints=a:1", "--discovery-password=p"},
         {},
         3,
         "--discovery-password needs --discovery-user"},
        {{"--feature-gates=LeaseCheckpointPersist=true"},
         {},
         3,
         "enabling feature gate LeaseCheckpointPersist requires enabling feature gate "
         "LeaseCheckpoint"},
        {{"--compact-hash-check-time=0s"},
         {},
         3,
         "--compact-hash-check-time must be >0 (set to 0s)"},
        {{"--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"},
         {},
         3,
         "min version (TLS1.3) is greater than max version (TLS1.2)"},
        {{"--tls-min-version=TLS1.3", "--cipher-suites=TLS_AES_128_GCM_SHA256"},
         {},
         3,
         "cipher suites cannot be configured when only TLS1.3 is enabled"},
        {{"--listen-metrics-urls=https://127.0.0.1:1"},
         {},
         3,
         "client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url"},
        {{"--listen-client-urls=https://127.0.0.1:1", "--advertise-client-urls=https://a:1"},
         {},
         3,
         "TLS key/cert (--cert-file, --key-file) must be provided for client url "
         "https://127.0.0.1:1 with HTTPS scheme"},
        {{"--listen-peer-urls=https://127.0.0.1:1"},
         {},
         3,
         "TLS key/cert (--peer-cert-file, --peer-key-file) must be provided for peer url "
         "https://127.0.0.1:1 with HTTPS scheme"},
        {{"--cert-file=c"},
         {},
         3,
         "KeyFile and CertFile must both be present[key: , cert: c] (--key-file, --cert-file)"},
        {{"--peer-key-file=k"},
         {},
         3,
         "KeyFile and CertFile must both be present[key: k, cert: ] (--peer-key-file, "
         "--peer-cert-file)"},
        {{"--client-cert-auth"}, {}, 3, "--client-cert-auth needs --trusted-ca-file"},
        {{"--initial-cluster=a"},
         {},
         3,
         "error setting up initial cluster: empty URL given for \"a\""},
        {{"--initial-cluster=a=b"},
         {},
         3,
         "error setting up initial cluster: URL scheme must be http, https, unix, or unixs: b"},
        {{"--auto-compaction-retention=abc"},
         {},
         3,
         "error parsing CompactionRetention: invalid value \"abc\" for auto-compaction-retention: "
         "must be a duration such as 30m or a number of hours in mode periodic"},
        {{"--auto-compaction-retention=5m", "--auto-compaction-mode=revision"},
         {},
         3,
         "error parsing CompactionRetention: invalid value \"5m\" for auto-compaction-retention: "
         "must be a number of revisions in mode revision"},
        {{"--auth-token=../x"},
         {},
         3,
         "invalid value \"../x\" for auth-token: must begin with a plugin's name: a-z, 0-9 and _"},
        {{"--peer-crl-file=x"},
         {},
         3,
         "--peer-crl-file needs --peer-trusted-ca-file: without it no certificate is asked for"},
        {{"--client-crl-file=x"},
         {},
         3,
         "--client-crl-file needs --trusted-ca-file: without it no certificate is asked for"},
        {{"--client-cert-allowed-hostname=x"},
         {},
         3,
         "--client-cert-allowed-hostname needs --trusted-ca-file: without it no certificate is "
         "asked for"},
        {{"--client-cert-allowed-cn=x"},
         {},
         3,
         "--client-cert-allowed-cn needs --trusted-ca-file: without it no certificate is asked "
         "for"},
        {{"--client-cert-allowed-cn=x", "--client-cert-allowed-hostname=y"},
         {},
         3,
         "AllowedCNs and AllowedHostnames are mutually exclusive (--client-cert-allowed-cn, "
         "--client-cert-allowed-hostname)"},
        {{"--listen-client-urls=http://127.0.0.1:1,https://127.0.0.1:2",
          "--advertise-client-urls=http://127.0.0.1:1",
          "--listen-client-http-urls=http://127.0.0.1:2"},
         {},
         3,
         "cannot bind both --listen-client-urls and --listen-client-http-urls on the same url "
         "http://127.0.0.1:2"},
        {{"--peer-cert-allowed-cn=x"},
         {},
         3,
         "--peer-cert-allowed-cn needs --peer-trusted-ca-file: without it no certificate is asked "
         "for"},
        {{"--peer-cert-allowed-cn=x", "--peer-cert-allowed-hostname=y"},
         {},
         3,
         "AllowedCNs and AllowedHostnames are mutually exclusive (--peer-cert-allowed-cn, "
         "--peer-cert-allowed-hostname)"},
        {{"--auto-tls", "--cert-file=c", "--key-file=k"},
         {},
         3,
         "--auto-tls makes up a certificate and checks nobody's; leave it out, or leave out "
         "--cert-file, --key-file and --trusted-ca-file"},
        {{"--peer-auto-tls", "--peer-trusted-ca-file=c"},
         {},
         3,
         "--peer-auto-tls makes up a certificate and checks nobody's; leave it out, or leave out "
         "--peer-cert-file, --peer-key-file and --peer-trusted-ca-file"},
    };
    for (const Refusal& one : refusals) {
        const Result<Loaded> loaded = load_of(one.arguments);
        ASSERT_FALSE(loaded.has_value()) << one.message;
        EXPECT_EQ(loaded.error().message(), one.message);
        EXPECT_EQ(exit_code(loaded.error()), one.exit_code);
    }
}

TEST(Load, AutoCompactionRetention) {
    const auto retention = [](Strings arguments) {
        return config_of(std::move(arguments)).mvcc.auto_compaction_retention;
    };
    EXPECT_EQ(retention({}), 0);
    EXPECT_EQ(retention({"--auto-compaction-retention=5"}), 5 * kHour_ns);
    EXPECT_EQ(retention({"--auto-compaction-retention=30m"}), 30 * kMinute_ns);
    EXPECT_EQ(retention({"--auto-compaction-retention=5", "--auto-compaction-mode=revision"}), 5);
    EXPECT_NE(error_of({"--auto-compaction-retention=9223372036854775807"}), "no error");
    EXPECT_NE(error_of({"--auto-compaction-retention=-1"}), "no error");
}

TEST(Load, ZeroStandsForTheDefault) {
    const Config config =
        config_of({"--backend-batch-interval=0", "--backend-batch-limit=7",
                   "--compaction-sleep-interval=1s", "--watch-progress-notify-interval=1ms"});
    EXPECT_EQ(config.mvcc.backend_batch_interval_ns, 100 * kMillisecond_ns);
    EXPECT_EQ(config.mvcc.backend_batch_limit, 7U);
    EXPECT_EQ(config.mvcc.compaction_batch_limit, 1000U);
    EXPECT_EQ(config.mvcc.compaction_sleep_interval_ns, kSecond_ns);
    EXPECT_EQ(config.mvcc.watch_progress_notify_interval_ns, 100 * kMillisecond_ns);
    EXPECT_EQ(config_of({}).mvcc.watch_progress_notify_interval_ns, 10 * kMinute_ns);
}

TEST(Load, InitialClusterFollowsNameAndUrls) {
    const Config config =
        config_of({"--name=n1", "--initial-advertise-peer-urls=http://b:1,http://a:1"});
    ASSERT_EQ(config.cluster.initial_cluster.size(), 1U);
    EXPECT_EQ(config.cluster.initial_cluster[0].name, "n1");
    EXPECT_EQ(to_strings(config.cluster.initial_cluster[0].peer_urls),
              (Strings{"http://a:1", "http://b:1"}));
    EXPECT_EQ(config.member.data_dir, "n1.etcd");
}

TEST(Load, InitialClusterIsSortedByName) {
    const Config config =
        config_of({"--name=b", "--initial-cluster=b=http://b:1, a=http://a:1,b=http://b:0"});
    ASSERT_EQ(config.cluster.initial_cluster.size(), 2U);
    EXPECT_EQ(config.cluster.initial_cluster[0].name, "a");
    EXPECT_EQ(to_strings(config.cluster.initial_cluster[1].peer_urls),
              (Strings{"http://b:0", "http://b:1"}));
}

TEST(Load, DiscoveryKnowsThisMemberAlone) {
    const Result<Loaded> loaded =
        load_of({"--name=a", "--initial-advertise-peer-urls=http://a:1",
                 "--discovery-endpoints=http://r:1,r:2", "--discovery-token=t",
                 "--discovery-user=u:first", "--discovery-password=second"});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    const ClusterConfig& cluster = loaded->config.cluster;
    ASSERT_EQ(cluster.initial_cluster.size(), 1U);
    EXPECT_EQ(cluster.initial_cluster[0].name, "a");
    EXPECT_EQ(cluster.token, "t");
    EXPECT_EQ(loaded->config.discovery.user, "u");
    EXPECT_EQ(loaded->config.discovery.password, "second");

    const Result<Loaded> by_dns = load_of({"--discovery-srv=example.com"});
    ASSERT_TRUE(by_dns.has_value()) << by_dns.error().message();
    EXPECT_TRUE(by_dns->config.cluster.initial_cluster.empty());
}

TEST(Load, PluginsTakeTheirOptionsWithTheirName) {
    const Config config = config_of(
        {"--storage=lmdb,map-size=1GiB, sync = no", "--auth-token=jwt,pub-key=/k,ttl=5m"});
    EXPECT_EQ(config.plugins.storage.name, "lmdb");
    EXPECT_EQ(config.plugins.storage.options, (std::vector<std::pair<std::string, std::string>>{
                                                  {"map-size", "1GiB"}, {"sync", "no"}}));
    EXPECT_EQ(config.plugins.auth.name, "jwt");
    EXPECT_EQ(config.plugins.auth.options.size(), 2U);
    EXPECT_EQ(config_of({"--auth=ldap"}).plugins.auth.name, "ldap");
    EXPECT_EQ(error_of({"--auth-token="}), "invalid value \"\" for auth-token: must not be empty");
    EXPECT_EQ(error_of({"--auth-token=jwt,pub-key"}),
              "invalid value \"jwt,pub-key\" for auth-token: must be a name and key=value pairs, "
              "separated by commas");
}

TEST(Load, LegacyOptionsAreAcceptedAndSaidSo) {
    const Result<Loaded> loaded =
        load_of({"-v", "-vv=true", "--force", "--snapshot", "--max-snapshots=7"});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_TRUE(has_note(*loaded, "an option has no effect"));
    EXPECT_TRUE(has_note(*loaded, "ignoring an option"));
    // Some of them once had values that are no switch's.
    EXPECT_TRUE(load_of({"--cluster-active-size=5", "--retry-interval=1s"}).has_value());
}

TEST(Load, OptionsWithoutEffectAreSaidSoOnlyWhenTheyDiffer) {
    EXPECT_TRUE(has_note(*load_of({"--enable-pprof"}), "an option has no effect"));
    EXPECT_FALSE(has_note(*load_of({"--enable-pprof=false"}), "an option has no effect"));
    EXPECT_FALSE(has_note(*load_of({}), "an option has no effect"));
}

TEST(Load, VariablesOfBothPrefixes) {
    const Result<Loaded> loaded = load_of({}, {"ETCD_NAME=n1", "QUORATE_STORAGE=mem", "HOME=/x"});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(loaded->config.member.name, "n1");
    EXPECT_EQ(loaded->config.plugins.storage.name, "mem");
    EXPECT_TRUE(has_note(*loaded, "recognized and used environment variable"));
    EXPECT_FALSE(has_note(*loaded, "unrecognized environment variable"));
}

TEST(Load, UnknownVariablesAreOnlySaid) {
    for (const std::string variable : {"ETCD_FOO=1", "QUORATE_FOO=1", "ETCD_STORAGE=mem"}) {
        const Result<Loaded> loaded = load_of({}, {variable});
        ASSERT_TRUE(loaded.has_value());
        EXPECT_TRUE(has_note(*loaded, "unrecognized environment variable")) << variable;
    }
    EXPECT_FALSE(has_note(*load_of({}, {"ETCDCTL_API=3", "ETCD_UNSUPPORTED_ARCH=arm"}),
                          "unrecognized environment variable"));
    EXPECT_TRUE(
        has_note(*load_of({}, {"ETCD_VERSION=3.5"}), "cannot set special environment variable"));
}

TEST(Load, EmptyVariablesCountAsUnset) {
    EXPECT_EQ(config_of({}, {"ETCD_NAME="}).member.name, "default");
}

TEST(Load, Commands) {
    EXPECT_EQ(load_of({})->command, Command::kRun);
    EXPECT_EQ(load_of({"--help"})->command, Command::kHelp);
    EXPECT_EQ(load_of({"-h", "--bogus"})->command, Command::kHelp);
    EXPECT_EQ(load_of({"--version"})->command, Command::kVersion);
    EXPECT_EQ(load_of({"--version=false"})->command, Command::kRun);
    EXPECT_EQ(load_of({"--check-config"})->command, Command::kCheckConfig);
    EXPECT_EQ(load_of({"--list-plugins"})->command, Command::kListPlugins);
}

TEST(Load, EffectiveConfigurationIsWhole) {
    const Result<Loaded> loaded = load_of({"--name=n1"}, {"ETCD_SNAPSHOT_COUNT=77"});
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(effective(*loaded, "name"), "n1");
    EXPECT_EQ(effective(*loaded, "data-dir"), "n1.etcd");
    EXPECT_EQ(effective(*loaded, "initial-cluster"), "n1=http://localhost:2380");
    EXPECT_EQ(effective(*loaded, "snapshot-count"), "77");
    EXPECT_EQ(effective(*loaded, "heartbeat-interval"), "100");
    EXPECT_EQ(effective(*loaded, "auth"), "simple");
    EXPECT_EQ(effective(*loaded, "discovery-password"), "");
}

TEST(Load, SecretsStayOutOfTheLog) {
    const Result<Loaded> loaded = load_of({}, {"ETCD_DISCOVERY_PASSWORD=hunter2"});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    EXPECT_EQ(effective(*loaded, "discovery-password"), "***");
    for (const Note& note : loaded->notes) {
        for (const log::Field& field : note.fields) {
            if (const auto* text = std::get_if<std::string>(&field.value)) {
                EXPECT_EQ(text->find("hunter2"), std::string::npos) << note.message;
            }
        }
    }
}

TEST(Load, PeerTimeoutsAreRaised) {
    const Result<Loaded> loaded = load_of({"--raft-read-timeout=1s", "--raft-write-timeout=9s"});
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->config.raft.peer_read_timeout_ns, 5 * kSecond_ns);
    EXPECT_EQ(loaded->config.raft.peer_write_timeout_ns, 9 * kSecond_ns);
    EXPECT_TRUE(has_note(*loaded, "raft-read-timeout increased to minimum value: 5s"));
}

// Files and folders of one test.
class LoadFile : public testing::Test {
  protected:
    LoadFile() {
        std::string pattern = testing::TempDir() + "load_test_XXXXXX";
        dir_ = mkdtemp(pattern.data());
    }
    ~LoadFile() override { std::filesystem::remove_all(dir_); }

    std::string file(const std::string& content, const std::string& name = "q.conf") const {
        std::ofstream(dir_ + "/" + name) << content;
        return dir_ + "/" + name;
    }

    std::string dir_;
};

TEST_F(LoadFile, KeysAreFlagNames) {
    const std::string path = file(
        "# a member\n"
        "name = n1\n"
        "pre-vote=false\n"
        "heartbeat-interval =  50   # quick\n"
        "\n"
        "storage = lmdb\n"
        "[storage.lmdb]\n"
        "map-size = 1GiB\n"
        "[storage.leveldb]\n"
        "cache = 5\n"
        "[auth.simple]\n"
        "note = \"a # b\"\n");
    const Config config = config_of({"--config-file", path});
    EXPECT_EQ(config.member.name, "n1");
    EXPECT_FALSE(config.raft.pre_vote);
    EXPECT_EQ(config.raft.heartbeat_interval_ms, 50U);
    EXPECT_EQ(config.plugins.storage.options,
              (std::vector<std::pair<std::string, std::string>>{{"map-size", "1GiB"}}));
    EXPECT_EQ(config.plugins.auth.options,
              (std::vector<std::pair<std::string, std::string>>{{"note", "a # b"}}));
}

TEST_F(LoadFile, AuthTokenAddsToThePluginsSection) {
    const std::string path = file(
        "auth-token = \"jwt,ttl=1m\"\n"
        "[auth.jwt]\nsign-method = ES256\nttl = 5m\n[auth.simple]\ntokens_max = 5\n");
    const Config config = config_of({"--config-file", path});
    EXPECT_EQ(config.plugins.auth.name, "jwt");
    EXPECT_EQ(config.plugins.auth.options, (std::vector<std::pair<std::string, std::string>>{
                                               {"sign-method", "ES256"}, {"ttl", "1m"}}));
    const Config other = config_of({"--config-file", path, "--auth-token=simple"});
    EXPECT_EQ(other.plugins.auth.options,
              (std::vector<std::pair<std::string, std::string>>{{"tokens_max", "5"}}));
}

TEST_F(LoadFile, FlagsWinOverVariablesOverTheFile) {
    const std::string path =
        file("name = file\nsnapshot-count = 1\nmax-wals = 1\n[storage.leveldb]\na = 1\nb = 2\n");
    const Config config = config_of({"--name=flag", "--storage=leveldb,b=3"},
                                    {"ETCD_CONFIG_FILE=" + path, "ETCD_SNAPSHOT_COUNT=2"});
    EXPECT_EQ(config.member.name, "flag");
    EXPECT_EQ(config.raft.snapshot_count, 2U);
    EXPECT_EQ(config.raft.wal_files_max, 1U);
    EXPECT_EQ(config.plugins.storage.options,
              (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "3"}}));
}

struct FileRefusal {
    std::string content;
    std::string message;  // behind "path:"
};

TEST_F(LoadFile, RefusalsNameFileAndLine) {
    const FileRefusal refusals[] = {
        {"\nnmae = x\n", "2: unknown key \"nmae\" (did you mean name?)"},
        {"data_dir = x\n", "1: unknown key \"data_dir\" (did you mean data-dir?)"},
        {"zzzzzzzzzzz = x\n", "1: unknown key \"zzzzzzzzzzz\""},
        {"name\n", "1: expected key = value, found \"name\""},
        {"a b = c\n", "1: not a key: \"a b\""},
        {" = c\n", "1: not a key: \"\""},
        {"name = x\n#\nname = y\n", "3: name is already set in line 1"},
        {"[storage.x]\na = 1\n[storage.x]\na = 2\n", "4: a is already set in line 2"},
        {"heartbeat-interval = soon\n",
         "1: invalid value \"soon\" for heartbeat-interval: must be a whole number from 0 to "
         "4294967295"},
        {"[storage\n", "1: a section is written [kind.name], such as [storage.leveldb]"},
        {"[]\n", "1: a section is written [kind.name], such as [storage.leveldb]"},
        {"[\n", "1: a section is written [kind.name], such as [storage.leveldb]"},
        {"[engine.x]\na = 1\n",
         "2: unknown section \"engine.x\", sections are [storage.NAME], [transport.NAME] and "
         "[auth.NAME]"},
        {"[storage]\na = 1\n",
         "2: unknown section \"storage\", sections are [storage.NAME], [transport.NAME] and "
         "[auth.NAME]"},
        {"[auth.jwt]\nttl = 5m\nlog-level = debug\n",
         "3: log-level is the server's, not a plugin's: it stands above the first section, not in "
         "[auth.jwt]"},
        {"name = \"x\n", "1: name: the closing quote is missing"},
        {"name = \"x\" y\n", "1: name: nothing may follow the closing quote"},
        {"name = \"x\\n\"\n", "1: name: only \\\" and \\\\ are escapes in quotes"},
        {"name = x\x01\n", "1: control characters are not allowed"},
        {"version = true\n", "1: version is for the command line only"},
        {"config-file = x\n", "1: config-file is for the command line only"},
    };
    for (const FileRefusal& one : refusals) {
        const std::string path = file(one.content);
        EXPECT_EQ(error_of({"--config-file=" + path}), path + ":" + one.message);
    }
}

TEST(Load, KnowsCipherSuitesByGosNames) {
    const Result<Loaded> known =
        load_of({"--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256"});
    ASSERT_TRUE(known.has_value()) << known.error().message();
    EXPECT_EQ(known->config.security.cipher_suites.size(), 2U);
    const Result<Loaded> unknown = load_of({"--cipher-suites=ECDHE-RSA-AES128-GCM-SHA256"});
    ASSERT_FALSE(unknown.has_value());
    EXPECT_NE(unknown.error().message().find(
                  "unexpected TLS cipher suite \"ECDHE-RSA-AES128-GCM-SHA256\"; known are "
                  "TLS_AES_128_GCM_SHA256, "),
              std::string::npos)
        << unknown.error().message();
}

TEST_F(LoadFile, WindowsLinesAndMarksAreFine) {
    const std::string path = file("\xef\xbb\xbfname = n1\r\nmax-wals = 2");
    const Config config = config_of({"--config-file", path});
    EXPECT_EQ(config.member.name, "n1");
    EXPECT_EQ(config.raft.wal_files_max, 2U);
}

TEST_F(LoadFile, UnreadableFiles) {
    EXPECT_EQ(
        error_of({"--config-file=" + dir_ + "/none"}),
        "cannot read the configuration file \"" + dir_ + "/none\": No such file or directory");
    EXPECT_EQ(error_of({"--config-file=" + dir_}),
              "cannot read the configuration file \"" + dir_ + "\": Is a directory");
    const std::string path = file(std::string(1024 * 1024 + 1, '#'));
    EXPECT_EQ(error_of({"--config-file=" + path}),
              "the configuration file \"" + path + "\" is larger than 1 MiB");
}

TEST_F(LoadFile, PluginFolderBesideTheProgramIsPreferred) {
    const auto dir = [this] { return load({{}, {}, dir_, {}})->config.plugins.dir; };
    EXPECT_TRUE(dir().starts_with("/usr/lib/")) << dir();
    std::filesystem::create_directory(dir_ + "/plugins");
    EXPECT_EQ(dir(), dir_ + "/plugins");
    EXPECT_EQ(load({{"--plugin-dir=/p"}, {}, dir_, {}})->config.plugins.dir, "/p");
}

}  // namespace
}  // namespace quorate::config
