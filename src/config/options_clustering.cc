// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/option_rows.h"

namespace quorate::config {

namespace {

Status set_cluster_state(Draft& draft, View text) {
    if (text != "new" && text != "existing") {
        return {errors::kConfig, "must be new or existing"};
    }
    draft.config.cluster.initial_state =
        text == "new" ? ClusterState::kNew : ClusterState::kExisting;
    return {};
}

Status set_discovery_fallback(Draft&, View text) {
    if (text == "exit") {
        return {};
    }
    if (text == "proxy") {
        return {
            errors::kConfig,
            "v2 proxy is deprecated, and --discovery-fallback can't be configured as \"proxy\""};
    }
    return {errors::kConfig, "must be exit"};
}

Status set_compaction_mode(Draft& draft, View text) {
    if (text.empty()) {
        return {errors::kConfig, "undefined auto-compaction-mode"};
    }
    if (text != "periodic" && text != "revision") {
        return {errors::kConfig, "unknown auto-compaction-mode " + in_quotes(text) +
                                     ", must be periodic or revision"};
    }
    draft.config.mvcc.auto_compaction_mode =
        text == "periodic" ? AutoCompactionMode::kPeriodic : AutoCompactionMode::kRevision;
    return {};
}

std::vector<Option> bootstrap_rows() {
    return {
        {"initial-advertise-peer-urls", "URLS", "http://localhost:2380",
         "Peer URLs of this member that the other members are told.",
         [](Draft& d, View v) { return keep(to_urls(v), d.config.urls.advertise_peer); }},
        {"advertise-client-urls", "URLS", "http://localhost:2379",
         "Client URLs of this member that clients are told.",
         [](Draft& d, View v) { return keep(to_urls(v), d.config.urls.advertise_client); }},
        {"initial-cluster", "MEMBERS", "${name}=http://localhost:2380",
         "All first members, as name=url,name=url; read only when the data folder is empty.",
         [](Draft& d, View v) { return keep_text(v, d.initial_cluster); }},
        {"initial-cluster-state", "STATE", "new",
         "new to found a cluster, existing to join one that runs.", set_cluster_state},
        {"initial-cluster-token", "TEXT", "etcd-cluster",
         "Mixed into the ids, so that clusters founded alike stay apart.",
         [](Draft& d, View v) { return keep_text(v, d.config.cluster.token); }},
        {"strict-reconfig-check", "", "true",
         "Refuse membership changes that would lose the quorum.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.cluster.strict_reconfig_check); }},
        {"pre-vote", "", "true",
         "Ask before an election whether it can be won, so that a member that was cut off does not "
         "disturb the others when it comes back.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.raft.pre_vote); }},
        {"max-learners", "N", "1", "Members without a vote that the cluster may have at a time.",
         [](Draft& d, View v) { return keep(to_uint32(v), d.config.cluster.max_learners); }},
        {"auto-compaction-mode", "MODE", "periodic",
         "periodic to keep a span of time, revision to keep a number of revisions.",
         set_compaction_mode},
        {"auto-compaction-retention", "SPAN", "0",
         "History to keep: a duration (or hours) in periodic mode, a count in revision mode (0: "
         "all).",
         [](Draft& d, View v) { return keep_text(v, d.auto_compaction_retention); }},
    };
}

// "name" or "name:password".
Status set_discovery_user(Draft& draft, View text) {
    DiscoveryConfig& discovery = draft.config.discovery;
    const size_t colon = text.find(':');
    discovery.user = std::string(text.substr(0, colon));
    if (colon != View::npos) {
        discovery.password = std::string(text.substr(colon + 1));
    }
    return {};
}

// Comes after the user in the table, and an empty one takes nothing back.
Status set_discovery_password(Draft& draft, View text) {
    return text.empty() ? Status() : keep_text(text, draft.config.discovery.password);
}

std::vector<Option> registry_rows() {
    return {
        {"discovery-endpoints", "URLS", "",
         "Endpoints of the cluster at which new members find each other.",
         [](Draft& d, View v) { return keep_list(v, d.config.discovery.endpoints); }},
        {"discovery-token", "TEXT", "", "What the new cluster is called there.",
         [](Draft& d, View v) { return keep_text(v, d.config.discovery.token); }},
        {"discovery-dial-timeout", "DURATION", "2s", "Time to connect with an endpoint.",
         [](Draft& d, View v) { return keep(to_duration(v), d.config.discovery.dial_timeout_ns); }},
        {"discovery-request-timeout", "DURATION", "5s", "Time for one request.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.discovery.request_timeout_ns);
         }},
        {"discovery-keepalive-time", "DURATION", "2s", "Silence that is answered with a ping.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.discovery.keepalive_time_ns);
         }},
        {"discovery-keepalive-timeout", "DURATION", "6s", "Time for a ping's answer.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.discovery.keepalive_timeout_ns);
         }},
        {"discovery-insecure-transport", "", "true",
         "No TLS for endpoints without a scheme, unless certificates are given.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.discovery.insecure_transport); }},
        {"discovery-insecure-skip-tls-verify", "", "false", "Trust any certificate there.",
         [](Draft& d, View v) {
             return keep(to_bool(v), d.config.discovery.insecure_skip_tls_verify);
         }},
        {"discovery-cert", "FILE", "", "Certificate shown there.",
         [](Draft& d, View v) { return keep_text(v, d.config.discovery.cert_file); }},
        {"discovery-key", "FILE", "", "Key of discovery-cert.",
         [](Draft& d, View v) { return keep_text(v, d.config.discovery.key_file); }},
        {"discovery-cacert", "FILE", "", "Certificates to trust there; empty: the system's.",
         [](Draft& d, View v) { return keep_text(v, d.config.discovery.trusted_ca_file); }},
        {"discovery-user", "USER", "", "User there, as user or user:password.", set_discovery_user},
        {"discovery-password", "TEXT", "", "That user's password.", set_discovery_password},
        {"discovery-fallback", "MODE", "exit", "What to do when discovery fails.",
         set_discovery_fallback},
    };
}

std::vector<Option> discovery_rows() {
    std::vector<Option> rows = registry_rows();
    for (Option& row : rows) {
        row.secret = row.name == "discovery-password" || row.name == "discovery-user" ||
                     row.name == "discovery-token";
    }
    rows.push_back({"discovery-srv", "DOMAIN", "", "DNS domain whose SRV records list the members.",
                    [](Draft& d, View v) { return keep_text(v, d.config.discovery.srv_domain); }});
    rows.push_back({"discovery-srv-name", "TEXT", "",
                    "Suffix of the records' service names: _etcd-server-NAME._tcp and "
                    "_etcd-server-ssl-NAME._tcp.",
                    [](Draft& d, View v) { return keep_text(v, d.config.discovery.srv_name); }});
    rows.push_back({"discovery-dns-server", "ADDRESS", "",
                    "IPv4 address and port of the DNS server to ask for them; empty: the system's.",
                    [](Draft& d, View v) { return keep_text(v, d.config.discovery.dns_server); }});
    rows.back().ours = true;
    return rows;
}

}  // namespace

std::vector<Option> clustering_rows() {
    std::vector<Option> rows = bootstrap_rows();
    for (const Option& row : discovery_rows()) {
        rows.push_back(row);
    }
    for (Option& row : rows) {
        row.group = Group::kClustering;
    }
    return rows;
}

}  // namespace quorate::config
