# SPDX-License-Identifier: Apache-2.0
"""Clusters of quorate or etcd servers for tests and benches."""

import os
import shutil
import time

from servers import Server


class Member(Server):
    """One of several. What it is started with is what its cluster said when it was made."""

    def __init__(self, member_name, binary, directory, extra_args=(), host="127.0.0.1", wrapper=(),
                 peer_scheme="http", own_args=()):
        super().__init__(member_name, binary, directory, [*extra_args, *own_args])
        self.peer_scheme = peer_scheme
        self.member_name = member_name
        self.host = host
        self.wrapper = list(wrapper)
        self.initial_cluster = {}  # name -> peer URL
        self.initial_state = "new"
        self.token = "test-cluster"

    def cluster_args(self):
        listed = ",".join(f"{name}={url}" for name, url in self.initial_cluster.items())
        return [
            f"--initial-cluster={listed}",
            f"--initial-cluster-state={self.initial_state}",
            f"--initial-cluster-token={self.token}",
        ]

    def wipe(self):
        """The disk is gone."""
        shutil.rmtree(self.data_dir, ignore_errors=True)


class Cluster:
    """Members under one directory. `place` may give each a host and a wrapper of its own."""

    def __init__(self, binary, directory, size=3, extra_args=(), place=None):
        self.binary = binary
        self.directory = directory
        self.extra_args = list(extra_args)
        self.place = place or (lambda name: {})
        self.members = [self.new_member(f"m{i + 1}") for i in range(size)]
        urls = {member.member_name: member.peer_url for member in self.members}
        for member in self.members:
            member.initial_cluster = dict(urls)

    def new_member(self, name):
        """A member that is part of nothing yet."""
        return Member(name, self.binary, os.path.join(self.directory, name), self.extra_args,
                      **self.place(name))

    def joining_member(self, name):
        """One to be started after it was added to the members that there are."""
        member = self.new_member(name)
        member.initial_cluster = {one.member_name: one.peer_url for one in [*self.members, member]}
        member.initial_state = "existing"
        return member

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for member in self.members:
            if member.running:
                member.kill()

    def start(self):
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_ready()
        return self

    @property
    def endpoints(self):
        return [member.endpoint for member in self.members]

    def logs(self, lines=15):
        return "".join(f"--- {member.name}\n{member.log_tail(lines)}" for member in self.members)


def wait_for(condition, what, timeout_s=60):
    """What `condition` returns as soon as it is true; errors of calls count as false."""
    deadline = time.monotonic() + timeout_s
    last_error = None
    while time.monotonic() < deadline:
        try:
            result = condition()
            if result:
                return result
        except Exception as error:  # a server that is down answers with an error
            last_error = error
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not come true within {timeout_s} s ({last_error})")
