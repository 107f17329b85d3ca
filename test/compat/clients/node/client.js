// SPDX-License-Identifier: Apache-2.0

// Uses a server through the etcd3 package for Node as its documentation shows. clients_test.py says
// what a program like this does, step by step, and how it talks to the test.
"use strict";

const assert = require("assert");
const fs = require("fs");
const readline = require("readline");
const { Etcd3, EtcdLeaseInvalidError, EtcdLockFailedError, Range } = require("etcd3");

const { ENDPOINT, CA } = process.env;

function connect(auth) {
    const credentials = CA && { rootCertificate: fs.readFileSync(CA) };
    return new Etcd3({ hosts: ENDPOINT, credentials, auth });
}

// The next value that an emitter gives with an event.
const next = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

// Values in the order in which they come, for those who wait for them.
class Queue {
    values = [];
    waiting = [];

    push(value) {
        const resolve = this.waiting.shift();
        resolve ? resolve(value) : this.values.push(value);
    }

    shift() {
        if (this.values.length > 0) {
            return Promise.resolve(this.values.shift());
        }
        return new Promise((resolve) => this.waiting.push(resolve));
    }
}

async function restartServer() {
    const lines = readline.createInterface({ input: process.stdin });
    console.log("restart");
    assert.strictEqual(await next(lines, "line"), "restarted");
    lines.close();
}

async function keysAndValues(client) {
    for (const name of ["b", "a", "c"]) {
        await client.put(`kv/${name}`).value(name.toUpperCase());
    }
    const sorted = await client.getAll().prefix("kv/").sort("Key", "Descend").limit(2).strings();
    assert.deepStrictEqual(Object.entries(sorted), [["kv/c", "C"], ["kv/b", "B"]]);
    assert.strictEqual(await client.getAll().prefix("kv/").count(), 3);
    const put = await client.put("kv/a").value("again").getPrevious();
    assert.strictEqual(put.value.toString(), "A");
    const past = client.get("kv/a").revision(Number(put.mod_revision));
    assert.strictEqual(await past.string(), "A");
    const large = "x".repeat(1 << 20);
    await client.put("kv/large").value(large);
    assert.strictEqual(await client.get("kv/large").string(), large);
    assert.strictEqual(Number((await client.delete().prefix("kv/")).deleted), 4);
    assert.strictEqual(await client.get("kv/a").string(), null);
}

async function transactions(client) {
    const create = () => client.if("txn/k", "Create", "==", 0);
    const first = await create().then(client.put("txn/k").value("1")).commit();
    assert(first.succeeded);
    const second = await create().then(client.put("txn/k").value("2")).else(client.get("txn/k"))
        .commit();
    assert(!second.succeeded);
    assert.strictEqual(second.responses[0].response_range.kvs[0].value.toString(), "1");
    await client.stm().transact((tx) => tx.get("txn/k").string()
        .then((value) => tx.put("txn/k").value(value + "2")));
    assert.strictEqual(await client.get("txn/k").string(), "12");
}

// The client makes its error classes from the server's texts.
async function typedErrors(client) {
    await assert.rejects(client.put("").value("v"), /key is not provided/);
    await assert.rejects(client.put("k").value("v").lease(4711), EtcdLeaseInvalidError);
    await assert.rejects(client.get("k").revision(2 ** 40), /required revision is a future revision/);
    await assert.rejects(client.put("k").value("x".repeat(1700000)), /request is too large/);
}

async function leases(client) {
    const lease = client.lease(600);
    await lease.put("lease/k").value("v");
    await lease.keepaliveOnce();
    const id = await lease.grant();
    const left = await client.leaseClient.leaseTimeToLive({ ID: id, keys: true });
    assert.strictEqual(Number(left.grantedTTL), 600);
    assert.strictEqual(left.keys.length, 1);
    await lease.revoke();
    assert.strictEqual(await client.get("lease/k").string(), null);

    const watch = await client.watch().key("lease/short").create();
    const { ID } = await client.leaseClient.leaseGrant({ TTL: 1 });
    await client.put("lease/short").value("v").lease(ID);
    await next(watch, "delete");
    await watch.cancel();
}

// From the past, over a restart of the server and on, none twice and none missing.
async function watches(client) {
    const { header } = await client.put("watch/0").value("0");
    const events = new Queue();
    const watch = await client.watch().prefix("watch/").startRevision(header.revision)
        .withPreviousKV().create();
    watch.on("put", (pair) => events.push(pair.value.toString()));
    watch.on("delete", (_, previous) => events.push(`deleted ${previous.value}`));
    const expect = async (event) => assert.strictEqual(await events.shift(), event);
    await expect("0");
    await client.put("watch/0").value("1");
    await expect("1");
    await restartServer();
    for (let written = false; !written;) {
        written = await client.put("watch/1").value("2").then(() => true, () => false);
    }
    await expect("2");
    await client.delete().prefix("watch/");
    await expect("deleted 1");
    await expect("deleted 2");
    await watch.cancel();
}

async function locks(client) {
    const mine = await client.lock("lock").ttl(60).acquire();
    await assert.rejects(client.lock("lock").acquire(), EtcdLockFailedError);
    await mine.release();
    assert.strictEqual(await client.lock("lock").do(() => "inside"), "inside");
}

async function elections(client) {
    const election = client.election("election", 60);
    const first = election.campaign("first");
    await first.wait();
    assert.strictEqual(await election.leader(), "first");
    const observer = await election.observe();
    assert.strictEqual(observer.leader(), "first");
    const second = election.campaign("second");
    await first.resign();
    await second.wait();
    while (observer.leader() !== "second") {
        await next(observer, "change");
    }
    await observer.cancel();
    await second.resign();
}

async function members(client) {
    const list = await client.cluster.memberList({});
    assert.strictEqual(list.members.length, 1);
    const status = await client.maintenance.status();
    assert.strictEqual(status.leader, list.members[0].ID);
    assert(Number(status.dbSize) > 0);
}

async function authentication(client) {
    const root = client.user("root");
    await root.create("secret");
    await root.addRole("root");
    const reader = await client.role("reader").create();
    await reader.grant({ permission: "Read", range: Range.prefix("auth/") });
    const alice = client.user("alice");
    await alice.create("word");
    await alice.addRole("reader");
    await client.put("auth/k").value("v");
    await client.auth.authEnable();

    const wrong = connect({ username: "alice", password: "wrong" });
    await assert.rejects(wrong.get("auth/k").string(), /authentication failed, invalid user ID/);
    wrong.close();
    const hers = connect({ username: "alice", password: "word" });
    assert.strictEqual(await hers.get("auth/k").string(), "v");
    await assert.rejects(hers.put("auth/k").value("w"), /permission denied/);
    hers.close();
    await assert.rejects(client.get("auth/k").string(), /user name is empty/);
    const his = connect({ username: "root", password: "secret" });
    await his.auth.authDisable();
    his.close();
    assert.strictEqual(await client.get("auth/k").string(), "v");
}

async function main() {
    const client = connect();
    const steps = {
        kv: keysAndValues, txn: transactions, errors: typedErrors, lease: leases, watch: watches,
        lock: locks, election: elections, members, auth: authentication,
    };
    for (const [name, run] of Object.entries(steps)) {
        await run(client);
        console.log("ok", name);
    }
    client.close();
    console.log("done");
}

main().then(() => process.exit(0), (error) => {
    console.log("failed:", error.stack);
    process.exit(1);
});
