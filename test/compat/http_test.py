#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks for the plain HTTP pages that monitors and load balancers ask for.

usage: http_test.py QUORATE
"""

import json
import re
import resource
import sys
import time
import unittest
import urllib.error
import urllib.request

from member import Member, free_ports

BINARY = None

# What the dashboards and alerts made for etcd read.
METRICS = [
    "etcd_server_has_leader",
    "etcd_server_leader_changes_seen_total",
    "etcd_server_proposals_failed_total",
    "etcd_server_proposals_pending",
    "etcd_server_proposals_committed_total",
    "etcd_server_proposals_applied_total",
    "etcd_server_quota_backend_bytes",
    "etcd_mvcc_db_total_size_in_bytes",
    "etcd_mvcc_db_total_size_in_use_in_bytes",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "etcd_disk_backend_commit_duration_seconds_bucket",
    "etcd_network_client_grpc_received_bytes_total",
    "etcd_network_client_grpc_sent_bytes_total",
    "etcd_debugging_mvcc_keys_total",
    "etcd_debugging_mvcc_watcher_total",
    "etcd_debugging_mvcc_watch_stream_total",
    "etcd_debugging_mvcc_slow_watcher_total",
    "etcd_debugging_mvcc_events_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_network_receive_bytes_total",
    "process_network_transmit_bytes_total",
]

METRIC_LINE = re.compile(
    r"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"]*\""
    r"(,[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"]*\")*\})? [-+0-9.eEInfNa]+$")


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.member = Member(BINARY).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.member.__exit__(None, None, None)

    def post(self, path, body):
        request = urllib.request.Request(self.member.endpoint + path, data=body.encode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_health(self):
        for query in ("", "?serializable=true", "?exclude=NOSPACE", "?exclude=NOSPACE&exclude=CORRUPT"):
            status, body = self.member.get("/health" + query)
            self.assertEqual(status, 200)
            self.assertEqual(body, '{"health":"true","reason":""}')
        # JSON that etcd calls text.
        self.assertEqual(self.ask(self.member.endpoint, "GET", "/health")[1]["Content-Type"],
                         "text/plain; charset=utf-8")
        self.assertEqual(self.post("/health", "")[0], 405)

    def test_version(self):
        status, body = self.member.get("/version")
        self.assertEqual(status, 200)
        versions = json.loads(body)
        self.assertRegex(versions["etcdserver"], r"^3\.7\.\d+$")
        self.assertRegex(versions["etcdcluster"], r"^(3\.7\.0|not_decided)$")
        self.assertEqual(self.post("/version", "")[0], 405)

    def test_livez_and_readyz(self):
        checks = {
            "livez": {"serializable_read"},
            "readyz": {"data_corruption", "serializable_read", "linearizable_read", "non_learner"},
        }
        for page, names in checks.items():
            self.assertEqual(self.member.get(f"/{page}"), (200, "ok\n"))
            status, body = self.member.get(f"/{page}?verbose")
            self.assertEqual(status, 200)
            lines = body.splitlines()
            self.assertEqual(set(lines[:-1]), {f"[+]{name} ok" for name in names})
            for name in names:
                self.assertEqual(self.member.get(f"/{page}/{name}"), (200, "ok\n"))
            self.assertEqual(self.member.get(f"/{page}?exclude=serializable_read"), (200, "ok\n"))
            self.assertEqual(self.post(f"/{page}", "")[0], 405)
            for sub_page in ("", "nothing"):
                self.assertEqual(self.member.get(f"/{page}/{sub_page}"), (404, "404 page not found\n"))

    def ask_peer(self, method, path):
        return self.ask(self.member.peer_url, method, path)

    @staticmethod
    def ask(address, method, path):
        request = urllib.request.Request(address + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def test_pages_of_the_peer_port(self):
        status, headers, body = self.ask_peer("GET", "/members")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertRegex(headers["X-Etcd-Cluster-ID"], "^[0-9a-f]+$")
        member, = json.loads(body)
        self.assertEqual(member, {"id": member["id"], "name": "t", "peerURLs": [self.member.peer_url],
                                  "clientURLs": [self.member.endpoint]})
        self.assertEqual(self.ask_peer("GET", "/version?x")[::2], self.member.get("/version"))
        for path in ("/members", "/version"):
            for method in ("POST", "PUT", "OPTIONS", "HEAD"):
                status, headers, body = self.ask_peer(method, path)
                self.assertEqual((status, headers["Allow"], body),
                                 (405, "GET", "" if method == "HEAD" else "Method Not Allowed\n"))
        for path in ("/", "/members/", "/health", "/metrics", "/v3/kv/range"):
            self.assertEqual(self.ask_peer("GET", path)[::2], (404, "404 page not found\n"))

    def test_metrics(self):
        status, body = self.member.get("/metrics")
        self.assertEqual(status, 200)
        names = set()
        for line in body.splitlines():
            if not line.startswith("#"):
                self.assertRegex(line, METRIC_LINE)
                names.add(re.split(r"[{ ]", line)[0])
        self.assertEqual([name for name in METRICS if name not in names], [])
        self.assertEqual(self.ask(self.member.endpoint, "GET", "/metrics")[1]["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
        self.assertRegex(body, r"(?m)^etcd_server_has_leader 1$")
        # In etcd's words, which are those of a limit there is none of.
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        limit = r"1\.8446744073709552e\+19" if soft == resource.RLIM_INFINITY else r"\S+"
        self.assertRegex(body, rf"(?m)^process_virtual_memory_max_bytes {limit}$")

    def test_metrics_are_for_every_method(self):
        metrics_url = f"http://{self.member.host}:{free_ports(self.member.host, 1)[0]}"
        with Member(BINARY, ["--listen-metrics-urls", metrics_url]) as member:
            # Browsers ask the port for clients with OPTIONS whether they may ask.
            for address, asks_first in ((member.endpoint, True), (metrics_url, False)):
                for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "HEAD", "OPTIONS", "NONE"):
                    status, _, body = self.ask(address, method, "/metrics")
                    self.assertEqual((status, "etcd_server_has_leader 1" in body),
                                     (200, method != "HEAD" and not (asks_first and method == "OPTIONS")), method)
                self.assertEqual(self.ask(address, "POST", "/health")[0], 405)

    def test_bytes_of_the_network_are_those_of_the_system(self):
        def counted(page, name):
            return float(re.search(rf"(?m)^process_network_{name}_bytes_total (\S+)$", page)[1])

        def system(column):
            with open("/proc/self/net/netstat", encoding="ascii") as table:
                names, values = [line.split() for line in table if line.startswith("IpExt:")]
            return int(values[names.index(column)])

        for name, column in (("receive", "InOctets"), ("transmit", "OutOctets")):
            before = system(column)
            now = counted(self.member.get("/metrics")[1], name)
            self.assertTrue(before <= now <= system(column), (before, now))

    def test_metrics_of_requests(self):
        with Member(BINARY, ["--metrics=extensive", "--warning-unary-request-duration=1ns"]) as member:
            body = b'{"key":"YQ==","value":"c2VjcmV0"}'
            request = urllib.request.Request(member.endpoint + "/v3/kv/put", data=body,
                                             headers={"Grpc-Metadata-client-api-version": "3.7.1"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.assertEqual(answer.status, 200)
            metrics = member.get("/metrics")[1]
            for line in (
                    r'grpc_server_handling_seconds_count\{grpc_method="Put",grpc_service="etcdserverpb.KV",'
                    r'grpc_type="unary"\} 1',
                    r'etcd_server_client_requests_total\{client_api_version="3.7.1",type="unary"\} 1',
                    r'etcd_server_request_duration_seconds_count\{success="true",type="Put"\} 1',
                    r'etcd_server_apply_duration_seconds_count\{op="Put",success="true",version="v3"\} 1',
                    r'etcd_debugging_mvcc_total_put_size_in_bytes 7',
                    r'etcd_cluster_version\{cluster_version="3.7"\} 1',
                    r'etcd_network_known_peers\{Local="(\w+)",Remote="\1"\} 1',
                    r'etcd_server_feature_enabled\{name="AllAlpha",stage="ALPHA"\} 0',
                    r'etcd_server_feature_enabled\{name="FastLeaseKeepAlive",stage="BETA"\} 1'):
                self.assertRegex(metrics, f"(?m)^{line}$")
            lines = [json.loads(line) for line in member.log().splitlines() if '"request stats"' in line]
            told = next(line for line in lines if line["response type"] == "/etcdserverpb.KV/Put")
            self.assertEqual((told["level"], told["request content"], told["request count"], told["request size"]),
                             ("warn", 'key:"a" value_size:6', 1, 11))
            self.assertNotIn("secret", member.log())
            self.assertRegex(told["remote"], r"^127\.0\.0\.\d+:\d+$")

    def test_a_value_that_a_put_keeps_counts(self):
        def size():
            page = self.member.get("/metrics")[1]
            return float(re.search(r"(?m)^etcd_debugging_mvcc_total_put_size_in_bytes (\S+)$", page)[1])

        keeping = '{"key":"a2VwdA==","ignore_value":true}'
        self.assertEqual(self.post("/v3/kv/put", '{"key":"a2VwdA==","value":"c2VjcmV0"}')[0], 200)
        for path, body in (("put", keeping), ("txn", f'{{"success":[{{"request_put":{keeping}}}]}}')):
            before = size()
            self.assertEqual(self.post("/v3/kv/" + path, body)[0], 200)
            self.assertEqual(size() - before, len("kept") + len("secret"))

    def test_ranges_of_transactions_count(self):
        def ranges():
            return float(re.search(r"(?m)^etcd_mvcc_range_total (\S+)$", self.member.get("/metrics")[1])[1])

        operation, put = '{"request_range":{"key":"YQ=="}}', '{"request_put":{"key":"cmFuZ2Vz"}}'
        for body, expected in ((f'{{"success":[{operation},{operation}]}}', 2),
                               (f'{{"success":[{operation},{put}],"failure":[{operation}]}}', 1)):
            before = ranges()
            self.assertEqual(self.post("/v3/kv/txn", body)[0], 200)
            self.assertEqual(ranges() - before, expected)

    def test_space_that_runs_out_is_told_of_in_time(self):
        with Member(BINARY, ["--quota-backend-bytes=100000"]) as member:
            def put():
                request = urllib.request.Request(
                    member.endpoint + "/v3/kv/put",
                    data=b'{"key":"YQ==","value":"' + b"YWFh" * 300 + b'"}')
                with urllib.request.urlopen(request, timeout=10):
                    pass

            def used():
                found = re.search(r"^etcd_mvcc_db_total_size_in_use_in_bytes (\S+)$",
                                  member.get("/metrics")[1], re.MULTILINE)
                return float(found[1])

            while used() < 82000:
                put()
            deadline = time.monotonic() + 30
            while '"used-percent":8' not in member.log():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            self.assertEqual(member.get("/health")[0], 200)

    def test_variables(self):
        status, body = self.member.get("/debug/vars")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body)["raft.status"]["raftState"], "StateLeader")

    def test_unknown_pages(self):
        self.assertEqual(self.member.get("/nowhere")[0], 404)

    def test_pages_of_errors_are_not_for_sniffing(self):
        """Neither on the port for clients nor on the one for members; most answers and the gateway's say nothing."""
        for method, path, status, sniffing in (
                ("GET", "/nowhere", 404, "nosniff"), ("GET", "/livez/nothing", 404, "nosniff"),
                ("POST", "/health", 405, "nosniff"), ("GET", "/health", 200, None), ("GET", "/version", 200, None),
                ("GET", "/livez", 200, "nosniff"), ("GET", "/readyz", 200, "nosniff"),
                ("POST", "/v3/nowhere", 404, None), ("GET", "/v3/kv/range", 501, None)):
            answer = self.ask(self.member.endpoint, method, path)
            self.assertEqual((answer[0], answer[1]["X-Content-Type-Options"]), (status, sniffing), path)
        for method, path, status, sniffing in (("GET", "/nowhere", 404, "nosniff"), ("POST", "/members", 405, "nosniff"),
                                               ("GET", "/members", 200, None)):
            answer = self.ask(self.member.peer_url, method, path)
            self.assertEqual((answer[0], answer[1]["X-Content-Type-Options"]), (status, sniffing), path)

    def test_health_that_is_lost_is_not_for_sniffing(self):
        with Member(BINARY) as member:
            alarm = urllib.request.Request(member.endpoint + "/v3/maintenance/alarm",
                                           data=b'{"action":"ACTIVATE","alarm":"CORRUPT"}')
            with urllib.request.urlopen(alarm, timeout=10):
                pass
            for path in ("/health", "/readyz"):
                answer = self.ask(member.endpoint, "GET", path)
                self.assertEqual((answer[0], answer[1]["X-Content-Type-Options"], answer[1]["Content-Type"]),
                                 (503, "nosniff", "text/plain; charset=utf-8"))
            self.assertEqual(member.get("/health")[1], '{"health":"false","reason":"ALARM CORRUPT"}\n')


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
