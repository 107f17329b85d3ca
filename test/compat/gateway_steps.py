# SPDX-License-Identifier: Apache-2.0
"""Requests to the JSON gateway, as (path, body), in the order in which they are made of both servers.

Keys and values are written plain in KEY(...) form below and sent in base64.
"""

import base64
import json


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def put(key, value, **more):
    return "/v3/kv/put", {"key": b64(key), "value": b64(value), **more}


def get(key, **more):
    return "/v3/kv/range", {"key": b64(key), **more}


A, B, C = b64("a"), b64("b"), b64("c")

STEPS = [
    put("a", "1"),
    put("a", b"\x00\xff\xfe", prev_kv=True),
    put("b", "", prevKv=True),
    put("c", "x" * 1000),
    put("", "no key"),
    put("a", "v", ignore_value=True),
    put("nobody", "", ignore_value=True),
    put("a", "", lease="99"),
    put("a", "", ignore_lease=True, lease=99),
    get("a"),
    get("none"),
    get("a", range_end=b64("\0"), limit=2),
    get("a", rangeEnd=b64("\0"), limit="1", sort_order="DESCEND", sort_target="MOD"),
    get("a", range_end=b64("\0"), sort_order=2, sort_target=0),
    get("a", range_end=b64("\0"), count_only=True),
    get("a", range_end=b64("\0"), keys_only=True, min_mod_revision="4"),
    get("a", revision="2"),
    get("a", revision=99),
    get("a", serializable=True),
    ("/v3/kv/deleterange", {"key": B, "prev_kv": True}),
    ("/v3/kv/deleterange", {"key": B}),
    ("/v3/kv/deleterange", {}),
    ("/v3/kv/txn", {
        "compare": [{"key": A, "target": "VERSION", "result": "GREATER", "version": "0"},
                    {"key": B, "target": "CREATE", "create_revision": "0"},
                    {"key": A, "target": "VALUE", "result": "NOT_EQUAL", "value": A}],
        "success": [{"request_put": {"key": B, "value": A}},
                    {"request_range": {"key": B}},
                    {"request_delete_range": {"key": C, "prev_kv": True}},
                    {"request_txn": {"success": [{"requestRange": {"key": A}}]}}]}),
    ("/v3/kv/txn", {"compare": [{"key": A, "target": "MOD", "mod_revision": 1}],
                    "failure": [{"request_range": {"key": A}}]}),
    ("/v3/kv/txn", {}),
    ("/v3/kv/txn", {"success": [{}]}),
    ("/v3/kv/txn", {"success": [{"request_put": {"key": A}}, {"request_put": {"key": A}}]}),
    ("/v3/kv/txn", {"success": [{"request_range": {"key": A}}] * 129}),
    ("/v3/kv/compaction", {"revision": "3"}),
    ("/v3/kv/compaction", {"revision": 3}),
    ("/v3/kv/compaction", {"revision": "999"}),
    get("a", revision=2),
    ("/v3/lease/grant", {"TTL": "600", "ID": 77}),
    ("/v3/lease/grant", {"TTL": 600, "ID": "77"}),
    ("/v3/lease/grant", {"TTL": "9000000001"}),
    ("/v3/lease/grant", {"TTL": 600}),
    put("leased", "1", lease=77),
    ("/v3/lease/timetolive", {"ID": 77, "keys": True}),
    ("/v3/kv/lease/timetolive", {"ID": "78"}),
    ("/v3/lease/keepalive", {"ID": "77"}),
    ("/v3/lease/keepalive", [{"ID": 77}, {"ID": 78}]),
    ("/v3/lease/revoke", {"ID": "77"}),
    ("/v3/kv/lease/revoke", {"ID": "77"}),
    get("leased"),
    ("/v3/cluster/member/list", {}),
    ("/v3/maintenance/alarm", {}),
    ("/v3/maintenance/alarm", {"action": "GET", "alarm": "NOSPACE"}),
    ("/v3/maintenance/alarm", {"action": "ACTIVATE", "memberID": "5", "alarm": 1}),
    ("/v3/kv/put", {"key": A, "value": A}),
    ("/v3/maintenance/alarm", {"action": "DEACTIVATE", "memberID": "5", "alarm": "NOSPACE"}),
    ("/v3/maintenance/defragment", {}),
    ("/v3beta/kv/range", {"key": A}),
    ("/v3/lock/lock", {"name": b64("l"), "lease": "4711"}),
    ("/v3/lease/grant", {"TTL": "600", "ID": "4711"}),
    ("/v3/lease/grant", {"TTL": "600", "ID": "-31"}),
    ("/v3/lock/lock", {"name": b64("l"), "lease": "4711"}),
    ("/v3/lock/lock", {"name": b64("l"), "lease": "4711"}),
    ("/v3/lock/unlock", {"key": b64("l/1267")}),
    ("/v3/lock/unlock", {"key": b64("l/1267")}),
    ("/v3/lock/unlock", {}),
    ("/v3/lock/lock", {"name": b64("m"), "lease": "-31"}),
    ("/v3/election/leader", {"name": b64("e")}),
    ("/v3/election/campaign", {"name": b64("e"), "lease": "4711", "value": A}),
    ("/v3/election/campaign", {"name": b64("e"), "lease": "4711", "value": B}),
    ("/v3/election/leader", {"name": b64("e")}),
    ("/v3/election/proclaim", {}),
    ("/v3/election/proclaim", {"leader": {"name": b64("e"), "key": b64("e/1267"), "rev": "1",
                                          "lease": "4711"}, "value": C}),
    ("/v3/election/resign", {}),
    ("/v3/election/resign", {"leader": {"name": b64("e"), "key": b64("e/1267"), "rev": "1",
                                        "lease": "4711"}}),
    ("/v3/lease/leases", {}),
]

# Bodies as they are: what etcd says about each is a text of its decoder's, and that has changed
# between the versions, so status and code are compared.
ODD_BODIES = [
    "",
    "   ",
    "x",
    "{",
    '{"key"',
    "[]",
    "7",
    '"text"',
    '{"key":5}',
    '{"key":"*"}',
    '{"key":"YQ==","limit":"x"}',
    '{"key":"YQ==","limit":1.5}',
    '{"key":"YQ==","limit":99999999999999999999}',
    '{"key":"YQ==","serializable":"yes"}',
    '{"key":"YQ=="}{"key":"Yg=="}',
    '{"key":"YQ=="} and more',
    '{"key":"YQ==","unknown":{"deep":[1,2,{"x":null}]},"limit":null}',
    '\n\t {"key"\r\n:\t"YQ=="\n}',
    '{"k\\u0065y":"YQ=="}',
    '{"key":"YQ==",}',
    "{'key':'YQ=='}",
    '{"key":"YQ==","sort_order":"DESCEND"}',
]


def body_of(content):
    """A list becomes several messages."""
    if isinstance(content, list):
        return "\n".join(json.dumps(one) for one in content)
    return json.dumps(content)
