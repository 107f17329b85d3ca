# SPDX-License-Identifier: Apache-2.0
"""What ctl_test.py asks of quoratectl and of etcdctl: command lines in groups, each with what comes on
standard input. {lease}, {member} and {added} stand for ids that an earlier step has printed, {dir} for a folder
of the tool's own."""

from dataclasses import dataclass


@dataclass
class Step:
    args: str
    stdin: str = ""
    since: tuple = (3, 4)  # the etcdctl that prints it in this form
    keep: str = ""         # keep the first lease or member id of the output under this name
    stderr: bool = True    # the texts of errors are the same, too


NEW = (3, 7)
KEYS = ("k1", "k2", "k3", "dir/a", "dir/b", "dir/c")

PUTS = [Step(f"put {key} v{i}") for i, key in enumerate(KEYS)] + [
    Step("put k1 other --prev-kv"),
    Step("put k1 third --prev-kv -w json"),
    Step("put k1 fourth --prev-kv -w fields"),
    Step("put k1 fifth --prev-kv -w protobuf"),
    Step("put --ignore-value k2"),
    Step("put --ignore-value missing"),
    Step("put k3 --ignore-value extra"),
    Step("put piped", stdin="from standard input\nsecond line\n"),
    Step("put", stdin=""),
    Step("put -- -dashes -value"),
    Step("put '<a>&' 'x\u2028\"\\'"),
    Step("put k1 v --lease=zz", since=NEW, stderr=False),
    Step("put k1 v --lease=1234"),
    Step("put '' v"),
    Step("put k1 v --ignore-value"),
    Step("put k1 v --ignore-lease"),
    Step("put missing v --ignore-lease"),
    Step("put k1 a b"),
]

GET_ARGS = (
    "k1", "missing", "k1 k3", "--prefix dir/", "--prefix ''", "--from-key k3", "k1 --rev 3",
    "--prefix dir/ --limit 2", "--prefix dir/ --order DESCEND", "--prefix k --sort-by MODIFY",
    "--prefix k --sort-by VALUE --order descend", "--prefix k --keys-only", "--hex k1",
    "--print-value-only --prefix k", "--consistency s k1", "-- -dashes",
)
GETS = [Step(f"get {args}") for args in GET_ARGS] + [
    Step(f"get {args} -w {form}")
    for form in ("json", "fields", "protobuf")
    for args in ("k1", "missing", "--prefix dir/ --limit 2", "'<a>&'")
] + [
    Step("get --prefix k --count-only -w fields", since=NEW),
    Step("get --prefix k --min-mod-rev 3 --max-mod-rev 12 -w json", since=NEW),
    Step("get --prefix k --min-create-rev 3 -w json", since=NEW),
    Step("get --prefix k --stream -w json", since=NEW),
    Step("get k1 --rev 100000"),
    Step("get"),
    Step("get k1 k2 k3"),
    Step("get --prefix --from-key k"),
    Step("get k1 --order sideways"),
    Step("get k1 --sort-by size"),
    Step("get k1 --count-only", since=NEW),
    Step("get k1 -w table"),
    Step("get k1 --keys-only --count-only", since=NEW),
    Step("get k1 --nothing", stderr=False, since=NEW),
    Step("frobnicate", stderr=False),
    Step("get k1 -w yaml", stderr=False),
]

TXN = 'mod("k1") > "0"\nval("k2") = "v1"\n\nput t1 yes\nget k1\ndel t0\n\nput t1 no\n\n'
TXNS = [Step(f"txn -w {form}", stdin=TXN) for form in ("simple", "fields", "protobuf")] + [
    Step("txn -w json", stdin=TXN, since=NEW),
    Step("txn -i", stdin='create("nope") != "0"\n\nput a b\n\nget --prefix dir/\n\n'),
    Step("txn", stdin='version("k1") = "x"\n\n\n\n', since=NEW, stderr=False),
    Step("txn", stdin="nonsense\n\n\n\n"),
    Step("txn", stdin='\nput "a b" "c\\td"\nget "a b"\n\n\n'),
    Step("txn extra"),
]

DELETES = [
    Step("del t1 --prev-kv"),
    Step("del missing"),
    Step("del --prefix t --prev-kv -w json"),
    Step("del a b --range -w fields", since=NEW),
    Step("del -w protobuf k3"),
    Step("del"),
    Step("del a b c"),
    Step("del --prefix --from-key x"),
    Step("del --from-key zzz"),
]

LEASES = [
    Step("lease grant 3000", keep="lease"),
    Step("put leased x --lease={lease}"),
    Step("get leased -w json"),
    Step("get leased -w fields --hex", since=NEW),
    Step("lease timetolive {lease} --keys", since=NEW),
    Step("lease timetolive {lease} -w json", since=NEW),
    Step("lease timetolive {lease} --keys -w fields", since=NEW),
    Step("lease list"),
    Step("lease list -w json"),
    Step("lease list -w fields --hex", since=NEW),
    Step("lease keep-alive --once {lease}"),
    Step("lease keep-alive --once {lease} -w json"),
    Step("lease keep-alive --once {lease} -w fields"),
    Step("lease revoke {lease}"),
    Step("lease revoke {lease}"),
    Step("lease timetolive {lease}"),
    Step("lease timetolive {lease} -w json", since=NEW),
    Step("lease keep-alive {lease}"),
    Step("lease keep-alive --once {lease}"),
    Step("lease revoke xyz", since=NEW, stderr=False),
    Step("lease grant"),
    Step("lease grant -w json 4000", keep="lease"),
    Step("lease grant -w fields 4000"),
    Step("lease grant -w table 4000"),
]

CLUSTER = [
    Step("member list", keep="member"),
    Step("member list -w json"),
    Step("member list -w fields", since=NEW),
    Step("member list -w protobuf"),
    Step("member list -w json --hex", since=NEW),
    Step("member list -w table", since=NEW),
    Step("member list --consistency s", since=NEW),
    Step("member add"),
    Step("member add a http://x:1", since=NEW),
    Step("member add a"),
    Step("member remove xyz", since=NEW, stderr=False),
    Step("member remove 1234", since=NEW),
    Step("member update 1234 --peer-urls=http://x:1", since=NEW),
    Step("member promote 1234", since=NEW),
    Step("endpoint health", since=NEW),
    Step("endpoint health -w json"),
    Step("endpoint health -w table", since=NEW),
    Step("endpoint health -w fields", since=NEW),
    Step("endpoint health --cluster", since=NEW),
    Step("endpoint status", since=NEW),
    Step("endpoint status -w json", since=NEW),
    Step("endpoint status -w fields", since=NEW),
    Step("endpoint status -w table", since=NEW),
    Step("endpoint status -w protobuf"),
    Step("endpoint hashkv", since=NEW),
    Step("endpoint hashkv -w json", since=NEW),
    Step("endpoint hashkv -w table", since=NEW),
    Step("endpoint hashkv -w fields", since=NEW),
    Step("endpoint hashkv -w protobuf"),
    Step("endpoint hashkv --cluster", since=NEW),
    Step("endpoint health -w protobuf"),
    Step("endpoint status --cluster", since=NEW),
    Step("defrag --cluster", since=NEW),
    Step("endpoint hashkv --rev 100000", since=NEW),
    Step("alarm list"),
    Step("alarm list -w json"),
    Step("alarm list -w fields"),
    Step("alarm disarm"),
    Step("alarm disarm -w json"),
    Step("alarm list extra"),
    Step("defrag", since=NEW),
    Step("move-leader xyz", stderr=False),
    Step("move-leader {member}"),
    Step("move-leader 1234"),
    Step("compaction 4"),
    Step("compaction 4"),
    Step("compaction 100000"),
    Step("compaction --physical 8"),
    Step("compact 9"),
    Step("compaction x", stderr=False),
    Step("get k1 --rev 2"),
    Step("downgrade validate 3.6.0", since=NEW),
    Step("downgrade validate", since=NEW),
    Step("downgrade cancel", since=NEW),
    Step("downgrade validate 3.5.0", since=NEW),
    Step("downgrade validate 3.6.0 -w json", since=NEW),
    Step("downgrade enable", since=NEW),
    Step("downgrade enable nonsense", since=NEW),
    Step("snapshot save", since=NEW),
    Step("snapshot save {dir}/saved.db", since=NEW),
    Step("snapshot save {dir}/no/such/folder.db", since=NEW, stderr=False),
    Step("make-mirror"),
    Step("make-mirror a b"),
    Step("make-mirror 127.0.0.1:1 --dest-prefix a --no-dest-prefix"),
    Step("check perf --load=huge", stderr=False),
    Step("check datascale --load=huge", stderr=False),
]

# A learner that never starts comes and goes.
MEMBERS = [
    Step("member add l --learner --peer-urls=http://127.0.0.1:9", keep="added", since=NEW),
    Step("member list", since=NEW),
    Step("member list -w json", since=NEW),
    Step("member list -w json --hex", since=NEW),
    Step("member list -w fields", since=NEW),
    Step("member list -w table", since=NEW),
    Step("member add l --learner --peer-urls=http://127.0.0.1:9", since=NEW),
    Step("member add m --learner --peer-urls=http://127.0.0.1:10", since=NEW),
    Step("member add m --peer-urls=nonsense", stderr=False, since=NEW),
    Step("member promote {added}", since=NEW),
    Step("member update {added}", since=NEW),
    Step("member update {added} --peer-urls=http://127.0.0.1:11", since=NEW),
    Step("member update {added} --peer-urls=http://127.0.0.1:12,http://127.0.0.1:13 -w json", since=NEW),
    Step("member remove {added}", since=NEW),
    Step("member remove {added}", since=NEW),
    Step("member add l --learner --peer-urls=http://127.0.0.1:14 -w json", keep="added", since=NEW),
    Step("member remove {added} -w json", since=NEW),
    Step("member add l --learner --peer-urls=http://127.0.0.1:15 -w json --hex", keep="added", since=NEW),
    Step("member remove {added} -w json --hex", since=NEW),
    Step("member remove", since=NEW),
    Step("member promote", since=NEW),
]

# On a member with room for little.
FULL_QUOTA = "--quota-backend-bytes=65536"
FULL = [
    Step("put big", stdin="x" * 100_000),
    Step("put k v"),
    Step("alarm list", since=NEW),
    Step("alarm list -w json"),
    Step("alarm list -w fields"),
    Step("alarm list -w protobuf"),
    Step("endpoint health", since=NEW),
    Step("endpoint health -w json", since=NEW),
    Step("endpoint status -w fields", since=NEW),
    Step("del big"),
    Step("alarm disarm", since=NEW),
    Step("alarm list", since=NEW),
]

# Watches of the past, which end by being canceled: the keys before revision 8 are compacted.
WATCHES = [
    Step(f"watch k1 --rev 2 -w {form}", since=NEW) for form in ("simple", "json", "fields")
] + [
    Step("watch", since=NEW),
    Step("watch k1 --", since=NEW),
    Step("watch -i", stdin="nonsense\nwatch\n", since=NEW),
    Step("lock"),
    Step("elect"),
    Step("elect name"),
    Step("elect name value -l"),
    Step("lock name -- sh -c 'exit 7'", since=NEW),
    Step("lock name -- sh -c 'test -n \"$ETCD_LOCK_KEY\" && test $ETCD_LOCK_REV -gt 1'", since=NEW),
]

# Last on their server: the leader lowers the cluster's version at a time of its own, and from then on other texts
# are right.
DOWNGRADE = [
    Step("downgrade enable 3.6.0", since=NEW),
    Step("downgrade cancel", since=NEW),
]

AUTH = [
    Step("auth status", since=NEW),
    Step("auth enable"),
    Step("user add root:secret"),
    Step("user add alice:a --interactive=false"),
    Step("user add bob --interactive=false", stdin="bobs\n"),
    Step("user add carol --no-password"),
    Step("user add :x"),
    Step("user add dave --new-user-password=d"),
    Step("user add erin:e -w json", since=NEW),
    Step("user add"),
    Step("user get missing"),
    Step("user delete missing"),
    Step("user delete erin -w fields", since=NEW),
    Step("user passwd missing --interactive=false", stdin="x\n"),
    Step("user grant-role bob"),
    Step("user revoke-role bob missing"),
    Step("auth status -w json", since=NEW),
    Step("auth status -w fields", since=NEW),
    Step("user add root:secret"),
    Step("role add readers"),
    Step("role add readers"),
    Step("role grant-permission readers read dir/ --prefix"),
    Step("role grant-permission readers readwrite key"),
    Step("role grant-permission readers write a b"),
    Step("role grant-permission readers write '' --from-key"),
    Step("role grant-permission readers sideways key", stderr=False),
    Step("role grant-permission readers read key --prefix --from-key"),
    Step("role get readers"),
    Step("role get readers -w json"),
    Step("role get readers -w fields"),
    Step("role get missing"),
    Step("role list"),
    Step("role list -w json"),
    Step("role list -w fields"),
    Step("user grant-role alice readers"),
    Step("user grant-role alice missing"),
    Step("user get alice"),
    Step("user get alice --detail"),
    Step("user get alice -w json"),
    Step("user get alice -w fields"),
    Step("user list"),
    Step("user list -w json"),
    Step("user passwd bob --interactive=false", stdin="new\n"),
    Step("role revoke-permission readers key"),
    Step("role revoke-permission readers a b"),
    Step("role revoke-permission readers nothing"),
    Step("role revoke-permission readers dir/ --prefix"),
    Step("role revoke-permission readers '' --from-key"),
    Step("role revoke-permission readers"),
    Step("role grant-permission readers read dir/ --prefix -w json", since=NEW),
    Step("role grant-permission readers"),
    Step("role add"),
    Step("role delete missing"),
    Step("role list extra"),
    Step("auth enable"),
    Step("get dir/a"),
    Step("get dir/a --user alice:wrong"),
    Step("get dir/a --user alice:a"),
    Step("put dir/a x --user alice:a"),
    Step("get zz --user alice --password a"),
    Step("user list --user alice:a"),
    Step("user revoke-role alice readers --user root:secret"),
    Step("get dir/a --user alice:a"),
    Step("endpoint health --user alice:a", since=NEW),
    Step("user delete carol --user root:secret"),
    Step("role delete readers --user root:secret"),
    Step("auth disable --user root:secret"),
    Step("auth disable"),
    Step("get dir/a --user alice:a"),
]
