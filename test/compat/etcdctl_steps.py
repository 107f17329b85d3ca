# SPDX-License-Identifier: Apache-2.0
"""What etcdctl_test.py asks of both servers, in this order on one store each.

Ctl: one etcdctl call, compared by exit code, output and error text. {name} stands for what an
earlier step saved under that name. Follow: an etcdctl call that goes on (watch, elect), with the
calls that make it print so many lines.
"""

from dataclasses import dataclass, field


@dataclass
class Ctl:
    args: str
    stdin: str = ""
    save: str = ""  # keep the first lease or hexadecimal id of the output under this name


@dataclass
class Follow:
    args: str
    lines: int
    meanwhile: list = field(default_factory=list)


PUTS = [Ctl(f"put k{i} v{i}") for i in range(5)] + [
    Ctl("put dir/a 1"),
    Ctl("put dir/b 3"),
    Ctl("put dir/c 2"),
    Ctl("put dir/b 3b"),
    Ctl("put --prev-kv dir/b 3c"),
    Ctl("put --ignore-value dir/b"),
    Ctl("put --ignore-value missing"),
    Ctl("put --ignore-lease dir/b 3d"),
    Ctl("put --prev-kv fresh value"),
    Ctl("put fresh", stdin="from standard input\nsecond line\n"),
    Ctl("put -- --dashes value"),
    Ctl("put", stdin=""),
]

GETS = [
    Ctl(f"get {args}")
    for args in (
        "k1",
        "missing",
        "k1 k4",
        "k4 k1",
        "--prefix dir/",
        "--prefix ''",
        "--from-key k3",
        "--prefix --from-key k3",
        "--rev 3 --prefix k",
        "--rev 9 dir/b",
        "--rev 1000 k1",
        "--prefix --limit 2 dir/",
        "--prefix --limit 2 --sort-by VALUE dir/",
        "--prefix --sort-by VALUE --order DESCEND dir/",
        "--prefix --sort-by VERSION --order DESCEND dir/",
        "--prefix --sort-by CREATE --order DESCEND k",
        "--prefix --sort-by MODIFY dir/",
        "--prefix --sort-by KEY --order DESCEND k",
        "--prefix --order ASCEND k",
        "--prefix --sort-by NONSENSE k",
        "--prefix --keys-only dir/",
        "--prefix --print-value-only dir/",
        "--prefix --count-only -w fields dir/",
        "--consistency s k1",
        "--consistency x k1",
        "--hex k1",
        "-w json k1",
        "-w json --prefix --limit 1 dir/",
        "-w fields --prefix dir/",
    )
]

DELETES = [
    Ctl("del missing"),
    Ctl("del k0"),
    Ctl("del --prev-kv k1"),
    Ctl("del k2 k4"),
    Ctl("del --prefix --prev-kv dir/"),
    Ctl("del --from-key zzz"),
    Ctl("get --prefix '' -w json"),
]

TXNS = [
    Ctl("txn", stdin='mod("k4") > "0"\n\nput k4 then\nget k4\n\nput k4 else\n\n'),
    Ctl("txn", stdin='value("k4") = "other"\n\nput k4 then\n\nget k4\ndel k4 --prev-kv\n\n'),
    Ctl("txn", stdin='create("k4") = "0"\nver("k4") = "0"\n\n\n\nget k4\n'),
    Ctl("txn -w json", stdin="\nput t/1 a\nput t/2 b\nget t/ --prefix\n\n\n"),
    Ctl("txn", stdin="\nput t/1 a\nput t/1 b\n\n\n"),
]

WATCHES = [
    Follow("watch --rev 1 --prefix k", 33),
    Follow("watch --rev 8 --prefix --prev-kv dir/", 20),
    Follow("watch --rev {next} live", 3, [Ctl("put other x"), Ctl("put live 1")]),
    Follow("watch --rev {next} --prev-kv live", 10, [Ctl("put live 2"), Ctl("del live")]),
    Follow(
        "watch --rev {next} --prefix w/",
        9,
        [Ctl("txn", stdin="\nput w/1 a\nput w/2 b\nput v x\n\n\n"), Ctl("put w/1 c")],
    ),
    Follow("watch --rev {next} a z", 3, [Ctl("put zz x"), Ctl("put m x")]),
    Follow("watch --rev 2 -w json k0", 1),
]

LEASES = [
    Ctl("lease grant 600", save="first"),
    Ctl("lease grant 500", save="second"),
    Ctl("lease grant 0"),
    Ctl("lease grant 9000000001"),
    Ctl("put --lease {first} leased/a 1"),
    Ctl("put --lease {first} leased/b 1"),
    Ctl("put --lease {second} leased/c 1"),
    Ctl("put --lease {second} leased/b 2"),
    Ctl("put --lease 7fffffff nobody x"),
    Ctl("put --ignore-lease leased/a 2"),
    Ctl("get --prefix leased/ -w json"),
    Ctl("lease timetolive {first} --keys"),
    Ctl("lease timetolive {second} --keys"),
    Ctl("lease timetolive {second}"),
    Ctl("lease timetolive 7fffffff"),
    Ctl("lease keep-alive --once {first}"),
    Ctl("lease keep-alive --once 7fffffff"),
    Ctl("put leased/c detached"),
    Ctl("lease timetolive {second} --keys"),
    Follow("watch --rev {next} --prefix leased/", 3, [Ctl("lease revoke {first}")]),
    Ctl("lease revoke {first}"),
    Ctl("lease timetolive {first}"),
    Ctl("lease revoke {second}"),
    Ctl("get --prefix leased/ -w json"),
]

COMPACTION = [
    Ctl("compaction 5"),
    Ctl("compaction 5"),
    Ctl("compaction 4"),
    Ctl("compaction 100000"),
    Ctl("compaction --physical 12"),
    Ctl("get --rev 11 k4"),
    Ctl("get --rev 12 --prefix k"),
    Ctl("watch --rev 3 k4"),
    Follow("watch --rev 12 --prefix k", 3),
    Ctl("get --prefix '' -w json"),
]

MAINTENANCE = [
    Ctl("defrag"),
    Ctl("alarm list"),
    Ctl("alarm disarm"),
    Ctl("endpoint health"),
    Ctl("endpoint status"),
    Ctl("endpoint status -w json"),
    Ctl("endpoint hashkv -w fields"),
    Ctl("member list"),
    Ctl("member list -w json"),
    Ctl("move-leader 1"),
]

RECIPES = [
    Ctl("lock mutex echo locked"),
    Ctl("get --prefix mutex"),
    Follow("elect office me", 2, [Follow("elect --listen office", 2)]),
]

ALL = PUTS + GETS + DELETES + TXNS + WATCHES + LEASES + COMPACTION + MAINTENANCE + RECIPES
