# SPDX-License-Identifier: Apache-2.0
"""etcd's calls to one member, without generated stubs."""

import os

# Servers are started while gRPC's threads run; see spawn() in ../support/servers.py.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# A connection in the making is read by whoever waits for a call. Calls on a channel whose last try was
# refused fail at once, so that between them nobody reads, but for a poller that comes this often; by
# default every 5 s, and the try is given up after min_reconnect_backoff_ms ("timed out before receiving
# SETTINGS frame", for ever, with any server).
os.environ["GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS"] = "50"

import grpc  # noqa: E402

TIMEOUT_S = 10
CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3000),
    ("grpc.max_reconnect_backoff_ms", 300),
]
UNARY = {
    "put": "KV/Put",
    "range": "KV/Range",
    "txn": "KV/Txn",
    "delete_range": "KV/DeleteRange",
    "lease_grant": "Lease/LeaseGrant",
    "lease_revoke": "Lease/LeaseRevoke",
    "lease_time_to_live": "Lease/LeaseTimeToLive",
    "lease_leases": "Lease/LeaseLeases",
    "member_add": "Cluster/MemberAdd",
    "member_remove": "Cluster/MemberRemove",
    "member_update": "Cluster/MemberUpdate",
    "member_list": "Cluster/MemberList",
    "member_promote": "Cluster/MemberPromote",
    "status": "Maintenance/Status",
    "move_leader": "Maintenance/MoveLeader",
    "hash": "Maintenance/Hash",
    "hash_kv": "Maintenance/HashKV",
    "defragment": "Maintenance/Defragment",
    "downgrade": "Maintenance/Downgrade",
    "alarm": "Maintenance/Alarm",
    "compact": "KV/Compact",
    "auth_enable": "Auth/AuthEnable",
    "auth_disable": "Auth/AuthDisable",
    "auth_status": "Auth/AuthStatus",
    "authenticate": "Auth/Authenticate",
    "user_add": "Auth/UserAdd",
    "user_list": "Auth/UserList",
    "user_change_password": "Auth/UserChangePassword",
    "user_grant_role": "Auth/UserGrantRole",
    "role_add": "Auth/RoleAdd",
    "role_list": "Auth/RoleList",
    "role_grant_permission": "Auth/RoleGrantPermission",
}
# Whose messages are not named after the method.
MESSAGES = {"Compact": "Compaction"}


class Client:
    """One connection to one member. Methods take the fields of the request. With a token it calls
    as whoever that was given to."""

    def __init__(self, endpoint, protos, token=None):
        self.endpoint = endpoint
        self.token = token
        self.pb = protos["rpc"]
        self.kv = protos["kv"]
        self.channel = grpc.insecure_channel(endpoint, options=CHANNEL_OPTIONS)
        for name, path in UNARY.items():
            setattr(self, name, self._unary(path))
        self.lock = self._of_service("v3lockpb.Lock/Lock", protos["v3lock"], "Lock")
        self.unlock = self._of_service("v3lockpb.Lock/Unlock", protos["v3lock"], "Unlock")
        self.campaign = self._of_service("v3electionpb.Election/Campaign", protos["v3election"], "Campaign")
        self.leader = self._of_service("v3electionpb.Election/Leader", protos["v3election"], "Leader")
        self.resign = self._of_service("v3electionpb.Election/Resign", protos["v3election"], "Resign")

    def _of_service(self, path, messages, name):
        """A method of a service beside etcdserverpb."""
        request = getattr(messages, name + "Request")
        call = self.channel.unary_unary("/" + path, request_serializer=request.SerializeToString,
                                        response_deserializer=getattr(messages, name + "Response").FromString)

        def invoke(timeout_s=TIMEOUT_S, **fields):
            return call(request(**fields), timeout=timeout_s, metadata=self.metadata())

        return invoke

    def _unary(self, path):
        service, _, method = path.partition("/")
        message = MESSAGES.get(method, method)
        if service == "Auth" and not message.startswith("Auth"):
            message = "Auth" + message
        request = getattr(self.pb, message + "Request")
        call = self.channel.unary_unary(
            "/etcdserverpb." + path,
            request_serializer=request.SerializeToString,
            response_deserializer=getattr(self.pb, message + "Response").FromString,
        )

        def invoke(timeout_s=TIMEOUT_S, **fields):
            return call(request(**fields), timeout=timeout_s, metadata=self.metadata())

        return invoke

    def metadata(self):
        return [("token", self.token)] if self.token else None

    def watch(self, requests, timeout_s=None):
        """A Watch stream; `requests` yields WatchRequests."""
        return self.channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=self.pb.WatchRequest.SerializeToString,
            response_deserializer=self.pb.WatchResponse.FromString,
        )(requests, timeout=timeout_s, metadata=self.metadata())

    def keep_alive(self, requests, timeout_s=None):
        return self.channel.stream_stream(
            "/etcdserverpb.Lease/LeaseKeepAlive",
            request_serializer=self.pb.LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=self.pb.LeaseKeepAliveResponse.FromString,
        )(requests, timeout=timeout_s, metadata=self.metadata())

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
