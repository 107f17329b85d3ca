#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the same JSON requests of Quorate's gateway and of etcd's, and compares status and body.

usage: gateway_test.py QUORATE [--etcd ETCD]

What etcd 3.4 has and later versions have not (the text twice in error bodies), and what only those
have, is taken out first; ids and sizes become words.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from typing import NamedTuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from clusters import Cluster, wait_for  # noqa: E402
from gateway_steps import ODD_BODIES, STEPS, b64, body_of, put  # noqa: E402
from member import Member, free_ports, require  # noqa: E402

TIMEOUT_S = 20
OPTIONS = None

RANDOM = re.compile(r'"(cluster_id|member_id|leader|raft_term|raftTerm)":"\d+"')
WORDS = [
    (re.compile(r'"(dbSize|dbSizeInUse|raftIndex|raftAppliedIndex|version)":"[^"]*"'), r'"\1":"W"'),
    (re.compile(r',"(storageVersion|dbSizeQuota)":"[^"]*"|,"downgradeInfo":\{[^}]*\}'), ""),
    (re.compile(r'("peerURLs"|"clientURLs"):\["[^"]*"\]'), r"\1:[URL]"),
    # A lease's id that the server chose.
    (re.compile(r'"ID":"\d{12,}"'), '"ID":"RANDOM"'),
]


class Place(NamedTuple):
    """Where to ask."""
    host: str
    port: int


def post(member, path, body, method="POST", headers=None):
    """HTTP status, headers and text of one request."""
    connection = http.client.HTTPConnection(member.host, member.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body.encode(), headers or {})
        answer = connection.getresponse()
        return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def comparable(path, text):
    """A body without what differs between any two servers."""
    text = RANDOM.sub(r'"\1":"ID"', text)
    for pattern, word in WORDS:
        text = pattern.sub(word, text)
    try:
        content = json.loads(text)
    except ValueError:
        return text
    if isinstance(content.get("error"), str):
        del content["error"]
    if "leases" in content:
        content["leases"] = sorted(content["leases"], key=json.dumps)
    if "grantedTTL" in content and int(content["grantedTTL"]) - int(content["TTL"]) < 10:
        content["TTL"] = "NEW"
    if path == "/v3/maintenance/alarm":
        content.pop("header", None)
    return content


def comparable_status(status):
    """Later versions of the gateway have another status for a failed precondition."""
    return 400 if status == 412 else status


class Stream:
    """A request whose answer goes on; lines as they come."""

    def __init__(self, member, path, body, headers=None):
        self.connection = http.client.HTTPConnection(member.host, member.port, timeout=TIMEOUT_S)
        self.connection.request("POST", path, body.encode(), headers or {})
        self.answer = self.connection.getresponse()

    def next(self):
        return json.loads(self.answer.readline())

    def close(self):
        # The answer holds the socket as well.
        self.answer.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class WebSocket:
    """A client's side, as much of it as these tests need."""

    MASK = b"\x01\x02\x03\x04"

    def __init__(self, member, path, **headers):
        self.socket = socket.create_connection((member.host, member.port), timeout=TIMEOUT_S)
        lines = [f"GET {path} HTTP/1.1", f"Host: {member.host}", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.input = self.socket.makefile("rb")
        self.status = int(self.input.readline().split()[1])
        self.headers = dict(iter(self.read_header, None))

    def read_header(self):
        line = self.input.readline().decode().strip()
        name, _, value = line.partition(": ")
        return (name.lower(), value) if line else None

    def send(self, content, opcode=1):
        text = content if isinstance(content, bytes) else body_of(content).encode()
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
        masked = bytes(byte ^ self.MASK[i % 4] for i, byte in enumerate(text))
        self.socket.sendall(bytes([0x80 | opcode]) + length + self.MASK + masked)

    def next(self):
        """Opcode and payload of the next message."""
        payload, opcode = b"", None
        while True:
            first, length = self.input.read(2)
            if length == 126:
                length = int.from_bytes(self.input.read(2), "big")
            elif length == 127:
                length = int.from_bytes(self.input.read(8), "big")
            payload += self.input.read(length)
            opcode = opcode or first & 0x0f
            if first & 0x80:
                return opcode, payload

    def answer(self):
        opcode, payload = self.next()
        assert opcode == 1, (opcode, payload)
        return json.loads(payload)

    def close(self):
        self.input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class GatewayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.quorate = Member(OPTIONS.quorate).__enter__()
        cls.addClassCleanup(cls.quorate.__exit__, None, None, None)

    def ask(self, path, content, member=None):
        status, _, text = post(member or self.quorate, path, body_of(content))
        return status, json.loads(text)

    def test_answers_are_those_of_etcd(self):
        require(OPTIONS.etcd)
        with Member(OPTIONS.etcd) as etcd, Member(OPTIONS.quorate) as quorate:
            for number, (path, content) in enumerate(STEPS):
                with self.subTest(number=number, path=path, content=content):
                    expected = post(etcd, path, body_of(content))
                    answered = post(quorate, path, body_of(content))
                    self.assertEqual(
                        (answered[0], comparable(path, answered[2])),
                        (comparable_status(expected[0]), comparable(path, expected[2])))
                    self.assertEqual(answered[1]["content-type"], expected[1]["content-type"])
            for body in ODD_BODIES:
                with self.subTest(body=body):
                    expected = post(etcd, "/v3/kv/range", body)
                    answered = post(quorate, "/v3/kv/range", body)
                    self.assertEqual(answered[0], expected[0])
                    self.assertEqual(json.loads(answered[2]).get("code"),
                                     json.loads(expected[2]).get("code"))

    def test_a_follower_answers_as_one_alone(self):
        """Much of it the leader has to answer, who is asked in the client's place."""
        with tempfile.TemporaryDirectory(prefix="quorate-gateway-") as folder, Member(OPTIONS.quorate) as alone, \
                Cluster(OPTIONS.quorate, folder) as cluster:
            cluster.start()
            follower = wait_for(lambda: next((one for one in cluster.members
                                              if "\netcd_server_is_leader 0" in one.metrics()), None), "a follower")
            follower = Place(follower.host, follower.client_port)
            for number, (path, content) in enumerate(STEPS):
                if path == "/v3/cluster/member/list":
                    continue  # there are three
                with self.subTest(number=number, path=path, content=content):
                    expected = post(alone, path, body_of(content))
                    answered = post(follower, path, body_of(content))
                    self.assertEqual((answered[0], comparable(path, answered[2])),
                                     (expected[0], comparable(path, expected[2])))

    def test_every_route_leads_to_a_method(self):
        for path in ROUTES:
            status, _, text = post(self.quorate, path, "[]")
            # The body is no object, so no method is called.
            self.assertEqual(status, 400, path)
            self.assertEqual(json.loads(text), {
                "code": 3, "message": "proto: syntax error (line 1:1): unexpected token ["}, path)
            status, _, text = post(self.quorate, path, "", method="GET")
            self.assertEqual(status, 501, path)
            self.assertEqual(json.loads(text), {"code": 12, "message": "Method Not Allowed"}, path)
        self.assertEqual(len(ROUTES), 51)
        for path in ("/v3/", "/v3/nothing", "/v3/kv/range/", "/v3beta/nothing"):
            status, _, text = post(self.quorate, path, "{}")
            self.assertEqual((status, json.loads(text)), (404, {"code": 5, "message": "Not Found"}))

    def test_a_watch_is_polled_as_patroni_does(self):
        start = int(self.ask(*put("w/0", "before"))[1]["header"]["revision"])
        create = {"create_request": {"key": b64("w/"), "range_end": b64("w0"),
                                     "start_revision": str(start), "progress_notify": True,
                                     "prev_kv": True}}
        with Stream(self.quorate, "/v3/watch", body_of(create)) as stream:
            self.assertEqual(stream.answer.status, 200)
            self.assertTrue(stream.next()["result"]["created"])
            self.assertEqual(stream.next()["result"]["events"][0]["kv"]["key"], b64("w/0"))
            for i in range(20):
                self.ask(*put("w/1", str(i)))
                event = stream.next()["result"]["events"][0]
                self.assertEqual(event["kv"]["value"], b64(str(i)))
                self.assertEqual("prev_kv" in event, i > 0)
            self.ask("/v3/kv/deleterange", {"key": b64("w/1")})
            event = stream.next()["result"]["events"][0]
            self.assertEqual((event["type"], event["kv"]["key"]), ("DELETE", b64("w/1")))
            self.wait_for(lambda: self.watchers() == 1)
        self.wait_for(lambda: self.watchers() == 0)

    def test_several_requests_on_one_watch(self):
        requests = [{"create_request": {"key": b64("m1"), "watch_id": "7"}},
                    {"create_request": {"key": b64("m2")}},
                    {"cancel_request": {"watch_id": 7}},
                    {"create_request": {"key": b64("m3"), "watch_id": -1, "start_revision": "-1"}}]
        with Stream(self.quorate, "/v3/watch", body_of(requests) + " and no JSON") as stream:
            self.assertEqual(stream.next()["result"]["watch_id"], "7")
            self.assertTrue(stream.next()["result"]["created"])
            self.assertTrue(stream.next()["result"]["canceled"])
            self.assertTrue(stream.next()["result"]["canceled"])
            self.ask(*put("m2", "x"))
            self.assertEqual(stream.next()["result"]["events"][0]["kv"]["key"], b64("m2"))
        status, _, text = post(self.quorate, "/v3/watch", '{"progress_request":{}}' * 1001)
        self.assertEqual(status, 400)
        self.assertIn("too many messages in one request", text)

    def test_a_compacted_watch_ends(self):
        for i in range(3):
            revision = self.ask(*put("cw", str(i)))[1]["header"]["revision"]
        self.ask("/v3/kv/compaction", {"revision": revision})
        create = {"create_request": {"key": b64("cw"), "start_revision": 1}}
        with Stream(self.quorate, "/v3/watch", body_of(create)) as stream:
            self.assertTrue(stream.next()["result"]["created"])
            result = stream.next()["result"]
            self.assertEqual((result["canceled"], result["compact_revision"]), (True, revision))

    def test_streams_that_fail_say_so_in_a_line(self):
        status, _, text = post(self.quorate, "/v3/watch", "x")
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(text)["code"], 3)

    def test_a_watch_over_a_websocket(self):
        with WebSocket(self.quorate, "/v3/watch", Sec_WebSocket_Protocol="Bearer, abc") as peer:
            self.assertEqual(peer.status, 101)
            self.assertEqual(peer.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.assertEqual(peer.headers["sec-websocket-protocol"], "Bearer")
            peer.send({"create_request": {"key": b64("ws")}})
            self.assertTrue(peer.answer()["result"]["created"])
            # Requests go on, which they can't in a body.
            peer.send({"create_request": {"key": b64("ws2")}})
            self.assertEqual(peer.answer()["result"]["watch_id"], "1")
            value = b64("v" * 200_000)
            self.ask("/v3/kv/put", {"key": b64("ws2"), "value": value})
            event = peer.answer()["result"]["events"][0]
            self.assertEqual((event["kv"]["key"], event["kv"]["value"]), (b64("ws2"), value))
            peer.send(b"still there?", opcode=9)
            self.assertEqual(peer.next(), (10, b"still there?"))
            peer.send({"cancel_request": {"watch_id": 1}})
            self.assertTrue(peer.answer()["result"]["canceled"])
            self.wait_for(lambda: self.watchers() == 1)
            peer.send(b"", opcode=8)
            self.assertEqual(peer.next()[0], 8)
        self.wait_for(lambda: self.watchers() == 0)

    def test_a_websocket_that_talks_nonsense_is_told_and_closed(self):
        with WebSocket(self.quorate, "/v3/watch") as peer:
            peer.send(b"no JSON")
            self.assertEqual(peer.answer()["error"]["code"], 3)
            self.assertEqual(peer.next(), (8, b"\x03\xe8"))
        with WebSocket(self.quorate, "/v3/watch") as peer:
            peer.socket.sendall(b"\x81\x01x")  # not masked
            self.assertEqual(peer.next(), (8, b"\x03\xea"))
        with WebSocket(self.quorate, "/v3/watch") as peer:
            peer.socket.sendall(b"\x81\xff" + (1 << 40).to_bytes(8, "big") + b"mask")
            self.assertEqual(peer.next(), (8, b"\x03\xf1"))
        for path, status in (("/v3/nothing", 404), ("/version", 200)):
            with WebSocket(self.quorate, path) as peer:
                self.assertEqual(peer.status, status)
        self.wait_for(lambda: self.watchers() == 0)

    def test_other_calls_over_a_websocket(self):
        with WebSocket(self.quorate, "/v3/kv/range") as peer:
            peer.send({"key": b64("ws none")})
            self.assertIn("header", peer.answer())
            self.assertEqual(peer.next()[0], 8)
        lease = self.ask("/v3/lease/grant", {"TTL": 600})[1]["ID"]
        with WebSocket(self.quorate, "/v3/lease/keepalive") as peer:
            for _ in range(3):
                peer.send({"ID": lease})
                self.assertEqual(peer.answer()["result"]["TTL"], "600")

    def test_a_lock_passes_on_when_its_holder_lets_go(self):
        key = self.ask("/v3/lock/lock", {"name": b64("pass")})[1]["key"]
        connection = http.client.HTTPConnection(self.quorate.host, self.quorate.port, timeout=TIMEOUT_S)
        connection.request("POST", "/v3/lock/lock", body_of({"name": b64("pass")}).encode())
        self.wait_for(lambda: self.count("pass/") == 2)
        self.assertEqual(self.ask("/v3/lock/unlock", {"key": key})[0], 200)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(json.loads(answer.read())["key"], key)
        connection.close()

    def test_a_waiter_that_goes_leaves_no_key(self):
        self.ask("/v3/lock/lock", {"name": b64("gone")})
        connection = http.client.HTTPConnection(self.quorate.host, self.quorate.port, timeout=TIMEOUT_S)
        connection.request("POST", "/v3/lock/lock", body_of({"name": b64("gone")}).encode())
        self.wait_for(lambda: self.count("gone/") == 2)
        connection.close()
        self.wait_for(lambda: self.count("gone/") == 1)

    def test_a_timeout_that_is_none_is_refused(self):
        for timeout in ("1x", "5", "S", "99999999999999999999S", "+-1S", "1.5S", "1 S"):
            for path, body in (("/v3/kv/range", "["), ("/v3/watch", "{}")):
                status, _, text = post(self.quorate, path, body, headers={"Grpc-Timeout": timeout})
                self.assertEqual((status, json.loads(text)),
                                 (400, {"code": 3, "message": "invalid grpc-timeout: " + timeout}))

    def test_a_timeout_limits_a_call(self):
        body = body_of({"key": b64("a")})
        late = {"code": 4, "message": "context deadline exceeded"}
        for timeout, expected in (("1n", 504), ("-1S", 504), ("9223372036854775807H", 504), ("0S", 200), ("", 200),
                                  ("+100S", 200), ("2562047H", 200), ("100M", 200)):
            status, _, text = post(self.quorate, "/v3/kv/range", body, headers={"Grpc-Timeout": timeout})
            self.assertEqual(status, expected, timeout)
            if status != 200:
                self.assertEqual(json.loads(text), late)

    def test_a_lock_that_is_not_had_in_time_leaves_no_key(self):
        self.ask("/v3/lock/lock", {"name": b64("timed")})
        for _ in range(2):
            status, _, text = post(self.quorate, "/v3/lock/lock", body_of({"name": b64("timed")}),
                                   headers={"Grpc-Timeout": "200m"})
            self.assertEqual((status, json.loads(text)["code"]), (504, 4))
        self.wait_for(lambda: self.count("timed/") == 1)

    def test_a_watch_ends_in_time(self):
        before = self.watchers()
        with Stream(self.quorate, "/v3/watch", body_of({"create_request": {"key": b64("timed-watch")}}),
                    {"Grpc-Timeout": "300000u"}) as watch:
            self.assertTrue(watch.next()["result"]["created"])
            self.assertEqual(watch.next(), {"error": {"code": 4, "message": "context deadline exceeded"}})
            self.assertEqual(watch.answer.read(), b"")
        self.wait_for(lambda: self.watchers() == before)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_a_timeout_counts_with_http2(self):
        for timeout, status in (("-1S", "504"), ("1x", "400"), ("10S", "200")):
            said = subprocess.run(
                ["curl", "-s", "-o", os.devnull, "-w", "%{http_version} %{http_code}", "--http2-prior-knowledge",
                 "-H", "Grpc-Timeout: " + timeout, "-d", "{}", self.quorate.endpoint + "/v3/maintenance/status"],
                capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
            self.assertEqual(said, "2 " + status)

    def test_large_values_and_many_keys(self):
        value = b64("v" * 1_000_000)
        self.assertEqual(self.ask("/v3/kv/put", {"key": b64("large"), "value": value})[0], 200)
        self.assertEqual(self.ask("/v3/kv/range", {"key": b64("large")})[1]["kvs"][0]["value"], value)
        status, body = self.ask("/v3/kv/put", {"key": b64("large"), "value": b64("v" * 1_572_860)})
        self.assertEqual((status, body["message"]), (400, "etcdserver: request is too large"))
        # Of what is larger still only the length is read.
        status, body = self.ask("/v3/kv/put", {"key": b64("large"), "value": b64("v" * 4_000_000)})
        self.assertEqual((status, body["code"]), (413, 8))
        self.assertRegex(body["message"], r"^received message larger than max \(\d+\)$")
        for i in range(300):
            self.ask(*put(f"many/{i:03}", "x"))
        kvs = self.ask("/v3/kv/range", {"key": b64("many/"), "range_end": b64("many0")})[1]["kvs"]
        self.assertEqual([kv["key"] for kv in kvs], [b64(f"many/{i:03}") for i in range(300)])

    def test_a_megabyte_of_nesting_is_refused(self):
        for body in ("[" * 1_000_000, '{"a":' * 200_000, '{"success":[{"request_txn":' * 30_000):
            self.assertEqual(post(self.quorate, "/v3/kv/txn", body)[0], 400)
        self.assertEqual(self.ask(*put("after", "x"))[0], 200)

    def count(self, prefix):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return int(self.ask("/v3/kv/range", {"key": b64(prefix), "range_end": b64(end),
                                             "count_only": True})[1].get("count", 0))

    def watchers(self):
        text = self.quorate.get("/metrics")[1]
        return int(float(re.search(r"(?m)^etcd_debugging_mvcc_watcher_total (\S+)$", text).group(1)))

    def wait_for(self, condition):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, "did not come about")


class AccessTest(unittest.TestCase):
    """Who may ask, and where."""

    def start(self, *args):
        member = Member(OPTIONS.quorate, args)
        member.__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        return member

    def test_cors(self):
        member = self.start()
        for method, path in (("POST", "/v3/kv/range"), ("GET", "/version"), ("GET", "/nowhere"),
                             ("OPTIONS", "/anything")):
            status, headers, text = post(member, path, "{}", method)
            self.assertEqual(headers["access-control-allow-origin"], "*")
            self.assertEqual(headers["access-control-allow-methods"], "POST, GET, OPTIONS, PUT, DELETE")
            self.assertEqual(headers["access-control-allow-headers"], "accept, content-type, authorization")
        self.assertEqual((status, text), (200, ""))

    def test_cors_for_some(self):
        member = self.start("--cors=https://a.example,https://b.example")
        for origin, allowed in (("https://b.example", True), ("https://c.example", False), ("", False)):
            _, headers, _ = post(member, "/version", "", "GET", {"Origin": origin})
            self.assertEqual(headers.get("access-control-allow-origin"), origin if allowed else None)

    def test_hosts(self):
        member = Member(OPTIONS.quorate)
        # With its own address, by which it is asked whether it is well.
        member.command.append(f"--host-whitelist=one.example,127.0.0.1,::1,{member.host}")
        member.__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        for host, status in (("one.example", 200), ("one.example:2379", 200), ("127.0.0.1:1", 200),
                             ("[::1]:2379", 200), ("two.example", 421), ("[::2]:2379", 421)):
            self.assertEqual(post(member, "/version", "", "GET", {"Host": host})[0], status, host)
        _, headers, text = post(member, "/v3/kv/range", "{}", "POST", {"Host": "evil.example:80"})
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertIn('"evil.example"', text)
        self.assertIn("--host-whitelist", text)

    def test_gateway_off(self):
        member = self.start("--enable-grpc-gateway=false")
        self.assertEqual(post(member, "/v3/kv/range", "{}")[0], 404)
        self.assertEqual(member.get("/version")[0], 200)

    def test_http_and_metrics_elsewhere(self):
        http_port, metrics_port = free_ports("127.0.0.9", 2)
        member = Member(OPTIONS.quorate, [f"--listen-client-http-urls=http://127.0.0.9:{http_port}",
                                          f"--listen-metrics-urls=http://127.0.0.9:{metrics_port}",
                                          "--host-whitelist=127.0.0.9"])
        grpc_host, grpc_port = member.host, member.port
        member.host, member.port, member.endpoint = "127.0.0.9", http_port, f"http://127.0.0.9:{http_port}"
        member.__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        self.assertEqual(post(member, "/v3/kv/put", body_of({"key": b64("a")}))[0], 200)
        member.port = metrics_port
        for path, status in (("/metrics", 200), ("/health", 200), ("/livez", 200), ("/readyz", 200),
                             ("/version", 404), ("/v3/kv/range", 404)):
            self.assertEqual(post(member, path, "", "GET", {"Host": "any"})[0], status, path)
        member.host, member.port = grpc_host, grpc_port
        with self.assertRaises((OSError, http.client.HTTPException)):
            post(member, "/version", "", "GET")


def read_routes():
    """The routes as the documentation of the interface lists them."""
    groups = {
        "kv": "range put deleterange txn compaction lease/revoke lease/timetolive lease/leases",
        "lease": "grant revoke keepalive timetolive leases",
        "cluster/member": "add remove update list promote",
        "maintenance": "alarm status defragment hash hashkv snapshot transfer-leadership downgrade",
        "auth": "enable disable status authenticate",
        "auth/user": "add get list delete changepw grant revoke",
        "auth/role": "add get list delete grant revoke",
        "lock": "lock unlock",
        "election": "campaign proclaim leader observe resign",
    }
    return ["/v3/watch"] + [f"/v3/{group}/{name}" for group, names in groups.items()
                            for name in names.split()]


ROUTES = read_routes()

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("quorate")
    parser.add_argument("--etcd", default="etcd")
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
