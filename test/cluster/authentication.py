# SPDX-License-Identifier: Apache-2.0
"""Users and tokens in a cluster: what one member was told holds on all."""

import threading

import grpc
from clusters import wait_for
from context import Asks, check

CHEAP = ("--bcrypt-cost=4",)
DENIED = "etcdserver: permission denied"


def refusal(call, **fields):
    """The text that a call is refused with; empty when it is not."""
    try:
        call(**fields)
    except grpc.RpcError as error:
        return error.details()
    return ""


def set_up(context, member):
    """root:r may do all, alice:a may do all to the keys from a to b. Ends with authentication on."""
    with context.client(member) as client:
        permission = type(client.pb.AuthRoleGrantPermissionRequest().perm)
        client.user_add(name="root", password="r")
        client.user_grant_role(user="root", role="root")
        client.user_add(name="alice", password="a")
        client.role_add(name="keys")
        client.role_grant_permission(
            name="keys", perm=permission(permType="READWRITE", key=b"a", range_end=b"b"))
        client.user_grant_role(user="alice", role="keys")
        client.auth_enable()


def log_in(context, member, name, password):
    with context.client(member) as client:
        return client.authenticate(name=name, password=password).token


def test_auth(context):
    """A token of one member holds on the others at once, and its user's rights do."""
    with context.cluster(3, *CHEAP).start() as cluster:
        leader = context.leader(cluster)
        followers = context.followers(cluster)
        set_up(context, followers[0])
        for member in cluster.members:
            with context.client(member) as nobody:
                check(refusal(nobody.range, key=b"a") == "etcdserver: user name is empty",
                      "somebody may read without a name")
                check(refusal(nobody.put, key=b"a") == "etcdserver: user name is empty",
                      "somebody may write without a name")
        for issuer in cluster.members:
            for _ in range(5):
                token = log_in(context, issuer, "alice", "a")
                # All but the issuer may hear of it only now.
                for member in cluster.members:
                    with context.client(member, token) as alice:
                        alice.put(key=b"a1", value=b"v")
                        check(alice.range(key=b"a1").count == 1, "what was put is not there")
                        check(refusal(alice.put, key=b"b") == DENIED, "alice may write b")
                        check(refusal(alice.range, key=b"b") == DENIED, "alice may read b")
                        alice.range(key=b"a1", serializable=True)
                        alice.member_list()
                        check(refusal(alice.compact, revision=1) == DENIED, "alice may compact")
                        check(refusal(alice.member_promote, ID=1) == DENIED, "alice may promote")
                        check(refusal(alice.move_leader, targetID=1) == DENIED, "alice may move")
        through_a_follower(context, followers[0], leader)
        context.settle(cluster)


def test_auth_forced_off(context):
    """Root's password is lost: one member of three is started with the option, and all let everybody in."""
    with context.cluster(3, *CHEAP).start() as cluster:
        set_up(context, context.leader(cluster))
        token = log_in(context, cluster.members[0], "alice", "a")
        with context.client(cluster.members[1], token) as alice:
            alice.put(key=b"a1", value=b"kept")
        one = cluster.members[2]
        one.stop()
        one.extra_args.append("--force-auth-disable")
        one.start()
        for member in cluster.members:
            with context.client(member) as nobody:
                wait_for(lambda client=nobody: not client.auth_status().enabled, "authentication ends")
                check(nobody.range(key=b"a1").kvs[0].value == b"kept", "what was put is not there")
        with context.client(cluster.members[0]) as nobody:
            nobody.user_change_password(name="root", password="new")
            nobody.auth_enable()
        # Enabled again it stays, on the member with the option too, and after a start without it.
        one.stop()
        one.extra_args.pop()
        one.start()
        token = log_in(context, one, "root", "new")
        for member in cluster.members:
            with context.client(member) as nobody, context.client(member, token) as root:
                check(refusal(nobody.range, key=b"a1") == "etcdserver: user name is empty",
                      "somebody may read without a name")
                check(root.range(key=b"a1").kvs[0].value == b"kept", "root does not read")
                check(list(root.user_list().users) == ["alice", "root"], "the users are others")
        with context.client(one, token) as root:
            root.auth_disable()
        context.settle(cluster)


def through_a_follower(context, follower, leader):
    """What only the leader can answer is asked with the caller's name."""
    alice_token = log_in(context, follower, "alice", "a")
    root_token = log_in(context, leader, "root", "r")
    with context.client(follower, alice_token) as alice, context.client(follower, root_token) as root:
        pb = alice.pb
        lease = alice.lease_grant(TTL=600).ID
        alice.put(key=b"a2", lease=lease)
        check(alice.lease_time_to_live(ID=lease, keys=True).keys == [b"a2"], "keys of the lease")
        check(renew(alice, pb, lease) > 0, "alice may not renew her lease")
        root.put(key=b"secret", lease=lease)
        check(refusal(alice.lease_time_to_live, ID=lease, keys=True) == DENIED,
              "a lease shows keys that its asker may not read")
        alice.lease_time_to_live(ID=lease)
        check(refusal(alice.lease_revoke, ID=lease) == DENIED, "alice may end a key of root's")
        try:
            renew(alice, pb, lease)
            raise AssertionError("alice may renew what ends a key of root's")
        except grpc.RpcError as error:
            check(error.details() == DENIED, f"renewing: {error.details()}")
        check(renew(root, pb, lease) > 0, "root may not renew a lease")
        check(refusal(root.member_promote, ID=1) == "etcdserver: member not found",
              "root may not promote")
        root.lease_revoke(ID=lease)
        watch_by_rights(alice, pb)
        root.user_change_password(name="alice", password="new")
        check(refusal(alice.range, key=b"a") == "etcdserver: invalid auth token",
              "a token outlives its password")
        root.auth_disable()
    with context.client(leader) as nobody:
        nobody.range(key=b"secret")


def renew(client, pb, lease):
    asks = Asks(pb.LeaseKeepAliveRequest(ID=lease))
    stream = client.keep_alive(asks, timeout_s=10)
    try:
        return next(stream).TTL
    finally:
        asks.close()
        stream.cancel()


def watch_by_rights(alice, pb):
    """Two watches of one stream: one is refused in its turn, the other goes on."""
    asks = Asks(pb.WatchRequest(create_request=pb.WatchCreateRequest(key=b"a9", range_end=b"\0")))
    stream = alice.watch(asks, timeout_s=10)
    try:
        answer = next(stream)
        check(answer.created and answer.canceled and answer.watch_id == -1, f"not refused: {answer}")
        check(answer.cancel_reason == "rpc error: code = PermissionDenied desc = " + DENIED,
              f"refused with {answer.cancel_reason}")
        asks.add(pb.WatchRequest(create_request=pb.WatchCreateRequest(key=b"a9")))
        check(next(stream).created, "not created")
        alice.put(key=b"a9", value=b"1")
        check(next(stream).events[0].kv.key == b"a9", "another event")
    finally:
        asks.close()
        stream.cancel()


class Writer(threading.Thread):
    """Puts as alice through one member; logs in anew when it is told that its token is none. What
    was acknowledged is counted, what was refused for another reason than trouble kept."""

    def __init__(self, context, member, name):
        super().__init__(daemon=True)
        self.context = context
        self.member = member
        self.key = b"a/" + name.encode()
        self.token = None
        self.done = 0
        self.wrong = []
        self.ending = threading.Event()
        self.start()

    def run(self):
        while not self.ending.is_set():
            try:
                with self.context.client(self.member, self.token) as client:
                    while not self.ending.is_set():
                        client.put(key=self.key, value=str(self.done + 1).encode())
                        self.done += 1
            except grpc.RpcError as error:
                self.after(error)

    def after(self, error):
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            self.ending.wait(0.05)
        elif error.details() in ("etcdserver: user name is empty", "etcdserver: invalid auth token",
                                 "etcdserver: revision of auth store is old"):
            try:
                self.token = log_in(self.context, self.member, "alice", "a")
            except grpc.RpcError:
                self.ending.wait(0.05)
        else:
            self.wrong.append(str(error))
            self.ending.set()

    def end(self):
        self.ending.set()
        self.join()
        check(not self.wrong, f"a writer was refused: {self.wrong}")


def test_auth_through_leaders(context):
    """Authentication is turned on under load, and leaders change: nobody gets in, and everybody who
    may goes on."""
    with context.cluster(3, *CHEAP).start() as cluster:
        writers = [Writer(context, member, f"w{i}") for i, member in enumerate(cluster.members)]
        wait_for(lambda: all(writer.done > 20 for writer in writers), "the writers write")
        set_up(context, context.leader(cluster))
        for _ in range(2):
            before = [writer.done for writer in writers]
            leader = find_leader(context, cluster)
            leader.kill()
            with_others = [w for w in writers if w.member is not leader]
            wait_for(lambda: all(w.done > before[writers.index(w)] + 20 for w in with_others),
                     "the writers write on")
            leader.start()
            wait_for(lambda: all(w.done > b + 20 for w, b in zip(writers, before)),
                     "all writers write on")
        for writer in writers:
            writer.end()
        token = log_in(context, cluster.members[0], "root", "r")
        for member in cluster.members:
            with context.client(member, token) as root:
                check(list(root.user_list().users) == ["alice", "root"], "the users are others")
                for writer in writers:
                    found = root.range(key=writer.key).kvs
                    check(int(found[0].value) >= writer.done, "an acknowledged put is gone")
        with context.client(cluster.members[0], token) as root:
            root.auth_disable()
        context.settle(cluster)


def find_leader(context, cluster):
    """The leader, asked for by root: nobody else may."""

    def find():
        for member in cluster.members:
            try:
                token = log_in(context, member, "root", "r")
                with context.client(member, token) as client:
                    status = client.status(timeout_s=3)
            except grpc.RpcError:
                continue
            if status.leader == status.header.member_id:
                return member
        return None

    return wait_for(find, "a leader")
