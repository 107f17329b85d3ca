// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func keysAndValues(ctx context.Context, client *clientv3.Client) {
	for _, name := range []string{"b", "a", "c"} {
		must(client.Put(ctx, "kv/"+name, strings.ToUpper(name)))
	}
	sorted := must(client.Get(ctx, "kv/", clientv3.WithPrefix(),
		clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend), clientv3.WithLimit(2)))
	check(sorted.Count == 3 && sorted.More && len(sorted.Kvs) == 2, "%v", sorted)
	check(string(sorted.Kvs[0].Value) == "C", "sorted as %v", sorted.Kvs)

	put := must(client.Put(ctx, "kv/a", "again", clientv3.WithPrevKV()))
	check(string(put.PrevKv.Value) == "A", "before: %v", put.PrevKv)
	past := must(client.Get(ctx, "kv/a", clientv3.WithRev(put.Header.Revision-1)))
	check(string(past.Kvs[0].Value) == "A", "in the past: %v", past.Kvs)
	local := must(client.Get(ctx, "kv/a", clientv3.WithSerializable()))
	check(local.Kvs[0].Version == 2, "version %d", local.Kvs[0].Version)

	large := bytes.Repeat([]byte("x"), 1<<20)
	must(client.Put(ctx, "kv/large", string(large)))
	check(bytes.Equal(must(client.Get(ctx, "kv/large")).Kvs[0].Value, large), "a megabyte changed")

	deleted := must(client.Delete(ctx, "kv/", clientv3.WithPrefix(), clientv3.WithPrevKV()))
	check(deleted.Deleted == 4 && len(deleted.PrevKvs) == 4, "deleted %d", deleted.Deleted)
}

func transactions(ctx context.Context, client *clientv3.Client) {
	create := clientv3.Compare(clientv3.CreateRevision("txn/k"), "=", 0)
	first := must(client.Txn(ctx).If(create).Then(clientv3.OpPut("txn/k", "1")).Commit())
	check(first.Succeeded, "not created")
	second := must(client.Txn(ctx).If(create).Then(clientv3.OpPut("txn/k", "2")).
		Else(clientv3.OpGet("txn/k")).Commit())
	check(!second.Succeeded, "created twice")
	check(string(second.Responses[0].GetResponseRange().Kvs[0].Value) == "1", "%v", second)
	nested := must(client.Txn(ctx).If(clientv3.Compare(clientv3.Value("txn/k"), "=", "1")).
		Then(clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.Version("txn/k"), "<", 2)},
			[]clientv3.Op{clientv3.OpDelete("txn/k")}, nil)).Commit())
	inner := nested.Responses[0].GetResponseTxn()
	check(inner.Succeeded && inner.Responses[0].GetResponseDeleteRange().Deleted == 1, "%v", nested)
}

// The client finds its error values by the server's texts.
func typedErrors(ctx context.Context, client *clientv3.Client) {
	_, err := client.Put(ctx, "", "value")
	check(errors.Is(err, rpctypes.ErrEmptyKey), "an empty key: %v", err)
	_, err = client.Put(ctx, "k", "v", clientv3.WithLease(4711))
	check(errors.Is(err, rpctypes.ErrLeaseNotFound), "an unknown lease: %v", err)
	_, err = client.Get(ctx, "k", clientv3.WithRev(1<<40))
	check(errors.Is(err, rpctypes.ErrFutureRev), "a revision to come: %v", err)
	_, err = client.Put(ctx, "k", strings.Repeat("x", 1700000))
	check(errors.Is(err, rpctypes.ErrRequestTooLarge), "a large request: %v", err)
	_, err = client.UserAdd(ctx, "", "")
	check(errors.Is(err, rpctypes.ErrUserEmpty), "a user without a name: %v", err)
}

func leases(ctx context.Context, client *clientv3.Client) {
	lease := must(client.Grant(ctx, 600))
	must(client.Put(ctx, "lease/k", "v", clientv3.WithLease(lease.ID)))
	alive := must(client.KeepAlive(ctx, lease.ID))
	check((<-alive).TTL == 600, "not kept alive")
	left := must(client.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys()))
	check(left.GrantedTTL == 600 && len(left.Keys) == 1, "%v", left)
	must(client.Revoke(ctx, lease.ID))
	check(must(client.Get(ctx, "lease/k")).Count == 0, "it outlived its lease")

	short := must(client.Grant(ctx, 1))
	watch := client.Watch(ctx, "lease/short", clientv3.WithFilterPut())
	must(client.Put(ctx, "lease/short", "v", clientv3.WithLease(short.ID)))
	check((<-watch).Events[0].Type == mvccpb.DELETE, "a short lease does not run out")
}

// From the past, over a restart of the server and on, none twice and none missing.
func watches(ctx context.Context, client *clientv3.Client) {
	start := must(client.Put(ctx, "watch/0", "0")).Header.Revision
	watch := client.Watch(clientv3.WithRequireLeader(ctx), "watch/", clientv3.WithPrefix(),
		clientv3.WithRev(start), clientv3.WithPrevKV())
	expect := func(number int) {
		for {
			answer, open := <-watch
			check(open && answer.Err() == nil, "the watch ended: %v", answer.Err())
			if len(answer.Events) == 0 {
				continue
			}
			check(len(answer.Events) == 1, "%d events at once", len(answer.Events))
			check(string(answer.Events[0].Kv.Value) == fmt.Sprint(number), "%v", answer.Events[0])
			return
		}
	}
	expect(0)
	must(client.Put(ctx, "watch/0", "1"))
	expect(1)
	check(restartServer(), "the server was not started again")
	for {
		// A write that may have been applied is not sent again by the client.
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := client.Put(attempt, "watch/1", "2")
		cancel()
		if err == nil {
			break
		}
		check(ctx.Err() == nil, "no write after the restart: %v", err)
	}
	expect(2)
	must(client.Delete(ctx, "watch/", clientv3.WithPrefix()))
	gone := <-watch
	check(len(gone.Events) == 2 && string(gone.Events[0].PrevKv.Value) == "1", "%v", gone)
}

func members(ctx context.Context, client *clientv3.Client) {
	list := must(client.MemberList(ctx))
	check(len(list.Members) == 1, "%v", list)
	status := must(client.Status(ctx, client.Endpoints()[0]))
	check(status.Leader == list.Members[0].ID && status.DbSize > 0, "%v", status)
	check(client.Sync(ctx) == nil, "the endpoints can't be brought up to date")
}
