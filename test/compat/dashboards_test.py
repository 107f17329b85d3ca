#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Dashboards and alerting rules, ours and those of etcd's mixin, name only series and labels that the
members of a running cluster have.

usage: dashboards_test.py QUORATE
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from clusters import Cluster, wait_for  # noqa: E402

BINARY = None
GRAFANA = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "grafana"

# What Prometheus itself adds to every series.
SCRAPED_LABELS = {"job", "instance", "le"}
KEYWORDS = {"and", "or", "unless", "bool", "by", "without", "on", "ignoring", "group_left",
            "group_right", "offset", "inf", "nan"}

# The series that dashboard and alerts of etcd's mixin ask for, with the labels that they select by.
MIXIN = {
    "etcd_disk_backend_commit_duration_seconds_bucket": {"le"},
    "etcd_disk_wal_fsync_duration_seconds_bucket": {"le"},
    "etcd_mvcc_db_total_size_in_bytes": set(),
    "etcd_mvcc_db_total_size_in_use_in_bytes": set(),
    "etcd_network_client_grpc_received_bytes_total": set(),
    "etcd_network_client_grpc_sent_bytes_total": set(),
    "etcd_network_peer_received_bytes_total": set(),
    "etcd_network_peer_sent_bytes_total": set(),
    "etcd_network_peer_round_trip_time_seconds_bucket": {"To", "le"},
    "etcd_network_peer_sent_failures_total": {"To"},
    "etcd_server_has_leader": set(),
    "etcd_server_leader_changes_seen_total": set(),
    "etcd_server_proposals_failed_total": set(),
    "etcd_server_quota_backend_bytes": set(),
    "grpc_server_handled_total": {"grpc_service", "grpc_method", "grpc_type", "grpc_code"},
    "grpc_server_handling_seconds_bucket": {"grpc_service", "grpc_method", "grpc_type", "le"},
    "grpc_server_started_total": {"grpc_service", "grpc_method", "grpc_type"},
    "process_resident_memory_bytes": set(),
}


def references(expression):
    """The series that a PromQL expression names, each with the labels it selects them by."""
    labels_of = []

    def matchers(match):
        labels_of.append(set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)', re.sub(r'"[^"]*"', '""',
                                                                          match.group(0)))))
        return f" @{len(labels_of) - 1} "

    text = re.sub(r'\{(?:[^{}"]|"[^"]*")*\}', matchers, expression)
    text = re.sub(r'\[[^\]]*\]', " ", text)
    text = re.sub(r'"[^"]*"', " ", text)
    text = re.sub(r'\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)', " ", text)
    found = []
    for match in re.finditer(r'(?<![\w.$@])([a-zA-Z_:][\w:]*)(?!\w)\s*(\(|@(\d+))?', text):
        name, following, matcher = match.groups()
        if following == "(" or name in KEYWORDS:
            continue
        found.append((name, labels_of[int(matcher)] if matcher else set()))
    return found


def series_of(text):
    """Label names of each series in Prometheus' text format: of all that share its name."""
    found = {}
    for line in text.splitlines():
        match = re.match(r'([a-zA-Z_:][\w:]*)(\{.*\})? ', line)
        if match:
            labels = set(re.findall(r'(\w+)="', match.group(2) or ""))
            found.setdefault(match.group(1), set()).update(labels)
    return found


def dashboard_expressions():
    dashboard = json.loads((GRAFANA / "quorate-dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series = re.fullmatch(r'label_values\((\w+), \w+\)', variable["query"]["query"])
            yield variable["name"], series.group(1)


def alert_expressions():
    text = (GRAFANA / "quorate-alerts.yml").read_text(encoding="utf-8")
    alerts = re.findall(r'^ *- alert: (\w+)\n *expr: (.+)$', text, re.M)
    assert len(alerts) == text.count("- alert:"), "each rule has its expr, in one line, right behind its name"
    yield from alerts


class ParserTest(unittest.TestCase):
    def test_finds_names_and_labels(self):
        self.assertEqual(
            references('100 * sum by (a, le) (rate(x_total{b=~"c|{d}", e!=""}[5m])) / on (job) y > bool 1e3'),
            [("x_total", {"b", "e"}), ("y", set())])
        self.assertEqual(references('max without (endpoint) (up == 0) and z offset 5m'),
                         [("up", set()), ("z", set())])


class DashboardsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="quorate-dashboards-")
        cls.cluster = Cluster(BINARY, cls.folder.name, extra_args=["--metrics=extensive"])
        cls.cluster.start()
        # A call, so that there are series of calls.
        member = cls.cluster.members[0]
        subprocess.run(["etcdctl", f"--endpoints={member.endpoint}", "put", "k", "v"], check=True,
                       env={**os.environ, "ETCDCTL_API": "3"}, stdout=subprocess.DEVNULL, timeout=60)
        cls.series = wait_for(lambda: cls.scrape(member), "series of a call")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.__exit__()
        cls.folder.cleanup()

    @staticmethod
    def scrape(member):
        with urllib.request.urlopen(f"http://{member.endpoint}/metrics", timeout=30) as answer:
            found = series_of(answer.read().decode())
        return found if "grpc_server_handled_total" in found else None

    def check(self, where, name, labels):
        self.assertIn(name, self.series, where)
        unknown = labels - self.series[name] - SCRAPED_LABELS
        self.assertFalse(unknown, f"{where}: {name} has no label {unknown}")

    def test_our_dashboard(self):
        count = 0
        for title, expression in dashboard_expressions():
            for name, labels in references(expression):
                self.check(f"panel {title}", name, labels)
                count += 1
        self.assertGreater(count, 50)

    def test_our_alerts(self):
        for alert, expression in alert_expressions():
            found = references(expression)
            self.assertTrue(found, alert)
            for name, labels in found:
                self.check(f"alert {alert}", name, labels)

    def test_etcds_mixin(self):
        for name, labels in MIXIN.items():
            self.check("etcd's mixin", name, labels)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_takes_the_rules(self):
        subprocess.run(["promtool", "check", "rules", GRAFANA / "quorate-alerts.yml"], check=True,
                       stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    if not shutil.which("etcdctl"):
        print("skipped: etcdctl is not installed")
        sys.exit(77)
    unittest.main()
