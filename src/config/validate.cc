// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"
#include "base/errors.h"
#include "config/local_address.h"
#include "config/resolve.h"
#include "config/values.h"

#include <algorithm>

namespace quorate::config {

namespace {

constexpr uint32_t kElectionMax_ms = 50'000;
constexpr uint32_t kRecommendedRequestBytes_max = 10 * 1024 * 1024;

Status fail(std::string text) {
    return {errors::kConfig, std::move(text)};
}

std::string joined(const std::vector<Url>& urls) {
    std::string text;
    for (const Url& url : urls) {
        text += (text.empty() ? "" : ",") + url.to_string();
    }
    return text;
}

Status check_listen_urls(const std::vector<Url>& urls) {
    for (const Url& url : urls) {
        if (!url.is_unix() && url.host != "localhost" && !url.has_ip()) {
            return fail("expected IP in URL for binding (" + url.to_string() + ")");
        }
    }
    return {};
}

// One address has one kind of server behind it.
Status check_shared_addresses(const UrlConfig& urls) {
    for (const Url& http : urls.listen_client_http) {
        for (const Url& client : urls.listen_client) {
            if (http.port != 0 && http.address() == client.address()) {
                return fail(
                    "cannot bind both --listen-client-urls and --listen-client-http-urls on the "
                    "same url " +
                    http.to_string());
            }
        }
    }
    return {};
}

// The first URL without a host, if any.
const Url* without_host(const std::vector<Url>& urls) {
    for (const Url& url : urls) {
        if (!url.is_unix() && url.host.empty()) {
            return &url;
        }
    }
    return nullptr;
}

Status check_urls(const UrlConfig& urls) {
    for (const std::vector<Url>* list :
         {&urls.listen_peer, &urls.listen_client, &urls.listen_client_http, &urls.listen_metrics}) {
        if (Status s = check_listen_urls(*list); !s.ok()) {
            return s;
        }
    }
    if (Status s = check_shared_addresses(urls); !s.ok()) {
        return s;
    }
    if (const Url* url = without_host(urls.advertise_peer); url != nullptr) {
        return fail("--initial-advertise-peer-urls " + in_quotes(joined(urls.advertise_peer)) +
                    " must be \"host:port\" (unexpected empty host (" + url->to_string() + "))");
    }
    if (const Url* url = without_host(urls.advertise_client); url != nullptr) {
        return fail("--advertise-client-urls " + in_quotes(joined(urls.advertise_client)) +
                    " must be in the format \"host:port\", \"unix:/path/to/socket\" or "
                    "\"unixs:/path/to/socket\" (unexpected empty host (" +
                    url->to_string() + "))");
    }
    return {};
}

Status check_registry(const Config& config) {
    const DiscoveryConfig& discovery = config.discovery;
    if (discovery.token.empty() != discovery.endpoints.empty()) {
        return fail("both --discovery-token and --discovery-endpoints must be set");
    }
    if (discovery.cert_file.empty() != discovery.key_file.empty()) {
        return fail("--discovery-cert and --discovery-key must both be set");
    }
    if (discovery.by_registry() && !discovery.password.empty() && discovery.user.empty()) {
        return fail("--discovery-password needs --discovery-user");
    }
    if (discovery.token.find('/') != std::string::npos) {
        return fail("--discovery-token must not contain a \"/\"");
    }
    if (discovery.by_registry() && config.cluster.initial_state == ClusterState::kExisting) {
        return fail(
            "--discovery-token founds new clusters; a member that joins one that runs "
            "(--initial-cluster-state=existing) needs --initial-cluster");
    }
    return {};
}

Status check_bootstrap_options(const Draft& draft) {
    const DiscoveryConfig& discovery = draft.config.discovery;
    const int ways = (draft.initial_cluster.empty() ? 0 : 1) + (discovery.by_dns() ? 1 : 0) +
                     (discovery.by_registry() ? 1 : 0);
    if (ways > 1) {
        return fail(
            "multiple discovery or bootstrap flags are set. Choose one of \"initial-cluster\", "
            "\"discovery-endpoints\" or \"discovery-srv\"");
    }
    return check_registry(draft.config);
}

Status check_timing(const RaftConfig& raft) {
    const std::string heartbeat = std::to_string(raft.heartbeat_interval_ms);
    const std::string election = std::to_string(raft.election_timeout_ms);
    if (raft.heartbeat_interval_ms == 0) {
        return fail("--heartbeat-interval must be >0 (set to " + heartbeat + "ms)");
    }
    if (raft.election_timeout_ms == 0) {
        return fail("--election-timeout must be >0 (set to " + election + "ms)");
    }
    if (uint64_t{5} * raft.heartbeat_interval_ms > raft.election_timeout_ms) {
        return fail("--election-timeout[" + election +
                    "ms] should be at least as 5 times as --heartbeat-interval[" + heartbeat +
                    "ms]");
    }
    if (raft.election_timeout_ms > kElectionMax_ms) {
        return fail("--election-timeout[" + election +
                    "ms] is too long, and should be set less than " +
                    std::to_string(kElectionMax_ms) + "ms");
    }
    return {};
}

Status check_tls_files(const TlsConfig& tls, std::string_view prefix) {
    if (tls.cert_file.empty() != tls.key_file.empty()) {
        return fail("KeyFile and CertFile must both be present[key: " + tls.key_file +
                    ", cert: " + tls.cert_file + "] (--" + std::string(prefix) + "key-file, --" +
                    std::string(prefix) + "cert-file)");
    }
    if (tls.client_cert_file.empty() != tls.client_key_file.empty()) {
        return fail("ClientKeyFile and ClientCertFile must both be present or both absent: key: " +
                    tls.client_key_file + ", cert: " + tls.client_cert_file);
    }
    if (tls.client_cert_auth && tls.trusted_ca_file.empty()) {
        return fail("--" + std::string(prefix) + "client-cert-auth needs --" + std::string(prefix) +
                    "trusted-ca-file");
    }
    return {};
}

// What would have no effect, or two effects at once, is refused: it is about who may come in.
Status check_tls_rules(const TlsConfig& tls, std::string_view prefix) {
    const auto flag = [prefix](std::string_view name) {
        return "--" + std::string(prefix) + std::string(name);
    };
    if (tls.auto_tls && (!tls.empty() || !tls.trusted_ca_file.empty())) {
        return fail(flag("auto-tls") +
                    " makes up a certificate and checks nobody's; leave it out, or leave out " +
                    flag("cert-file") + ", " + flag("key-file") + " and " +
                    flag("trusted-ca-file"));
    }
    // What these options begin with: that of the client side has a word more.
    const std::string about = prefix.empty() ? "--client-" : "--" + std::string(prefix);
    if (!tls.allowed_common_names.empty() && !tls.allowed_hostnames.empty()) {
        return fail("AllowedCNs and AllowedHostnames are mutually exclusive (" + about +
                    "cert-allowed-cn, " + about + "cert-allowed-hostname)");
    }
    if (!tls.trusted_ca_file.empty()) {
        return {};
    }
    const std::string needing = !tls.crl_file.empty()            ? about + "crl-file"
                                : !tls.allowed_hostnames.empty() ? about + "cert-allowed-hostname"
                                : !tls.allowed_common_names.empty() ? about + "cert-allowed-cn"
                                                                    : "";
    return needing.empty() ? Status()
                           : fail(needing + " needs " + flag("trusted-ca-file") +
                                  ": without it no certificate is asked for");
}

// https needs a certificate; a certificate on plain http is noted, since it protects nothing.
Status check_scheme(const std::vector<Url>& urls, const TlsConfig& tls, std::string_view kind,
                    std::vector<Note>& notes) {
    for (const Url& url : urls) {
        if (url.is_tls() && tls.empty() && !tls.auto_tls) {
            return kind == "client"
                       ? fail(
                             "TLS key/cert (--cert-file, --key-file) must be provided for client "
                             "url " +
                             url.to_string() + " with HTTPS scheme")
                       : fail(
                             "TLS key/cert (--peer-cert-file, --peer-key-file) must be provided "
                             "for peer url " +
                             url.to_string() + " with HTTPS scheme");
        }
        if (!url.is_tls() && !tls.empty()) {
            notes.push_back({log::Level::kWarn,
                             "scheme is HTTP while key and cert files are present; ignoring key "
                             "and cert files",
                             {{std::string_view(kind == "client" ? "client-url" : "peer-url"),
                               url.to_string()}}});
        }
    }
    return {};
}

Status check_tls(const Config& config, std::vector<Note>& notes) {
    const SecurityConfig& security = config.security;
    if (Status s = check_tls_files(security.client, ""); !s.ok()) {
        return s;
    }
    if (Status s = check_tls_files(security.peer, "peer-"); !s.ok()) {
        return s;
    }
    if (Status s = check_tls_rules(security.client, ""); !s.ok()) {
        return s;
    }
    if (Status s = check_tls_rules(security.peer, "peer-"); !s.ok()) {
        return s;
    }
    if (Status s = check_scheme(config.urls.listen_client, security.client, "client", notes);
        !s.ok()) {
        return s;
    }
    if (Status s = check_scheme(config.urls.listen_client_http, security.client, "client", notes);
        !s.ok()) {
        return s;
    }
    if (Status s = check_scheme(config.urls.listen_peer, security.peer, "peer", notes); !s.ok()) {
        return s;
    }
    for (const Url& url : config.urls.listen_metrics) {
        if (url.is_tls() && security.client.empty() && !security.client.auto_tls) {
            return fail(
                "client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure "
                "url");
        }
    }
    if (security.tls_version_max != TlsVersion::kDefault &&
        security.tls_version_min > security.tls_version_max) {
        return fail("min version (TLS1.3) is greater than max version (TLS1.2)");
    }
    if (security.tls_version_min == TlsVersion::kTls13 && !security.cipher_suites.empty()) {
        return fail("cipher suites cannot be configured when only TLS1.3 is enabled");
    }
    return {};
}

// In etcd's words.
void note_local_address(const Config& config, std::vector<Note>& notes) {
    if (!config.features.enabled(Feature::kSetMemberLocalAddr)) {
        return;
    }
    if (const std::string address = local_address(config); !address.empty()) {
        notes.push_back(
            {log::Level::kInfo, "setting member local address", {{"LocalAddr", address}}});
    } else {
        notes.push_back({log::Level::kWarn,
                         "unable to set a member local address due to lack of suitable local "
                         "addresses",
                         {{"advertise-peer-urls", joined(config.urls.advertise_peer)}}});
    }
}

Status check_features(const FeatureGates& gates, std::vector<Note>& notes) {
    for (const FeatureInfo& info : feature_table()) {
        if (!info.no_effect.empty() && gates.enabled(info.feature) != info.enabled_by_default) {
            notes.push_back({log::Level::kWarn,
                             "feature gate has no effect here",
                             {{"name", info.name}, {"why", info.no_effect}}});
        }
    }
    const bool checkpoint = gates.enabled(Feature::kLeaseCheckpoint);
    const bool persist = gates.enabled(Feature::kLeaseCheckpointPersist);
    if (persist && !checkpoint) {
        return fail(
            "enabling feature gate LeaseCheckpointPersist requires enabling feature gate "
            "LeaseCheckpoint");
    }
    if (checkpoint && !persist) {
        notes.push_back({log::Level::kWarn,
                         "Detected that checkpointing is enabled without persistence. Consider "
                         "enabling feature gate LeaseCheckpointPersist",
                         {}});
    }
    return {};
}

void add_advice(const Config& config, std::vector<Note>& notes) {
    if (config.member.name == "default" && config.cluster.initial_cluster.size() > 1) {
        notes.push_back({log::Level::kWarn,
                         "it isn't recommended to use default name, please set a value for --name",
                         {{"name", config.member.name}}});
    }
    if (config.limits.request_bytes_max > kRecommendedRequestBytes_max) {
        notes.push_back({log::Level::kWarn,
                         "exceeded recommended request limit",
                         {{"max-request-bytes", config.limits.request_bytes_max},
                          {"recommended-request-bytes", kRecommendedRequestBytes_max}}});
    }
    if (config.raft.unsafe_no_fsync) {
        notes.push_back(
            {log::Level::kWarn, "unsafe-no-fsync is set: a power cut will lose data", {}});
    }
}

}  // namespace

Status validate(const Draft& draft, std::vector<Note>& notes) {
    const Config& config = draft.config;
    if (Status s = check_urls(config.urls); !s.ok()) {
        return s;
    }
    if (Status s = check_bootstrap_options(draft); !s.ok()) {
        return s;
    }
    if (Status s = check_timing(config.raft); !s.ok()) {
        return s;
    }
    if (!config.urls.listen_client.empty() && config.urls.advertise_client.empty()) {
        return fail(
            "--advertise-client-urls is required when --listen-client-urls is set explicitly");
    }
    if (Status s = check_features(config.features, notes); !s.ok()) {
        return s;
    }
    note_local_address(config, notes);
    if (config.mvcc.compact_hash_check_interval_ns <= 0) {
        return fail("--compact-hash-check-time must be >0 (set to " +
                    format_duration(config.mvcc.compact_hash_check_interval_ns) + ")");
    }
    if (Status s = check_tls(config, notes); !s.ok()) {
        return s;
    }
    add_advice(config, notes);
    return {};
}

}  // namespace quorate::config
