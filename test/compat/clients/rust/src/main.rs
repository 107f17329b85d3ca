// SPDX-License-Identifier: Apache-2.0

//! Uses a server through the etcd-client crate as its documentation shows. clients_test.py says
//! what a program like this does, step by step, and how it talks to the test.

use etcd_client::{
    Certificate, Client, Compare, CompareOp, ConnectOptions, DeleteOptions, Error, EventType,
    GetOptions, LockOptions, Permission, PermissionType, PutOptions, ResignOptions, SortOrder,
    SortTarget, TlsOptions, Txn, TxnOp, TxnOpResponse, WatchFilterType, WatchOptions, WatchStream,
};
use std::time::Duration;

type Step = Result<(), Error>;

fn options() -> ConnectOptions {
    let options = ConnectOptions::new().with_connect_timeout(Duration::from_secs(60));
    match std::env::var("CA") {
        Ok(file) => {
            let pem = std::fs::read(file).expect("the CA's file");
            options.with_tls(TlsOptions::new().ca_certificate(Certificate::from_pem(pem)))
        }
        Err(_) => options,
    }
}

async fn connect(options: ConnectOptions) -> Result<Client, Error> {
    Client::connect([std::env::var("ENDPOINT").expect("ENDPOINT")], Some(options)).await
}

/// The test starts the server again.
fn restart_server() {
    println!("restart");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("an answer");
    assert_eq!(line, "restarted\n");
}

fn expect_error<T: std::fmt::Debug>(answer: Result<T, Error>, text: &str) {
    let error = answer.expect_err(text).to_string();
    assert!(error.contains(text), "{error} instead of {text}");
}

async fn keys_and_values(client: &mut Client) -> Step {
    for name in ["b", "a", "c"] {
        client.put(format!("kv/{name}"), name.to_uppercase(), None).await?;
    }
    let sorted = GetOptions::new().with_prefix().with_limit(2);
    let sorted = sorted.with_sort(SortTarget::Key, SortOrder::Descend);
    let answer = client.get("kv/", Some(sorted)).await?;
    assert!(answer.count() == 3 && answer.more() && answer.kvs().len() == 2);
    assert_eq!(answer.kvs()[0].value(), b"C");

    let put = client.put("kv/a", "again", Some(PutOptions::new().with_prev_key())).await?;
    assert_eq!(put.prev_key().expect("a pair before").value(), b"A");
    let before = put.header().expect("a header").revision() - 1;
    let past = client.get("kv/a", Some(GetOptions::new().with_revision(before))).await?;
    assert_eq!(past.kvs()[0].value(), b"A");

    let large = vec![b'x'; 1 << 20];
    client.put("kv/large", large.clone(), None).await?;
    assert!(client.get("kv/large", None).await?.kvs()[0].value() == large);
    let deleted = client.delete("kv/", Some(DeleteOptions::new().with_prefix())).await?;
    assert_eq!(deleted.deleted(), 4);
    Ok(())
}

async fn transactions(client: &mut Client) -> Step {
    let create = || vec![Compare::create_revision("txn/k", CompareOp::Equal, 0)];
    let put = |value: &str| vec![TxnOp::put("txn/k", value, None)];
    assert!(client.txn(Txn::new().when(create()).and_then(put("1"))).await?.succeeded());
    let second = Txn::new().when(create()).and_then(put("2"));
    let second = client.txn(second.or_else(vec![TxnOp::get("txn/k", None)])).await?;
    assert!(!second.succeeded());
    match &second.op_responses()[0] {
        TxnOpResponse::Get(answer) => assert_eq!(answer.kvs()[0].value(), b"1"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

async fn errors(client: &mut Client) -> Step {
    expect_error(client.put("", "v", None).await, "etcdserver: key is not provided");
    let unknown = PutOptions::new().with_lease(4711);
    let answer = client.put("k", "v", Some(unknown)).await;
    expect_error(answer, "etcdserver: requested lease not found");
    let future = GetOptions::new().with_revision(1 << 40);
    let answer = client.get("k", Some(future)).await;
    expect_error(answer, "etcdserver: mvcc: required revision is a future revision");
    let answer = client.put("k", vec![b'x'; 1_700_000], None).await;
    expect_error(answer, "etcdserver: request is too large");
    Ok(())
}

async fn leases(client: &mut Client) -> Step {
    let lease = client.lease_grant(600, None).await?.id();
    client.put("lease/k", "v", Some(PutOptions::new().with_lease(lease))).await?;
    let (mut keeper, mut answers) = client.lease_keep_alive(lease).await?;
    keeper.keep_alive().await?;
    assert_eq!(answers.message().await?.expect("an answer").ttl(), 600);
    let left = etcd_client::LeaseTimeToLiveOptions::new().with_keys();
    let left = client.lease_time_to_live(lease, Some(left)).await?;
    assert!(left.granted_ttl() == 600 && left.keys().len() == 1);
    client.lease_revoke(lease).await?;
    assert_eq!(client.get("lease/k", None).await?.count(), 0);

    let deletes = WatchOptions::new().with_filters([WatchFilterType::NoPut]);
    let mut watch = client.watch("lease/short", Some(deletes)).await?;
    let short = client.lease_grant(1, None).await?.id();
    client.put("lease/short", "v", Some(PutOptions::new().with_lease(short))).await?;
    let (kind, _, _) = next_event(&mut watch).await?;
    assert_eq!(kind, EventType::Delete);
    Ok(())
}

/// Kind, value and revision of the only event of the next answer with any.
async fn next_event(watch: &mut WatchStream) -> Result<(EventType, Vec<u8>, i64), Error> {
    loop {
        let answer = watch.message().await?.ok_or(Error::WatchError("ended".into()))?;
        assert!(!answer.canceled(), "{}", answer.cancel_reason());
        if let [event] = answer.events() {
            let pair = event.kv().expect("a pair");
            return Ok((event.event_type(), pair.value().to_vec(), pair.mod_revision()));
        }
        assert!(answer.events().is_empty(), "{} events at once", answer.events().len());
    }
}

/// This client leaves it to its user to go on after a loss: from the revision that comes next.
async fn watches(client: &mut Client) -> Step {
    let from = |revision| WatchOptions::new().with_prefix().with_start_revision(revision);
    let start = client.put("watch/0", "0", None).await?.header().expect("a header").revision();
    let mut watch = client.watch("watch/", Some(from(start))).await?;
    assert_eq!(next_event(&mut watch).await?.1, b"0");
    client.put("watch/0", "1", None).await?;
    let (_, value, revision) = next_event(&mut watch).await?;
    assert_eq!(value, b"1");
    restart_server();
    next_event(&mut watch).await.expect_err("a watch that goes on");
    while client.put("watch/1", "2", None).await.is_err() {
        tokio::task::yield_now().await;
    }
    let mut watch = client.watch("watch/", Some(from(revision + 1))).await?;
    assert_eq!(next_event(&mut watch).await?.1, b"2");
    Ok(())
}

async fn locks(client: &mut Client) -> Step {
    let one = client.lease_grant(60, None).await?.id();
    let other = client.lease_grant(60, None).await?.id();
    client.lock("lock", Some(LockOptions::new().with_lease(one))).await?;
    let mut rival = client.clone();
    let waiting = tokio::spawn(async move {
        rival.lock("lock", Some(LockOptions::new().with_lease(other))).await
    });
    // The end of a lease frees its lock.
    client.lease_revoke(one).await?;
    let taken = waiting.await.expect("a result")?;
    client.unlock(taken.key()).await?;
    Ok(())
}

async fn elections(client: &mut Client) -> Step {
    let one = client.lease_grant(60, None).await?.id();
    let other = client.lease_grant(60, None).await?.id();
    let first = client.campaign("election", "first", one).await?;
    let mut observed = client.observe("election").await?;
    let answer = observed.message().await?.expect("a leader");
    assert_eq!(answer.kv().expect("a pair").value(), b"first");
    let mut rival = client.clone();
    let waiting = tokio::spawn(async move { rival.campaign("election", "second", other).await });
    let leader = first.leader().expect("a key").clone();
    client.resign(Some(ResignOptions::new().with_leader(leader))).await?;
    waiting.await.expect("a result")?;
    let now = client.leader("election").await?;
    assert_eq!(now.kv().expect("a pair").value(), b"second");
    Ok(())
}

async fn members(client: &mut Client) -> Step {
    let list = client.member_list().await?;
    assert_eq!(list.members().len(), 1);
    let status = client.status().await?;
    assert!(status.leader() == list.members()[0].id() && status.db_size() > 0);
    Ok(())
}

async fn authentication(client: &mut Client) -> Step {
    client.user_add("root", "secret", None).await?;
    client.user_grant_role("root", "root").await?;
    client.role_add("reader").await?;
    let reads = Permission::new(PermissionType::Read, "auth/").with_prefix();
    client.role_grant_permission("reader", reads).await?;
    client.user_add("alice", "word", None).await?;
    client.user_grant_role("alice", "reader").await?;
    client.put("auth/k", "v", None).await?;
    client.auth_enable().await?;

    match connect(options().with_user("alice", "wrong")).await {
        Ok(_) => panic!("a wrong password passes"),
        Err(error) => expect_error::<()>(Err(error), "authentication failed, invalid user ID"),
    }
    let mut alice = connect(options().with_user("alice", "word")).await?;
    assert_eq!(alice.get("auth/k", None).await?.count(), 1);
    expect_error(alice.put("auth/k", "w", None).await, "etcdserver: permission denied");
    expect_error(client.get("auth/k", None).await, "etcdserver: user name is empty");
    connect(options().with_user("root", "secret")).await?.auth_disable().await?;
    assert_eq!(client.get("auth/k", None).await?.count(), 1);
    Ok(())
}

#[tokio::main]
async fn main() -> Step {
    let mut client = connect(options()).await?;
    let client = &mut client;
    macro_rules! steps {
        ($($name:literal $step:ident)*) => {$(
            $step(client).await?;
            println!("ok {}", $name);
        )*};
    }
    steps! {
        "kv" keys_and_values "txn" transactions "errors" errors "lease" leases "watch" watches
        "lock" locks "election" elections "members" members "auth" authentication
    }
    println!("done");
    Ok(())
}
