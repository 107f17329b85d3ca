#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gRPC's own health service, which balancers of gRPC's clients and probes ask: on a member that serves, with
authentication on, and on a learner.

usage: health_test.py QUORATE
"""

import tempfile
import unittest

from grpc_suite import BINARY, MODULES, grpc, run

from clusters import Cluster, wait_for

TIMEOUT_S = 20
SERVING, SERVICE_UNKNOWN = 1, 3


class Health:
    def __init__(self, member):
        self.pb, self.rpc = MODULES["health"], MODULES["rpc"]
        self.channel = grpc.insecure_channel(member.endpoint, [("grpc.use_local_subchannel_pool", 1)])

    def method(self, kind, path, response):
        return kind(path, request_serializer=lambda one: one.SerializeToString(),
                    response_deserializer=response.FromString)

    def check(self, service=""):
        call = self.method(self.channel.unary_unary, "/grpc.health.v1.Health/Check", self.pb.HealthCheckResponse)
        return call(self.pb.HealthCheckRequest(service=service), timeout=TIMEOUT_S).status

    def list(self):
        call = self.method(self.channel.unary_unary, "/grpc.health.v1.Health/List", self.pb.HealthListResponse)
        statuses = call(self.pb.HealthListRequest(), timeout=TIMEOUT_S).statuses
        return {name: one.status for name, one in statuses.items()}

    def watch(self, service=""):
        call = self.method(self.channel.unary_stream, "/grpc.health.v1.Health/Watch", self.pb.HealthCheckResponse)
        return call(self.pb.HealthCheckRequest(service=service), timeout=TIMEOUT_S)

    def call(self, path, request, response, **fields):
        call = self.method(self.channel.unary_unary, "/etcdserverpb." + path, getattr(self.rpc, response))
        return call(getattr(self.rpc, request)(**fields), timeout=TIMEOUT_S)


class HealthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorate-health-")
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(BINARY, folder.name, 1, ["--bcrypt-cost=4"])
        self.addCleanup(self.cluster.__exit__)
        self.cluster.start()
        self.health = self.of(self.cluster.members[0])

    def of(self, member):
        health = Health(member)
        self.addCleanup(health.channel.close)
        return health

    def test_a_member_serves(self):
        self.assertEqual((self.health.check(), self.health.list()), (SERVING, {"": SERVING}))
        with self.assertRaises(grpc.RpcError) as refused:
            self.health.check("etcdserverpb.KV")
        self.assertEqual((refused.exception.code(), refused.exception.details()),
                         (grpc.StatusCode.NOT_FOUND, "unknown service"))
        watch, other = self.health.watch(), self.health.watch("etcdserverpb.KV")
        self.assertEqual((next(watch).status, next(other).status), (SERVING, SERVICE_UNKNOWN))
        # They stay open, and end with the member.
        self.cluster.members[0].stop()
        for stream in (watch, other):
            with self.assertRaises(grpc.RpcError) as ended:
                next(stream)
            self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_nobody_has_to_log_in(self):
        for path, request, response, fields in (
                ("Auth/UserAdd", "AuthUserAddRequest", "AuthUserAddResponse", {"name": "root", "password": "r"}),
                ("Auth/UserGrantRole", "AuthUserGrantRoleRequest", "AuthUserGrantRoleResponse",
                 {"user": "root", "role": "root"}),
                ("Auth/AuthEnable", "AuthEnableRequest", "AuthEnableResponse", {})):
            self.health.call(path, request, response, **fields)
        self.assertEqual((self.health.check(), next(self.health.watch()).status), (SERVING, SERVING))

    def test_a_learner_answers_no_unary_call(self):
        """As etcd: by that, balancers of clients know not to ask it."""
        learner = self.cluster.joining_member("l")
        self.health.call("Cluster/MemberAdd", "MemberAddRequest", "MemberAddResponse",
                         peerURLs=[learner.peer_url], isLearner=True)
        self.cluster.members.append(learner)
        learner.launch()
        health = self.of(learner)
        wait_for(lambda: health.call("Maintenance/Status", "StatusRequest", "StatusResponse").isLearner, "the learner")
        for call in (health.check, lambda: next(health.watch())):
            with self.assertRaises(grpc.RpcError) as refused:
                call()
            self.assertEqual(refused.exception.details(), "etcdserver: rpc not supported for learner")


if __name__ == "__main__":
    run()
