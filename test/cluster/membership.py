# SPDX-License-Identifier: Apache-2.0
"""Members that come and go while clients write."""

import grpc
from clusters import Cluster, wait_for
from context import Failed, check
from servers import free_ports

EXIT_TIMEOUT_S = 30


def refused(call, text, **fields):
    """The call must fail, with this in its message."""
    try:
        call(**fields)
    except grpc.RpcError as error:
        check(text in error.details(), f"expected {text!r}, got {error.details()!r}")
        return
    raise Failed(f"not refused: {text}")


def test_add_and_remove(context):
    """Three become five and three others again, under load; who was removed says so and ends."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        for name in ("m4", "m5"):
            member = cluster.joining_member(name)
            with context.client(context.leader(cluster)) as client:
                wait_for(lambda c=client, m=member: c.member_add(peerURLs=[m.peer_url]),
                         "a member can be added")
            cluster.members.append(member)
            member.start()
            load.endpoints.append(member.endpoint)
            load.wait_for_more(30)
        check(len(member_list(context, cluster)) == 5, "five members are listed")
        for removed in (context.leader(cluster), context.followers(cluster)[0]):
            identity = context.member_id(removed)
            other = next(one for one in cluster.members if one is not removed)
            load.endpoints.remove(removed.endpoint)
            with context.client(other) as client:
                # Not before the others have been connected for a while.
                wait_for(lambda c=client, i=identity: c.member_remove(ID=i),
                         "a member can be removed")
            cluster.members.remove(removed)
            code = removed.process.wait(EXIT_TIMEOUT_S)
            check("removed" in removed.log_tail(), f"it does not say why:\n{removed.log_tail()}")
            check(code == 0, f"a removed member ended with {code}")
            load.wait_for_more(30)
            check_stays_out(removed)
        check(len(member_list(context, cluster)) == 3, "three members are listed")
        context.finish(cluster, load)


def test_remove_oneself(context):
    """A member that is asked to remove itself answers before it ends, whether it leads or follows."""
    with context.cluster().start() as cluster:
        for number in range(3):
            removed = context.leader(cluster) if number == 1 else context.followers(cluster)[0]
            identity = context.member_id(removed)
            with context.client(removed) as client:
                answer = wait_for(lambda c=client, i=identity: c.member_remove(ID=i), "a member can be removed")
                check(identity not in [one.ID for one in answer.members], f"still listed: {answer}")
            cluster.members.remove(removed)
            check(removed.process.wait(EXIT_TIMEOUT_S) == 0, "it did not end well")
            member = cluster.joining_member(f"n{number}")
            with context.client(context.leader(cluster)) as client:
                wait_for(lambda c=client, m=member: c.member_add(peerURLs=[m.peer_url]), "a member can be added")
            cluster.members.append(member)
            member.start()
        context.settle(cluster)


def check_stays_out(removed):
    """Started again it says that it was removed."""
    removed.launch()
    removed.process.wait(EXIT_TIMEOUT_S)
    check("permanently removed" in removed.log_tail(3), f"not said:\n{removed.log_tail(3)}")


def member_list(context, cluster):
    with context.client(context.leader(cluster)) as client:
        return {one.ID: one for one in client.member_list().members}


def test_learner(context):
    """A learner follows without a vote, serves what it may, and becomes a member when it is ready."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        learner = cluster.joining_member("m4")
        leader = context.leader(cluster)
        with context.client(leader) as client:
            identity = wait_for(
                lambda: client.member_add(peerURLs=[learner.peer_url], isLearner=True).member.ID,
                "a learner can be added")
            refused(client.member_promote, "in sync with leader", ID=identity)
            learner.launch()
            wait_for(lambda: context.status(learner).isLearner, "the learner says what it is")
            with context.client(learner) as own:
                refused(own.put, "rpc not supported for learner", key=b"x", value=b"y")
                refused(own.range, "rpc not supported for learner", key=b"key/0")
                wait_for(lambda: own.range(key=b"key/", range_end=b"key0", serializable=True).count,
                         "serializable reads on the learner")
            # Through a follower, which has to ask the leader.
            with context.client(context.followers(cluster)[0]) as follower:
                wait_for(lambda: follower.member_promote(ID=identity), "the learner is ready")
        cluster.members.append(learner)
        learner.wait_ready()
        check(not member_list(context, cluster)[identity].isLearner, "it is still a learner")
        load.endpoints.append(learner.endpoint)
        # Its vote counts: with two others gone, the four have no majority; with one, they have.
        gone = next(one for one in cluster.members if one not in (learner, leader))
        gone.kill()
        load.wait_for_more(40)
        gone.start()
        context.finish(cluster, load)


def test_promotion_lost(context):
    """A leader hangs with a promotion. No other is asked, for it might be made twice: the client is told, and
    what it does next works."""
    # An election takes longer than it does to ask, on a busy machine too.
    with context.cluster(3, "--election-timeout=2000").start() as cluster:
        learner = cluster.joining_member("m4")
        leader = context.leader(cluster)
        with context.client(leader) as client:
            identity = wait_for(
                lambda: client.member_add(peerURLs=[learner.peer_url], isLearner=True).member.ID,
                "a learner can be added")
            revision = client.put(key=b"key", value=b"value").header.revision
        learner.launch()
        wait_for(lambda: context.status(learner).header.revision >= revision, "the learner has everything")
        with context.client(context.followers(cluster)[0]) as follower:
            follower.status()  # connected
            leader.pause()
            refused(follower.member_promote, "possibly due to previous leader failure", ID=identity, timeout_s=30)
            check(context.leader(cluster) is not leader, "the one that hangs still leads")
            leader.resume()
            wait_for(lambda: promoted(follower, identity), "the learner is promoted")
        cluster.members.append(learner)
        learner.wait_ready()
        context.settle(cluster)


def promoted(client, identity):
    """Asks for it unless it was done, perhaps by the leader that hung."""
    member = next(one for one in client.member_list().members if one.ID == identity)
    return not member.isLearner or client.member_promote(ID=identity)


def test_move_leader(context):
    """Leadership goes around under load, and every move is to whom it was meant."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        for number in range(6):
            leader = context.leader(cluster)
            target = next(m for m in cluster.members[number % 3:] + cluster.members
                          if m is not leader)
            with context.client(target) as client:
                refused(client.move_leader, "not leader", targetID=context.member_id(target))
            with context.client(leader) as client:
                refused(client.move_leader, "bad leader transferee", targetID=4711)
                client.move_leader(targetID=context.member_id(target))
            check(context.leader(cluster) is target, "another one leads")
            load.wait_for_more(20)
        context.finish(cluster, load)


def test_member_update(context):
    """A member moves to another peer address."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        moved = context.followers(cluster)[0]
        identity = context.member_id(moved)
        moved.stop()
        moved.peer_port = free_ports(1)[0]
        with context.client(context.leader(cluster)) as client:
            client.member_update(ID=identity, peerURLs=[moved.peer_url])
        moved.start()
        load.wait_for_more(40)
        listed = member_list(context, cluster)[identity]
        check(list(listed.peerURLs) == [moved.peer_url], f"listed as {listed}")
        # It counts: with another one gone, nothing would be acknowledged without it.
        gone = next(one for one in context.followers(cluster) if one is not moved)
        gone.kill()
        load.wait_for_more(40)
        gone.start()
        context.finish(cluster, load)


def test_strict_reconfiguration(context):
    """Changes that would cost the quorum are refused."""
    with context.cluster().start() as cluster:
        leader = context.leader(cluster)
        gone = next(one for one in cluster.members if one is not leader)
        identity = context.member_id(gone)
        with context.client(leader) as client:
            wait_for(lambda: client.put(key=b"a", value=b"b"), "writes")
            others = [one for one in client.member_list().members if one.ID != identity]
            refused(client.member_add, "Peer URLs already exists", peerURLs=[gone.peer_url])
            refused(client.member_remove, "member not found", ID=4711)
            refused(client.member_promote, "can only promote a learner member", ID=identity)
            gone.kill()
            lost = f'Remote="{identity:x}"}} 0'
            wait_for(lambda: lost in leader.metrics(), "its absence is noticed")
            # Neither who is there for long nor who has just been connected may go now.
            for other in others:
                refused(client.member_remove, "unhealthy cluster", ID=other.ID)
            refused(client.member_add, "unhealthy cluster", peerURLs=["http://127.0.0.1:1"])
            client.member_remove(ID=identity)
        cluster.members.remove(gone)
        context.settle(cluster)


def test_force_new_cluster(context):
    """With the majority gone for good, the one that is left goes on alone, and grows again."""
    with context.cluster().start() as cluster:
        with context.load(cluster) as load:
            load.wait_for_more(100)
            load.stop()
        context.settle(cluster)
        survivor = context.followers(cluster)[0]
        for member in cluster.members:
            member.kill()
        forced = Cluster.__new__(Cluster)
        forced.__dict__.update(cluster.__dict__)
        forced.members = [survivor]
        survivor.extra_args.append("--force-new-cluster")
        survivor.start()
        survivor.stop()
        survivor.extra_args.remove("--force-new-cluster")
        survivor.start()
        check(len(member_list(context, forced)) == 1, "others are still listed")
        load.verify(survivor.endpoint)
        joined = forced.joining_member("m9")
        with context.client(survivor) as client:
            client.put(key=b"after", value=b"all")
            wait_for(lambda: client.member_add(peerURLs=[joined.peer_url]), "a member is added")
        forced.members.append(joined)
        joined.start()
        context.settle(forced)
        load.verify(joined.endpoint)
        cluster.members.append(joined)
