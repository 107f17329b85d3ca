// SPDX-License-Identifier: Apache-2.0
//
// The figures that are read off a node when somebody asks for them.
#include "cluster/member.h"
#include "cluster/version.h"
#include "config/feature_gates.h"
#include "config/version.h"
#include "node/node.h"

namespace quorate::node {

namespace {

// Registers functions that are read when somebody asks.
struct Figures {
    metrics::Registry& registry;

    template <typename Read>
    void gauge(std::string_view name, std::string_view help, Read read) const {
        registry.function(name, help, "gauge", [read] { return static_cast<double>(read()); });
    }
    template <typename Read>
    void counter(std::string_view name, std::string_view help, Read read) const {
        registry.function(name, help, "counter", [read] { return static_cast<double>(read()); });
    }
};

}  // namespace

void Node::register_metrics() {
    register_constants();
    register_consensus_metrics();
    register_store_metrics();
}

void Node::register_constants() {
    metrics::Registry& registry = environment_.metrics;
    const auto show_feature = [&registry](std::string_view name, config::FeatureStage stage,
                                          bool enabled) {
        registry
            .gauge("etcd_server_feature_enabled",
                   "Whether or not a feature is enabled. 1 is enabled, 0 is not.",
                   {{"name", std::string(name)},
                    {"stage", stage == config::FeatureStage::kAlpha ? "ALPHA" : "BETA"}})
            .set(enabled ? 1 : 0);
    };
    for (const config::FeatureInfo& feature : config::feature_table()) {
        show_feature(feature.name, feature.stage, config_.features.enabled(feature.feature));
    }
    show_feature("AllAlpha", config::FeatureStage::kAlpha, config_.features.all_alpha());
    show_feature("AllBeta", config::FeatureStage::kBeta, config_.features.all_beta());
    // Like etcd's members, this one knows itself.
    const std::string self = cluster::format_id(booted_.identity.member_id);
    registry
        .gauge("etcd_network_known_peers", "The current number of known peers.",
               {{"Local", self}, {"Remote", self}})
        .set(1);
    registry
        .gauge("etcd_server_version",
               "Which version is running. 1 for 'server_version' label "
               "with current version.",
               {{"server_version", std::string(config::kEtcdVersion)}})
        .set(1);
    registry
        .gauge("etcd_server_id",
               "Server or member ID in hexadecimal format. 1 for 'server_id' label with "
               "current ID.",
               {{"server_id", cluster::format_id(booted_.identity.member_id)}})
        .set(1);
}

void Node::register_consensus_metrics() {
    const Figures figures{environment_.metrics};
    const NodeStatus& status = status_;
    figures.gauge("etcd_server_has_leader",
                  "Whether or not a leader exists. 1 is existence, 0 is not.",
                  [&status] { return status.leader.load() != 0 ? 1 : 0; });
    figures.gauge("etcd_server_is_leader",
                  "Whether or not this member is a leader. 1 if is, 0 otherwise.",
                  [&status] { return status.leads() ? 1 : 0; });
    figures.gauge("etcd_server_is_learner",
                  "Whether or not this member is a learner. 1 if is, 0 otherwise.",
                  [&status] { return status.is_learner.load() ? 1 : 0; });
    figures.counter("etcd_server_leader_changes_seen_total", "The number of leader changes seen.",
                    [&status] { return status.leader_changes.load(); });
    figures.gauge("etcd_server_proposals_committed_total",
                  "The total number of consensus proposals committed.",
                  [&status] { return status.committed.load(); });
    figures.gauge("etcd_server_proposals_applied_total",
                  "The total number of consensus proposals applied.",
                  [&status] { return status.applied.load(); });
    figures.gauge("etcd_server_proposals_pending",
                  "The current number of pending proposals to commit.",
                  [this] { return proposals_.requests(); });
    figures.counter("etcd_server_proposals_failed_total",
                    "The total number of failed proposals seen.",
                    [&status] { return status.proposals_failed.load(); });
    figures.counter("etcd_server_read_indexes_failed_total",
                    "The total number of failed read indexes seen.",
                    [&status] { return status.read_indexes_failed.load(); });
    figures.counter(
        "etcd_server_slow_read_indexes_total",
        "The total number of pending read indexes not in sync with leader's or timed out read "
        "index requests.",
        [&status] { return status.read_indexes_slow.load(); });
    figures.counter(
        "etcd_server_heartbeat_send_failures_total",
        "The total number of leader heartbeat send failures (likely overloaded from slow disk).",
        [&status] { return status.heartbeats_failed.load(); });
    figures.gauge("etcd_server_snapshot_apply_in_progress_total",
                  "1 if the server is applying the incoming snapshot. 0 if none.",
                  [&status] { return status.takes_snapshot.load() ? 1 : 0; });
}

void Node::register_store_metrics() {
    const Figures figures{environment_.metrics};
    const NodeStatus& status = status_;
    mvcc::Store& store = *booted_.store;
    figures.gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.",
                  [this] { return config_.limits.quota_backend_bytes; });
    figures.gauge("etcd_debugging_mvcc_current_revision", "The current revision of store.",
                  [&store] { return store.current_revision(); });
    figures.gauge("etcd_debugging_mvcc_compact_revision",
                  "The revision of the last compaction in store.",
                  [&store] { return store.compact_revision(); });
    figures.gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.",
                  [&store] { return store.stats().keys; });
    figures.gauge("etcd_debugging_auth_revision", "The current revision of auth store.",
                  [&status] { return status.auth_revision.load(); });
    figures.gauge("etcd_mvcc_db_open_read_transactions",
                  "The number of currently open read transactions",
                  [&store] { return store.readers(); });
    figures.gauge("etcd_mvcc_db_total_size_in_bytes",
                  "Total size of the underlying database physically allocated in bytes.", [this] {
                      const auto stats = environment_.backend.stats();
                      return stats ? stats->disk_bytes : 0;
                  });
    figures.gauge("etcd_mvcc_db_total_size_in_use_in_bytes",
                  "Total size of the underlying database logically in use in bytes.",
                  [&status] { return status.stored_bytes.load(); });
}

// Apply loop. The version before stays as a series that says 0, as etcd leaves it.
void Node::show_cluster_version(const std::string& version) {
    if (version == shown_version_) {
        return;
    }
    const auto series = [this](const std::string& text) -> metrics::Gauge& {
        const auto parsed = cluster::parse_version(text);
        return environment_.metrics.gauge(
            "etcd_cluster_version",
            "Which version is running. 1 for 'cluster_version' label with current cluster version",
            {{"cluster_version", parsed ? cluster::short_text(*parsed) : text}});
    };
    if (!shown_version_.empty()) {
        series(shown_version_).set(0);
    }
    shown_version_ = version;
    series(version).set(1);
}

}  // namespace quorate::node
