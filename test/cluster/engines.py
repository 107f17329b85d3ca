# SPDX-License-Identifier: Apache-2.0
"""Members of one cluster on different storage engines."""

import os

from clusters import wait_for
from context import Skipped, check
from faults import SHORT_LOG
from load import all_changes

ENGINES = ("leveldb", "lmdb", "rocksdb", "wiredtiger")


def built_engines(binary):
    plugins = os.path.join(os.path.dirname(binary), "plugins")
    return [name for name in ENGINES if os.path.exists(os.path.join(plugins, f"storage_{name}.so"))]


class Compactions:
    """Compacts under load, and compares what the members then have. What a compaction takes away is
    read before, so that in the end the whole history is there to be judged."""

    def __init__(self, context, cluster):
        self.context = context
        self.cluster = cluster
        self.events = []
        self.compacted = 0
        self.hashes = []

    def compact(self):
        leader = self.context.leader(self.cluster)
        seen = all_changes(leader.endpoint, self.context.protos, self.compacted + 1)
        self.events += seen
        self.compacted = seen[-1][0]
        with self.context.client(leader) as client:
            client.compact(revision=self.compacted, physical=True, timeout_s=30)

    def compare(self):
        """All members: the same hash of what the last compaction left, and of what came since."""
        newest = self.context.status(self.context.leader(self.cluster)).header.revision
        answers = [self.hashes_of(member, newest) for member in self.cluster.members]
        check(len(set(answers)) == 1,
              f"compacted at {self.compacted}, hashes there and at {newest}: {answers}")
        self.hashes.append(answers[0])

    def hashes_of(self, member, newest):
        with self.context.client(member) as client:
            def compacted_and_caught_up():
                answer = client.hash_kv(revision=newest)
                return answer if answer.compact_revision == self.compacted else None

            later = wait_for(compacted_and_caught_up, f"{member.name} is as far as the others")
            return client.hash_kv(revision=self.compacted).hash, later.hash


def test_mixed_engines(context):
    """Three members on three engines: each is killed and rebuilt from another engine's snapshot, then
    all crash; their hashes are the same at every compaction."""
    engines = built_engines(context.binary)
    if len(engines) < 3:
        raise Skipped(f"only {', '.join(engines)} are built")
    cluster = context.cluster(3, *SHORT_LOG)
    for member, engine in zip(cluster.members, context.random.sample(engines, 3)):
        member.extra_args.append(f"--storage={engine}")
    with cluster.start(), context.load(cluster) as load:
        compactions = Compactions(context, cluster)
        for member in cluster.members:
            member.kill()
            load.wait_for_more(250)  # more than the log keeps for it
            compactions.compact()
            member.start()
            load.wait_for_more(50)
            compactions.compare()
            check("filled the storage engine from a snapshot" in member.log_text(),
                  f"{member.name} was not rebuilt")
        for member in cluster.members:
            member.kill()
        for member in cluster.members:
            member.launch()
        load.wait_for_more(50)
        compactions.compact()
        compactions.compare()
        check(len(set(compactions.hashes)) == 4, "the hash does not tell states apart")
        context.finish(cluster, load, compactions.events)
