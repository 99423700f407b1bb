//! Laws of calls that wait for an approval.

use std::sync::Arc;

use protocol::id::Tenant;
use store::{Approval, Error, NewApproval, NewResponse, Store};
use tokio::task::JoinSet;

use crate::examples::*;

pub(crate) async fn a_request_reads_back_until_it_is_taken(store: &Store) {
    let tenant = tenant("a_whole");
    ask(store, &tenant, "r", &["a"]).await;
    let new = approval("a");

    let read = store.approvals.get(&tenant, "mcpr_a", NOW).await.unwrap();

    let (response_id, call) = (Some("resp_r".to_owned()), new.call);
    assert_eq!(read, Some(Approval { response_id, call, hash: new.hash }));
    assert!(take(store, &tenant, &["a"], NOW).await);
    assert_eq!(store.approvals.get(&tenant, "mcpr_a", NOW).await.unwrap(), None);
    assert!(!take(store, &tenant, &["a"], NOW).await);
}

pub(crate) async fn a_request_goes_with_its_response(store: &Store) {
    let tenant = tenant("a_cascade");
    ask(store, &tenant, "r", &["a"]).await;

    assert!(store.responses.delete(&tenant, "resp_r").await.unwrap());

    assert_eq!(store.approvals.get(&tenant, "mcpr_a", NOW).await.unwrap(), None);
    assert!(!take(store, &tenant, &["a"], NOW).await);
}

pub(crate) async fn a_request_without_a_response_keeps_no_call(store: &Store) {
    let tenant = tenant("a_unstored");
    let new = NewApproval { call: None, ..approval("a") };
    store.approvals.put(&tenant, vec![new.clone()]).await.unwrap();

    let read = store.approvals.get(&tenant, "mcpr_a", NOW).await.unwrap();

    assert_eq!(read, Some(Approval { response_id: None, call: None, hash: new.hash }));
    let again = store.approvals.put(&tenant, vec![approval("b"), approval("a")]).await;
    assert!(matches!(again, Err(Error::Exists)), "{again:?}");
    assert_eq!(store.approvals.get(&tenant, "mcpr_b", NOW).await.unwrap(), None);
    assert!(take(store, &tenant, &["a"], NOW).await);
}

pub(crate) async fn of_two_who_take_a_request_one_gets_it(store: &Store) {
    let tenant = tenant("a_race");
    ask(store, &tenant, "r", &["a", "b"]).await;
    let mut takers = JoinSet::new();
    for number in 0..20 {
        let (approvals, tenant) = (Arc::clone(&store.approvals), tenant.clone());
        let ids = if number % 2 == 0 { vec!["mcpr_a", "mcpr_b"] } else { vec!["mcpr_b", "mcpr_a"] };
        let ids = ids.into_iter().map(str::to_owned).collect();
        takers.spawn(async move { approvals.take(&tenant, ids, NOW).await.unwrap() });
    }

    let got = takers.join_all().await.into_iter().filter(|got| *got).count();

    assert_eq!(got, 1);
}

pub(crate) async fn requests_are_taken_all_or_none(store: &Store) {
    let tenant = tenant("a_all");
    ask(store, &tenant, "r", &["a", "b"]).await;

    assert!(!take(store, &tenant, &["a", "none"], NOW).await);
    assert!(!take(store, &tenant, &["a", "a"], NOW).await, "named twice");
    assert!(take(store, &tenant, &["b"], NOW).await);
    assert!(!take(store, &tenant, &["a", "b"], NOW).await);
    assert!(take(store, &tenant, &["a"], NOW).await);
    assert!(take(store, &tenant, &[], NOW).await, "nothing to take");
}

pub(crate) async fn tenants_never_see_each_other(store: &Store) {
    let (owner, other) = (tenant("a_owner"), tenant("a_other"));
    ask(store, &owner, "r", &["a"]).await;

    assert_eq!(store.approvals.get(&other, "mcpr_a", NOW).await.unwrap(), None);
    assert!(!take(store, &other, &["a"], NOW).await);
    store.approvals.put(&other, vec![approval("a")]).await.unwrap();
    assert!(take(store, &other, &["a"], NOW).await);
    assert!(take(store, &owner, &["a"], NOW).await);
}

pub(crate) async fn an_old_request_is_unknown(store: &Store) {
    let tenant = tenant("a_old");
    ask(store, &tenant, "r", &["a", "b"]).await;
    let end = NOW + 86_400;

    assert!(take(store, &tenant, &["b"], end - 1).await);
    assert!(store.approvals.get(&tenant, "mcpr_a", end - 1).await.unwrap().is_some());
    assert_eq!(store.approvals.get(&tenant, "mcpr_a", end).await.unwrap(), None);
    assert!(!take(store, &tenant, &["a"], end).await);
    store.approvals.expire(end, 1000).await.unwrap();
    assert_eq!(store.approvals.get(&tenant, "mcpr_a", end - 1).await.unwrap(), None);
    assert!(store.responses.get(&tenant, "resp_r", NOW).await.unwrap().is_some(), "the response stays");
}

pub(crate) async fn a_response_with_a_known_request_is_not_stored(store: &Store) {
    let tenant = tenant("a_twice");
    ask(store, &tenant, "r", &["a"]).await;
    let second = NewResponse { approvals: vec![approval("a")], ..turn("s", None) };

    let result = store.responses.put(&tenant, second).await;

    assert!(matches!(result, Err(Error::Exists)), "{result:?}");
    assert_eq!(store.responses.get(&tenant, "resp_s", NOW).await.unwrap(), None);
}

/// Stores a response `resp_{response}` that asks for approvals.
async fn ask(store: &Store, tenant: &Tenant, response: &str, names: &[&str]) {
    let approvals = names.iter().map(|name| approval(name)).collect();
    store.responses.put(tenant, NewResponse { approvals, ..turn(response, None) }).await.unwrap();
}

async fn take(store: &Store, tenant: &Tenant, names: &[&str], now: i64) -> bool {
    let ids = names.iter().map(|name| format!("mcpr_{name}")).collect();
    store.approvals.take(tenant, ids, now).await.unwrap()
}
