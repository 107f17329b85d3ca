// SPDX-License-Identifier: Apache-2.0

import static java.nio.charset.StandardCharsets.UTF_8;

import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.Lease;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.PutResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.maintenance.StatusResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.LeaseOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

final class Steps extends Asking {
    private Steps() {}

    static void keysAndValues(Client client) throws Exception {
        KV kv = client.getKVClient();
        for (String name : new String[] {"b", "a", "c"}) {
            get(kv.put(bytes("kv/" + name), bytes(name.toUpperCase())));
        }
        GetResponse sorted = get(kv.get(bytes("kv/"), GetOption.builder().isPrefix(true).withLimit(2)
            .withSortField(GetOption.SortTarget.KEY).withSortOrder(GetOption.SortOrder.DESCEND).build()));
        check(sorted.getCount() == 3 && sorted.isMore() && sorted.getKvs().size() == 2, "" + sorted);
        check(sorted.getKvs().get(0).getValue().equals(bytes("C")), "" + sorted);

        PutResponse put = get(kv.put(bytes("kv/a"), bytes("again"),
            PutOption.builder().withPrevKV().build()));
        check(put.getPrevKv().getValue().equals(bytes("A")), "" + put);
        GetResponse past = get(kv.get(bytes("kv/a"),
            GetOption.builder().withRevision(put.getHeader().getRevision() - 1).build()));
        check(past.getKvs().get(0).getValue().equals(bytes("A")), "" + past);

        byte[] large = new byte[1 << 20];
        Arrays.fill(large, (byte) 'x');
        get(kv.put(bytes("kv/large"), bytes(new String(large, UTF_8))));
        byte[] read = get(kv.get(bytes("kv/large"))).getKvs().get(0).getValue().getBytes();
        check(Arrays.equals(large, read), "a megabyte changed");
        long deleted = get(kv.delete(bytes("kv/"), DeleteOption.builder().isPrefix(true).build()))
            .getDeleted();
        check(deleted == 4, "deleted " + deleted);
    }

    static void transactions(Client client) throws Exception {
        KV kv = client.getKVClient();
        Cmp create = new Cmp(bytes("txn/k"), Cmp.Op.EQUAL, CmpTarget.createRevision(0));
        TxnResponse first = get(kv.txn().If(create)
            .Then(Op.put(bytes("txn/k"), bytes("1"), PutOption.DEFAULT)).commit());
        check(first.isSucceeded(), "not created");
        TxnResponse second = get(kv.txn().If(create)
            .Then(Op.put(bytes("txn/k"), bytes("2"), PutOption.DEFAULT))
            .Else(Op.get(bytes("txn/k"), GetOption.DEFAULT)).commit());
        check(!second.isSucceeded(), "created twice");
        check(second.getGetResponses().get(0).getKvs().get(0).getValue().equals(bytes("1")), "" + second);
    }

    static void errors(Client client) throws Exception {
        KV kv = client.getKVClient();
        refused(kv.put(bytes(""), bytes("v")), "etcdserver: key is not provided");
        refused(kv.put(bytes("k"), bytes("v"), PutOption.builder().withLeaseId(4711).build()),
            "etcdserver: requested lease not found");
        refused(kv.get(bytes("k"), GetOption.builder().withRevision(1L << 40).build()),
            "etcdserver: mvcc: required revision is a future revision");
        refused(kv.put(bytes("k"), bytes("x".repeat(1700000))), "etcdserver: request is too large");
    }

    static void leases(Client client) throws Exception {
        KV kv = client.getKVClient();
        Lease leases = client.getLeaseClient();
        long lease = get(leases.grant(600)).getID();
        get(kv.put(bytes("lease/k"), bytes("v"), PutOption.builder().withLeaseId(lease).build()));
        check(get(leases.keepAliveOnce(lease)).getTTL() == 600, "not kept alive");
        var left = get(leases.timeToLive(lease, LeaseOption.builder().withAttachedKeys().build()));
        check(left.getGrantedTTL() == 600 && left.getKeys().size() == 1, "" + left);
        get(leases.revoke(lease));
        check(get(kv.get(bytes("lease/k"))).getCount() == 0, "it outlived its lease");

        try (Events events = new Events(client, "lease/short",
                WatchOption.builder().withNoPut(true).build())) {
            long shortOne = get(leases.grant(1)).getID();
            get(kv.put(bytes("lease/short"), bytes("v"), PutOption.builder().withLeaseId(shortOne).build()));
            check(events.next().getEventType() == WatchEvent.EventType.DELETE, "not deleted");
        }
    }

    /** What a watch delivers. */
    private static final class Events implements AutoCloseable {
        private final BlockingQueue<WatchEvent> events = new LinkedBlockingQueue<>();
        private final Watch.Watcher watcher;

        Events(Client client, String key, WatchOption option) {
            watcher = client.getWatchClient().watch(bytes(key), option,
                answer -> events.addAll(answer.getEvents()));
        }

        WatchEvent next() throws InterruptedException {
            WatchEvent event = events.poll(TIMEOUT_S, TimeUnit.SECONDS);
            check(event != null, "no event comes");
            return event;
        }

        void expect(String value) throws InterruptedException {
            WatchEvent event = next();
            check(event.getKeyValue().getValue().equals(bytes(value)), event + " instead of " + value);
        }

        @Override
        public void close() {
            watcher.close();
        }
    }

    /** From the past, over a restart of the server and on, none twice and none missing. */
    static void watches(Client client) throws Exception {
        KV kv = client.getKVClient();
        long start = get(kv.put(bytes("watch/0"), bytes("0"))).getHeader().getRevision();
        WatchOption option = WatchOption.builder().isPrefix(true).withRevision(start).withPrevKV(true)
            .build();
        try (Events events = new Events(client, "watch/", option)) {
            events.expect("0");
            get(kv.put(bytes("watch/0"), bytes("1")));
            events.expect("1");
            Asking.restartServer();
            for (boolean written = false; !written;) {
                try {
                    get(kv.put(bytes("watch/1"), bytes("2")));
                    written = true;
                } catch (ExecutionException error) {
                    // The server is not there yet.
                }
            }
            events.expect("2");
            get(kv.delete(bytes("watch/0")));
            WatchEvent gone = events.next();
            check(gone.getPrevKV().getValue().equals(bytes("1")), "" + gone);
        }
    }

    static void members(Client client) throws Exception {
        var members = get(client.getClusterClient().listMember()).getMembers();
        check(members.size() == 1, "" + members);
        StatusResponse status = get(client.getMaintenanceClient()
            .statusMember(System.getenv("ENDPOINT")));
        check(status.getLeader() == members.get(0).getId() && status.getDbSize() > 0, "" + status);
    }
}
