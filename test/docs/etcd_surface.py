# SPDX-License-Identifier: Apache-2.0
"""etcd 3.7's interface by name, and why some of it is not here.

Whatever a list names and the server does not have needs a reason, and no reason may be left over:
surface_test.py checks both.
"""

# gRPC methods by service.
METHODS = {
    "etcdserverpb.KV": "Range RangeStream Put DeleteRange Txn Compact",
    "etcdserverpb.Watch": "Watch",
    "etcdserverpb.Lease": "LeaseGrant LeaseRevoke LeaseKeepAlive LeaseTimeToLive LeaseLeases",
    "etcdserverpb.Cluster": "MemberAdd MemberRemove MemberUpdate MemberList MemberPromote",
    "etcdserverpb.Maintenance": "Alarm Status Defragment Hash HashKV Snapshot MoveLeader Downgrade",
    "etcdserverpb.Auth": "AuthEnable AuthDisable AuthStatus Authenticate UserAdd UserGet UserList UserDelete"
                         " UserChangePassword UserGrantRole UserRevokeRole RoleAdd RoleGet RoleList RoleDelete"
                         " RoleGrantPermission RoleRevokePermission",
    "v3lockpb.Lock": "Lock Unlock",
    "v3electionpb.Election": "Campaign Proclaim Leader Observe Resign",
    "grpc.health.v1.Health": "Check List Watch",
}

# Pages of plain HTTP on the client port, and what is asked for there.
PAGES = {
    "/health": "/health",
    "/livez": "/livez",
    "/livez/serializable_read": "/livez/serializable_read",
    "/readyz": "/readyz",
    "/readyz/data_corruption": "/readyz/data_corruption",
    "/readyz/serializable_read": "/readyz/serializable_read",
    "/readyz/linearizable_read": "/readyz/linearizable_read",
    "/readyz/non_learner": "/readyz/non_learner",
    "/version": "/version",
    "/metrics": "/metrics",
    "/debug/vars": "/debug/vars",
    "/debug/pprof/": "/debug/pprof/",
    "/debug/requests": "/debug/requests",
    "/debug/events": "/debug/events",
}

# Pages on the peer port, where ID stands for any.
PEER_PAGES = {page: page.replace("ID", "1") for page in (
    "/version", "/members", "/members/promote/ID", "/members/hashkv", "/leases", "/leases/internal",
    "/downgrade/enabled", "/raft", "/raft/stream", "/raft/snapshot", "/raft/probing")}

# Other programs inside etcd's binary.
COMMANDS = ["etcd gateway start", "etcd grpc-proxy start"]

# What the server is started with, and the exit code that etcd has for it.
EXIT_CODES = {
    "what is only asked for, `--version`": (["--version"], 0),
    "an unknown flag, `--nosuch`": (["--nosuch"], 2),
    "an argument that is no flag, `nosuch`, `--name a nosuch`": (["--name", "a", "nosuch"], 1),
    "a value that its flag does not take, `--heartbeat-interval=x`": (["--heartbeat-interval=x"], 2),
    "options that are wrong together, `--election-timeout=100`": (["--election-timeout=100"], 1),
    "an address that can't be listened on, `--listen-peer-urls=http://203.0.113.1:2380`":
        (["--listen-peer-urls=http://203.0.113.1:2380"], 1),
}

# Routes of the JSON gateway under /v3/.
ROUTES = [f"/v3/{group}/{name}" for group, names in {
    "kv": "range put deleterange txn compaction lease/revoke lease/timetolive lease/leases",
    "lease": "grant revoke keepalive timetolive leases",
    "cluster/member": "add remove update list promote",
    "maintenance": "alarm status defragment hash hashkv snapshot transfer-leadership downgrade",
    "auth": "enable disable status authenticate",
    "auth/user": "add get list delete changepw grant revoke",
    "auth/role": "add get list delete grant revoke",
    "lock": "lock unlock",
    "election": "campaign proclaim leader observe resign",
}.items() for name in names.split()] + ["/v3/watch"]

FLAGS = """
    name data-dir wal-dir snapshot-count snapshot-catchup-entries heartbeat-interval
    election-timeout initial-election-tick-advance listen-peer-urls listen-client-urls
    listen-client-http-urls listen-metrics-urls max-wals quota-backend-bytes
    backend-bbolt-freelist-type backend-batch-interval backend-batch-limit max-txn-ops
    max-request-bytes max-concurrent-streams grpc-keepalive-min-time grpc-keepalive-interval
    grpc-keepalive-timeout socket-reuse-port socket-reuse-address raft-read-timeout
    raft-write-timeout memory-mlock feature-gates initial-advertise-peer-urls initial-cluster
    initial-cluster-state initial-cluster-token advertise-client-urls discovery-endpoints
    discovery-token discovery-dial-timeout discovery-request-timeout discovery-keepalive-time
    discovery-keepalive-timeout discovery-insecure-transport discovery-insecure-skip-tls-verify
    discovery-cert discovery-key discovery-cacert discovery-user discovery-password
    discovery-fallback discovery-srv discovery-srv-name strict-reconfig-check pre-vote
    auto-compaction-retention auto-compaction-mode max-learners cert-file key-file client-cert-file
    client-key-file client-cert-auth client-crl-file client-cert-allowed-hostname trusted-ca-file
    auto-tls peer-cert-file peer-key-file peer-client-cert-file peer-client-key-file
    peer-client-cert-auth peer-trusted-ca-file peer-auto-tls peer-cert-allowed-cn
    peer-cert-allowed-hostname peer-crl-file peer-skip-client-san-verification
    self-signed-cert-validity cipher-suites tls-min-version tls-max-version cors host-whitelist
    auth-token bcrypt-cost auth-token-ttl enable-pprof metrics enable-distributed-tracing
    distributed-tracing-address distributed-tracing-service-name distributed-tracing-instance-id
    distributed-tracing-sampling-rate logger log-outputs log-level log-format enable-log-rotation
    log-rotation-config-json warning-apply-duration warning-unary-request-duration
    enable-grpc-gateway corrupt-check-time compact-hash-check-time compaction-batch-limit
    compaction-sleep-interval watch-progress-notify-interval downgrade-check-time
    bootstrap-defrag-threshold-megabytes unsafe-no-fsync force-new-cluster config-file version
""".split()

LEGACY_FLAGS = """
    cluster-active-size cluster-remove-delay cluster-sync-interval config force max-result-buffer
    max-retry-attempts peer-heartbeat-interval peer-election-timeout retry-interval snapshot v vv
    test.coverprofile test.outputdir max-snapshots v2-deprecation
""".split()

GATES = """
    StopGRPCServiceOnDefrag InitialCorruptCheck CompactHashCheck TxnModeWriteWithSharedBuffer
    LeaseCheckpoint LeaseCheckpointPersist SetMemberLocalAddr FastLeaseKeepAlive PriorityRequest
""".split()

# Names that stand for all gates of a stage.
GATE_GROUPS = ["AllAlpha", "AllBeta"]

# Metrics as name:type.
METRICS = """
    etcd_cluster_version:gauge etcd_debugging_auth_revision:gauge
    etcd_debugging_disk_backend_commit_rebalance_duration_seconds:histogram
    etcd_debugging_disk_backend_commit_spill_duration_seconds:histogram
    etcd_debugging_disk_backend_commit_write_duration_seconds:histogram
    etcd_debugging_lease_granted_total:counter etcd_debugging_lease_renewed_total:counter
    etcd_debugging_lease_revoked_total:counter etcd_debugging_lease_ttl_total:histogram
    etcd_debugging_mvcc_compact_revision:gauge etcd_debugging_mvcc_current_revision:gauge
    etcd_debugging_mvcc_db_compaction_keys_total:counter
    etcd_debugging_mvcc_db_compaction_last:gauge
    etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds:histogram
    etcd_debugging_mvcc_db_compaction_total_duration_milliseconds:histogram
    etcd_debugging_mvcc_events_total:counter
    etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds:histogram
    etcd_debugging_mvcc_keys_total:gauge etcd_debugging_mvcc_pending_events_total:gauge
    etcd_debugging_mvcc_slow_watcher_total:gauge etcd_debugging_mvcc_total_put_size_in_bytes:gauge
    etcd_debugging_mvcc_watch_stream_total:gauge etcd_debugging_mvcc_watcher_total:gauge
    etcd_debugging_server_alarms:gauge etcd_debugging_server_lease_expired_total:counter
    etcd_debugging_server_watch_send_loop_control_stream_duration_seconds:histogram
    etcd_debugging_server_watch_send_loop_progress_duration_seconds:histogram
    etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds:histogram
    etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds:histogram
    etcd_debugging_snap_save_marshalling_duration_seconds:histogram
    etcd_debugging_snap_save_total_duration_seconds:histogram
    etcd_debugging_store_expires_total:counter etcd_debugging_store_reads_failed_total:counter
    etcd_debugging_store_reads_total:counter etcd_debugging_store_watch_requests_total:counter
    etcd_debugging_store_watchers:gauge etcd_debugging_store_writes_failed_total:counter
    etcd_debugging_store_writes_total:counter etcd_disk_backend_commit_duration_seconds:histogram
    etcd_disk_backend_defrag_duration_seconds:histogram
    etcd_disk_backend_snapshot_duration_seconds:histogram etcd_disk_defrag_inflight:gauge
    etcd_disk_wal_fsync_duration_seconds:histogram etcd_disk_wal_write_bytes_total:gauge
    etcd_disk_wal_write_duration_seconds:histogram etcd_grpc_proxy_cache_hits_total:gauge
    etcd_grpc_proxy_cache_keys_total:gauge etcd_grpc_proxy_cache_misses_total:gauge
    etcd_grpc_proxy_events_coalescing_total:counter etcd_grpc_proxy_watchers_coalescing_total:gauge
    etcd_mvcc_db_open_read_transactions:gauge etcd_mvcc_db_total_size_in_bytes:gauge
    etcd_mvcc_db_total_size_in_use_in_bytes:gauge etcd_mvcc_delete_total:counter
    etcd_mvcc_hash_duration_seconds:histogram etcd_mvcc_hash_rev_duration_seconds:histogram
    etcd_mvcc_put_total:counter etcd_mvcc_range_total:counter etcd_mvcc_txn_total:counter
    etcd_network_active_peers:gauge etcd_network_client_grpc_received_bytes_total:counter
    etcd_network_client_grpc_sent_bytes_total:counter etcd_network_disconnected_peers_total:counter
    etcd_network_known_peers:gauge etcd_network_peer_received_bytes_total:counter
    etcd_network_peer_received_failures_total:counter
    etcd_network_peer_round_trip_time_seconds:histogram etcd_network_peer_sent_bytes_total:counter
    etcd_network_peer_sent_failures_total:counter etcd_network_server_stream_failures_total:counter
    etcd_network_snapshot_receive_failures:counter
    etcd_network_snapshot_receive_inflights_total:gauge
    etcd_network_snapshot_receive_success:counter
    etcd_network_snapshot_receive_total_duration_seconds:histogram
    etcd_network_snapshot_send_failures:counter etcd_network_snapshot_send_inflights_total:gauge
    etcd_network_snapshot_send_success:counter
    etcd_network_snapshot_send_total_duration_seconds:histogram
    etcd_server_apply_duration_seconds:histogram etcd_server_client_requests_total:counter
    etcd_server_feature_enabled:gauge etcd_server_go_version:gauge etcd_server_has_leader:gauge
    etcd_server_health_failures:counter etcd_server_health_success:counter
    etcd_server_healthcheck:gauge etcd_server_healthchecks_total:counter
    etcd_server_heartbeat_send_failures_total:counter etcd_server_id:gauge
    etcd_server_is_leader:gauge etcd_server_is_learner:gauge
    etcd_server_leader_changes_seen_total:counter etcd_server_learner_promote_failures:counter
    etcd_server_learner_promote_successes:counter etcd_server_proposals_applied_total:gauge
    etcd_server_proposals_committed_total:gauge etcd_server_proposals_failed_total:counter
    etcd_server_proposals_pending:gauge etcd_server_quota_backend_bytes:gauge
    etcd_server_range_duration_seconds:histogram etcd_server_read_indexes_failed_total:counter
    etcd_server_request_duration_seconds:histogram etcd_server_slow_apply_total:counter
    etcd_server_slow_read_indexes_total:counter etcd_server_snapshot_apply_in_progress_total:gauge
    etcd_server_version:gauge etcd_snap_db_fsync_duration_seconds:histogram
    etcd_snap_db_save_total_duration_seconds:histogram etcd_snap_fsync_duration_seconds:histogram
    os_fd_limit:gauge os_fd_used:gauge grpc_server_started_total:counter
    grpc_server_handled_total:counter grpc_server_msg_received_total:counter
    grpc_server_msg_sent_total:counter grpc_server_handling_seconds:histogram
    process_cpu_seconds_total:counter process_max_fds:gauge process_open_fds:gauge
    process_resident_memory_bytes:gauge process_start_time_seconds:gauge
    process_virtual_memory_bytes:gauge process_virtual_memory_max_bytes:gauge
    process_network_receive_bytes_total:counter process_network_transmit_bytes_total:counter
    promhttp_metric_handler_requests_in_flight:gauge promhttp_metric_handler_requests_total:counter
    go_*:any
""".split()

# Name to reason. A name may end with * for all that begin with the rest.
NO_METHOD = {}
NO_PAGE = {
    "/debug/pprof/": "there is no Go runtime to profile; perf shows where the time goes",
    "/debug/requests": "pages of Go's trace package; with --log-level=debug every request is logged",
    "/debug/events": "pages of Go's trace package; with --log-level=debug every request is logged",
}
NO_PEER_PAGE = {
    "/members/*": "of etcd's members among themselves; ours ask each other over gRPC",
    "/leases*": "of etcd's members among themselves; ours ask each other over gRPC",
    "/downgrade/enabled": "of etcd's members among themselves; ours ask each other over gRPC",
    "/raft*": "of etcd's members among themselves; ours ask each other over gRPC",
}
NO_COMMAND = {
    "etcd *": "that of etcd's package stands in front of Quorate as well",
}
NO_METRIC = {
    "go_*": "there is no Go runtime; process_* tells of memory and files",
    "etcd_network_server_stream_failures_total":
        "of etcd's streams; see grpc_server_handled_total and etcd_network_disconnected_peers_total",
    "etcd_debugging_disk_backend_commit_*": "stages of a bbolt commit",
    "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds":
        "index and records are compacted in one step; see the pause of the database",
    "etcd_debugging_snap_save_*": "of the v2 store's snapshots, which there are none of",
    "etcd_snap_fsync_duration_seconds": "of the v2 store's snapshots, which there are none of",
    "etcd_debugging_store_*": "of the v2 store, which there is none of",
    "etcd_grpc_proxy_*": "of etcd grpc-proxy, which is another program",
    "etcd_server_go_version": "there is no Go runtime",
    "promhttp_*": "of a Go library",
}

# Where an answer is not etcd's, though all is there. surface_test.py asks for each of these.
ANSWERS = {
    "HashKV at the revision of a compaction":
        "etcd has kept the hash of that moment, for the last ten; here it is made anew, with the newest compaction",
    "MemberUpdate with a URL that is none": "etcd takes it; here it is refused, as in MemberAdd",
    "Alarm with an unknown action": "etcd ends; here nothing happens",
    "RoleGrantPermission of an unknown type": "etcd grants it; here it is invalid auth management",
    "UserAdd with a hashedPassword that is no base64": "etcd makes a user who can't log in; here it is refused",
    "Txn without any operation, without a login": "etcd answers; here it takes a user, like every other",
    "AuthStatus with a token that does not hold": "etcd refuses; here it is open, as without a token",
    "/metrics for who takes gzip or protobuf": "etcd sends that; here it is text, always",
}
