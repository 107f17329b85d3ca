# SPDX-License-Identifier: Apache-2.0
"""A gRPC client of one server: unary calls and streams by method name, without generated stubs."""

import os
import queue
import threading
import time
from dataclasses import dataclass

# These programs start servers while gRPC's threads run. Its handlers for a fork end the process when
# that meets a thread pool which is being shut down (grpc 1.51), and nothing here needs them.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import grpc  # noqa: E402

CALL_TIMEOUT_S = 30
ANSWER_TIMEOUT_S = 15

# name -> (path, request, response)
METHODS = {
    "Range": ("/etcdserverpb.KV/Range", "RangeRequest", "RangeResponse"),
    "RangeStream": ("/etcdserverpb.KV/RangeStream", "RangeRequest", "RangeStreamResponse"),
    "Put": ("/etcdserverpb.KV/Put", "PutRequest", "PutResponse"),
    "DeleteRange": ("/etcdserverpb.KV/DeleteRange", "DeleteRangeRequest", "DeleteRangeResponse"),
    "Txn": ("/etcdserverpb.KV/Txn", "TxnRequest", "TxnResponse"),
    "Compact": ("/etcdserverpb.KV/Compact", "CompactionRequest", "CompactionResponse"),
    "LeaseGrant": ("/etcdserverpb.Lease/LeaseGrant", "LeaseGrantRequest", "LeaseGrantResponse"),
    "LeaseRevoke": ("/etcdserverpb.Lease/LeaseRevoke", "LeaseRevokeRequest", "LeaseRevokeResponse"),
    "LeaseTimeToLive": (
        "/etcdserverpb.Lease/LeaseTimeToLive",
        "LeaseTimeToLiveRequest",
        "LeaseTimeToLiveResponse",
    ),
    "LeaseLeases": ("/etcdserverpb.Lease/LeaseLeases", "LeaseLeasesRequest", "LeaseLeasesResponse"),
    "LeaseKeepAlive": (
        "/etcdserverpb.Lease/LeaseKeepAlive",
        "LeaseKeepAliveRequest",
        "LeaseKeepAliveResponse",
    ),
    "Watch": ("/etcdserverpb.Watch/Watch", "WatchRequest", "WatchResponse"),
    "HashKV": ("/etcdserverpb.Maintenance/HashKV", "HashKVRequest", "HashKVResponse"),
    "Alarm": ("/etcdserverpb.Maintenance/Alarm", "AlarmRequest", "AlarmResponse"),
    "Defragment": (
        "/etcdserverpb.Maintenance/Defragment",
        "DefragmentRequest",
        "DefragmentResponse",
    ),
    "Authenticate": ("/etcdserverpb.Auth/Authenticate", "AuthenticateRequest", "AuthenticateResponse"),
}
METHODS.update({
    name: (f"/etcdserverpb.Auth/{name}", f"{message}Request", f"{message}Response")
    for name in ("AuthEnable AuthDisable UserAdd UserGet UserList UserDelete UserChangePassword UserGrantRole"
                 " UserRevokeRole RoleAdd RoleGet RoleList RoleDelete RoleGrantPermission"
                 " RoleRevokePermission").split()
    for message in [name if name.startswith("Auth") else "Auth" + name]
})


def metadata(token):
    """As whom a call is made: nobody, or the owner of a token."""
    return [("token", token)] if token else None


@dataclass
class Outcome:
    """How a call ended: an answer, or a status code with its text."""

    message: object = None
    code: int = 0
    text: str = ""

    def describe(self):
        if self.code == 0:
            return str(self.message) or "(empty message)"
        return f"error {self.code}: {self.text}"


class Stream:
    """A bidirectional call. Messages arrive on a thread of its own and wait in `messages`."""

    def __init__(self, call_of):
        self._requests = queue.Queue()
        self._condition = threading.Condition()
        self._messages = []
        self._ended = None
        self._call = call_of(iter(self._requests.get, None))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for message in self._call:
                with self._condition:
                    self._messages.append(message)
                    self._condition.notify_all()
            ended = "ended by the server"
        except grpc.RpcError as error:
            ended = f"{error.code()}: {error.details()}"
        with self._condition:
            self._ended = ended
            self._condition.notify_all()

    def send(self, request):
        self._requests.put(request)

    def take(self):
        """All messages that are there."""
        with self._condition:
            messages, self._messages = self._messages, []
            return messages

    def take_until(self, done, timeout_s=ANSWER_TIMEOUT_S):
        """Hands message after message to `done` until it returns true. False when the time is up
        or the stream has ended first."""
        deadline = time.monotonic() + timeout_s
        with self._condition:
            while True:
                while self._messages:
                    if done(self._messages.pop(0)):
                        return True
                left = deadline - time.monotonic()
                if self._ended is not None or left <= 0:
                    return False
                self._condition.wait(left)

    @property
    def ended(self):
        with self._condition:
            return self._ended

    def close(self):
        self._requests.put(None)
        self._call.cancel()
        self._thread.join()


class Client:
    def __init__(self, endpoint, rpc):
        self.rpc = rpc
        self._channel = grpc.insecure_channel(
            endpoint,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.enable_http_proxy", 0),
            ],
        )
        self._calls = {}

    def _call(self, method, kind):
        if method not in self._calls:
            path, _, response = METHODS[method]
            self._calls[method] = getattr(self._channel, kind)(
                path,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=getattr(self.rpc, response).FromString,
            )
        return self._calls[method]

    def start(self, method, request, token=""):
        """Begins a unary call; finish() waits for it."""
        return self._call(method, "unary_unary").future(
            request, timeout=CALL_TIMEOUT_S, wait_for_ready=True, metadata=metadata(token)
        )

    @staticmethod
    def finish(future):
        try:
            return Outcome(message=future.result())
        except grpc.RpcError as error:
            return Outcome(code=error.code().value[0], text=error.details())

    def unary(self, method, request, token=""):
        return self.finish(self.start(method, request, token))

    def range_stream(self, request, token=""):
        """All parts, put together as clients do it."""
        parts = self._call("RangeStream", "unary_stream")(
            request, timeout=CALL_TIMEOUT_S, wait_for_ready=True, metadata=metadata(token)
        )
        whole = self.rpc.RangeResponse()
        try:
            for part in parts:
                whole.MergeFrom(part.range_response)
        except grpc.RpcError as error:
            return Outcome(code=error.code().value[0], text=error.details())
        return Outcome(message=whole)

    def stream(self, method, token=""):
        call = self._call(method, "stream_stream")
        return Stream(lambda requests: call(requests, wait_for_ready=True, metadata=metadata(token)))

    def close(self):
        self._channel.close()
