// SPDX-License-Identifier: Apache-2.0

import io.etcd.jetcd.Auth;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.Election;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.Lease;
import io.etcd.jetcd.Lock;
import io.etcd.jetcd.auth.Permission;
import io.etcd.jetcd.election.CampaignResponse;
import io.etcd.jetcd.lock.LockResponse;
import java.util.concurrent.CompletableFuture;

final class Recipes extends Asking {
    private Recipes() {}

    static void locks(Client client) throws Exception {
        Lock locks = client.getLockClient();
        Lease leases = client.getLeaseClient();
        long one = get(leases.grant(60)).getID();
        long other = get(leases.grant(60)).getID();
        get(locks.lock(bytes("lock"), one));
        CompletableFuture<LockResponse> waiting = locks.lock(bytes("lock"), other);
        // The end of a lease frees its lock.
        get(leases.revoke(one));
        get(locks.unlock(get(waiting).getKey()));
    }

    static void elections(Client client) throws Exception {
        Election election = client.getElectionClient();
        Lease leases = client.getLeaseClient();
        long one = get(leases.grant(60)).getID();
        long other = get(leases.grant(60)).getID();
        CampaignResponse first = get(election.campaign(bytes("election"), one, bytes("first")));
        check(get(election.leader(bytes("election"))).getKv().getValue().equals(bytes("first")), "who leads");
        CompletableFuture<CampaignResponse> waiting =
            election.campaign(bytes("election"), other, bytes("second"));
        get(election.resign(first.getLeader()));
        get(waiting);
        check(get(election.leader(bytes("election"))).getKv().getValue().equals(bytes("second")), "who follows");
    }

    static void authentication(Client client) throws Exception {
        Auth auth = client.getAuthClient();
        KV kv = client.getKVClient();
        get(auth.userAdd(bytes("root"), bytes("secret")));
        get(auth.userGrantRole(bytes("root"), bytes("root")));
        get(auth.roleAdd(bytes("reader")));
        get(auth.roleGrantPermission(bytes("reader"), bytes("auth/"), bytes("auth0"), Permission.Type.READ));
        get(auth.userAdd(bytes("alice"), bytes("word")));
        get(auth.userGrantRole(bytes("alice"), bytes("reader")));
        get(kv.put(bytes("auth/k"), bytes("v")));
        get(auth.authEnable());
        try (Client wrong = builder().user(bytes("alice")).password(bytes("wrong")).build()) {
            refused(wrong.getKVClient().get(bytes("auth/k")), "authentication failed, invalid user ID");
        }
        try (Client alice = builder().user(bytes("alice")).password(bytes("word")).build()) {
            check(get(alice.getKVClient().get(bytes("auth/k"))).getCount() == 1, "she reads nothing");
            refused(alice.getKVClient().put(bytes("auth/k"), bytes("w")), "etcdserver: permission denied");
        }
        refused(kv.get(bytes("auth/k")), "etcdserver: user name is empty");
        try (Client root = builder().user(bytes("root")).password(bytes("secret")).build()) {
            get(root.getAuthClient().authDisable());
        }
        check(get(kv.get(bytes("auth/k"))).getCount() == 1, "still closed");
    }
}
