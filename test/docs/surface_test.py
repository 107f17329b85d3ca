#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds packaging/doc/surface.md to the program: nothing of etcd's interface may be missing without a reason.

surface_test.py <project folder> <quorate>
"""

import json
import pathlib
import sys
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(sys.argv[1]).resolve()
PROGRAM = str(pathlib.Path(sys.argv[2]).resolve())
sys.path.insert(0, str(ROOT / "packaging" / "doc"))

import surface  # noqa: E402
from surface import etcd  # noqa: E402


class SurfaceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.facts = surface.Facts(PROGRAM)

    def test_nothing_is_missing(self):
        for title, _, rows in surface.SECTIONS:
            self.assertEqual([name for name, state in rows(self.facts) if state is None], [], title)

    def test_no_reason_is_left_over(self):
        for rows, reasons in ((surface.method_rows, etcd.NO_METHOD), (surface.page_rows, etcd.NO_PAGE),
                              (surface.peer_page_rows, etcd.NO_PEER_PAGE), (surface.command_rows, etcd.NO_COMMAND),
                              (surface.metric_rows, etcd.NO_METRIC)):
            used = {surface.reason_for(name, reasons)
                    for name, state in rows(self.facts) if state and state.startswith("no: ")}
            self.assertEqual(set(reasons.values()) - used, set())

    def test_the_page_is_what_the_program_says(self):
        written = (ROOT / "packaging" / "doc" / "surface.md").read_text(encoding="utf-8")
        self.assertEqual(written, surface.page(self.facts),
                         "run packaging/doc/surface.py build/quorate packaging/doc/surface.md")

    def test_answers_are_what_the_page_says(self):
        kept, invalid = "Ym9i", {"code": 3, "message": "etcdserver: invalid auth management"}
        with surface.Member(PROGRAM, ["--bcrypt-cost=4"]) as member:
            def ask(path, token=None, **fields):
                request = urllib.request.Request(member.endpoint + "/v3/" + path, data=json.dumps(fields).encode(),
                                                 headers={"Authorization": token} if token else {})
                try:
                    with urllib.request.urlopen(request, timeout=10) as answer:
                        return json.load(answer)
                except urllib.error.HTTPError as error:
                    return json.load(error)

            for _ in range(4):
                ask("kv/put", key=kept, value=kept)
            for revision in (2, 4):
                ask("kv/compaction", revision=revision, physical=True)
            said = {"HashKV at the revision of a compaction": (
                ask("maintenance/hashkv", revision=4).get("compact_revision"),
                ask("maintenance/hashkv", revision=2).get("message"),
            ) == ("4", "etcdserver: mvcc: required revision has been compacted")}
            own = ask("maintenance/status")["header"]["member_id"]
            said["MemberUpdate with a URL that is none"] = ask(
                "cluster/member/update", ID=own, peerURLs=["no url"]).get("code") == 3
            said["Alarm with an unknown action"] = list(ask("maintenance/alarm", action=9)) == ["header"]
            ask("auth/role/add", name="root")
            said["RoleGrantPermission of an unknown type"] = ask(
                "auth/role/grant", name="root", perm={"permType": 7, "key": kept}) == invalid
            said["UserAdd with a hashedPassword that is no base64"] = ask(
                "auth/user/add", name="x", hashedPassword="!!").get("code") == 3
            ask("auth/user/add", name="root", password="r")
            ask("auth/user/grant", user="root", role="root")
            ask("auth/enable")
            said["Txn without any operation, without a login"] = ask("kv/txn").get(
                "message") == "etcdserver: user name is empty"
            said["AuthStatus with a token that does not hold"] = ask("auth/status", token="none.1").get("enabled")
            figures = urllib.request.Request(member.endpoint + "/metrics", headers={
                "Accept-Encoding": "gzip", "Accept": "application/vnd.google.protobuf"})
            with urllib.request.urlopen(figures, timeout=10) as answer:
                said["/metrics for who takes gzip or protobuf"] = (
                    answer.headers["Content-Encoding"] is None and answer.read(6) == b"# HELP")
        self.assertEqual(said, dict.fromkeys(etcd.ANSWERS, True))

    def test_no_metric_is_made_up(self):
        self.assertEqual([name for name in self.facts.metrics if name.startswith("go_")], [])

    def test_the_lists_are_etcds(self):
        methods = sum(len(names.split()) for names in etcd.METHODS.values())
        self.assertEqual((methods, len(etcd.ROUTES), len(etcd.GATES)), (52, 51, 9))
        names = [one.split(":")[0] for one in etcd.METRICS]
        self.assertEqual(len([name for name in names if name.startswith(("etcd_", "os_"))]), 111)
        for one in (names, etcd.FLAGS, etcd.ROUTES):
            self.assertEqual(len(set(one)), len(one))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
