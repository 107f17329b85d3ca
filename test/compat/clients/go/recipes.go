// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

func session(client *clientv3.Client) *concurrency.Session {
	return must(concurrency.NewSession(client, concurrency.WithTTL(60)))
}

func locks(ctx context.Context, client *clientv3.Client) {
	one, other := session(client), session(client)
	defer other.Close()
	mine := concurrency.NewMutex(one, "lock")
	theirs := concurrency.NewMutex(other, "lock")
	check(mine.Lock(ctx) == nil, "not locked")
	check(errors.Is(theirs.TryLock(ctx), concurrency.ErrLocked), "locked twice")
	taken := make(chan error)
	go func() { taken <- theirs.Lock(ctx) }()
	// The end of a session frees its lock.
	check(one.Close() == nil, "the session does not end")
	check(<-taken == nil, "not handed over")
	check(theirs.Unlock(ctx) == nil, "not unlocked")
}

func elections(ctx context.Context, client *clientv3.Client) {
	one, other := session(client), session(client)
	defer one.Close()
	defer other.Close()
	first, second := concurrency.NewElection(one, "election"), concurrency.NewElection(other, "election")
	check(first.Campaign(ctx, "first") == nil, "not elected")
	observed := second.Observe(ctx)
	check(string((<-observed).Kvs[0].Value) == "first", "another one leads")
	elected := make(chan error)
	go func() { elected <- second.Campaign(ctx, "second") }()
	check(first.Resign(ctx) == nil, "did not resign")
	check(<-elected == nil, "nobody follows")
	for string((<-observed).Kvs[0].Value) != "second" {
	}
	check(string(must(second.Leader(ctx)).Kvs[0].Value) == "second", "another one leads")
}

func authentication(ctx context.Context, client *clientv3.Client) {
	must(client.UserAdd(ctx, "root", "secret"))
	must(client.UserGrantRole(ctx, "root", "root"))
	must(client.RoleAdd(ctx, "reader"))
	must(client.RoleGrantPermission(ctx, "reader", "auth/", clientv3.GetPrefixRangeEnd("auth/"),
		clientv3.PermissionType(clientv3.PermRead)))
	must(client.UserAdd(ctx, "alice", "word"))
	must(client.UserGrantRole(ctx, "alice", "reader"))
	must(client.Put(ctx, "auth/k", "v"))
	must(client.AuthEnable(ctx))

	login := func(name, password string) (*clientv3.Client, error) {
		config := settings()
		config.Username, config.Password = name, password
		return clientv3.New(config)
	}
	_, err := login("alice", "wrong")
	check(errors.Is(err, rpctypes.ErrAuthFailed), "a wrong password: %v", err)
	alice := must(login("alice", "word"))
	defer alice.Close()
	check(must(alice.Get(ctx, "auth/k")).Count == 1, "she reads nothing")
	_, err = alice.Put(ctx, "auth/k", "w")
	check(errors.Is(err, rpctypes.ErrPermissionDenied), "she may write: %v", err)
	refused := <-alice.Watch(ctx, "other")
	check(refused.Canceled, "she may watch anything")
	_, err = client.Get(ctx, "auth/k")
	check(errors.Is(err, rpctypes.ErrUserEmpty), "nobody may read: %v", err)

	root := must(login("root", "secret"))
	defer root.Close()
	must(root.AuthDisable(ctx))
	check(must(client.Get(ctx, "auth/k")).Count == 1, "still closed")
}
