//! Laws of stored responses.

use protocol::page::{Order, Page};
use protocol::responses::response::Status;
use serde_json::json;
use store::{Chain, Error, Store};

use crate::examples::*;

pub(crate) async fn a_response_reads_back_whole(store: &Store) {
    let tenant = tenant("whole");
    let mut stored = turn("a", None);
    stored.response.metadata = metadata(&[("k", "v")]);
    stored.response.output.push(item(json!({"type": "from_the_future", "id": "x_1", "n": 1.5})));
    store.responses.put(&tenant, stored.clone()).await.unwrap();

    let read = store.responses.get(&tenant, "resp_a", NOW).await.unwrap();

    assert_eq!(read, Some(stored.response));
}

pub(crate) async fn a_response_is_stored_once(store: &Store) {
    let tenant = tenant("once");
    store.responses.put(&tenant, turn("a", None)).await.unwrap();
    let mut second = turn("a", None);
    second.response.model = "other".to_owned();

    let result = store.responses.put(&tenant, second).await;

    assert!(matches!(result, Err(Error::Exists)), "{result:?}");
    let read = store.responses.get(&tenant, "resp_a", NOW).await.unwrap().unwrap();
    assert_eq!(read.model, "demo/echo");
}

pub(crate) async fn a_chain_is_read_oldest_first(store: &Store) {
    let tenant = tenant("oldest_first");
    three_turns(store, &tenant).await;

    let chain = store.responses.chain(&tenant, "resp_c", NOW).await.unwrap();

    let Chain::Found { items, status, model, turns } = chain else { panic!("not found") };
    let expected = ["msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out", "msg_c_in", "msg_c_out"];
    assert_eq!(ids(&items), expected);
    assert_eq!((status, model.as_str(), turns), (Status::Completed, "demo/echo", 3));
}

pub(crate) async fn a_long_chain_is_whole(store: &Store) {
    let tenant = tenant("long");
    store.responses.put(&tenant, turn("t0", None)).await.unwrap();
    for n in 1..200 {
        let (name, previous) = (format!("t{n}"), format!("t{}", n - 1));
        store.responses.put(&tenant, turn(&name, Some(&previous))).await.unwrap();
    }

    let items = chain_items(&*store.responses, &tenant, "t199").await;

    assert_eq!(items.len(), 400);
    assert_eq!(items[398].id(), "msg_t199_in");
}

pub(crate) async fn a_chain_without_its_beginning_is_not_found(store: &Store) {
    let tenant = tenant("broken");
    three_turns(store, &tenant).await;
    store.responses.delete(&tenant, "resp_a").await.unwrap();

    assert_eq!(store.responses.chain(&tenant, "resp_c", NOW).await.unwrap(), Chain::NotFound);
    assert_eq!(store.responses.chain(&tenant, "resp_none", NOW).await.unwrap(), Chain::NotFound);
    let listed = store.responses.input_items(&tenant, "resp_c", &page(9, Order::Asc), NOW).await.unwrap();
    assert_eq!(listed, None);
    assert!(store.responses.get(&tenant, "resp_c", NOW).await.unwrap().is_some());
}

pub(crate) async fn a_failed_turn_passes_on_only_finished_output(store: &Store) {
    let tenant = tenant("failed");
    let mut failed = turn("a", None);
    failed.response.status = Status::Failed;
    let cut = json!({"id": "fc_1", "type": "function_call", "status": "incomplete", "arguments": "{",
        "call_id": "call_1", "name": "f"});
    failed.response.output.push(item(cut));
    store.responses.put(&tenant, failed).await.unwrap();

    let items = chain_items(&*store.responses, &tenant, "a").await;

    assert_eq!(ids(&items), ["msg_a_in", "msg_a_out"]);
    let read = store.responses.get(&tenant, "resp_a", NOW).await.unwrap().unwrap();
    assert_eq!(ids(&read.output), ["msg_a_out", "fc_1"]);
}

pub(crate) async fn a_deleted_response_is_gone_with_its_items(store: &Store) {
    let tenant = tenant("deleted");
    store.responses.put(&tenant, turn("a", None)).await.unwrap();

    assert!(store.responses.delete(&tenant, "resp_a").await.unwrap());

    assert!(!store.responses.delete(&tenant, "resp_a").await.unwrap());
    assert_eq!(store.responses.get(&tenant, "resp_a", NOW).await.unwrap(), None);
    assert_eq!(store.responses.item(&tenant, "msg_a_in", NOW).await.unwrap(), None);
    assert_eq!(store.responses.chain(&tenant, "resp_a", NOW).await.unwrap(), Chain::NotFound);
}

pub(crate) async fn tenants_never_see_each_other(store: &Store) {
    let (owner, other) = (tenant("owner"), tenant("other"));
    store.responses.put(&owner, turn("a", None)).await.unwrap();
    store.responses.put(&other, turn("mine", Some("a"))).await.unwrap();

    let responses = &store.responses;
    assert_eq!(responses.get(&other, "resp_a", NOW).await.unwrap(), None);
    assert_eq!(responses.chain(&other, "resp_a", NOW).await.unwrap(), Chain::NotFound);
    assert_eq!(responses.chain(&other, "resp_mine", NOW).await.unwrap(), Chain::NotFound);
    assert_eq!(responses.item(&other, "msg_a_in", NOW).await.unwrap(), None);
    assert_eq!(responses.input_items(&other, "resp_a", &page(9, Order::Asc), NOW).await.unwrap(), None);
    assert!(!responses.delete(&other, "resp_a").await.unwrap());
    assert!(responses.get(&owner, "resp_a", NOW).await.unwrap().is_some());
}

pub(crate) async fn tenants_may_use_the_same_ids(store: &Store) {
    let (one, two) = (tenant("one"), tenant("two"));
    store.responses.put(&one, turn("same", None)).await.unwrap();
    let mut second = turn("same", None);
    second.response.model = "other".to_owned();
    store.responses.put(&two, second).await.unwrap();

    store.responses.delete(&one, "resp_same").await.unwrap();

    let read = store.responses.get(&two, "resp_same", NOW).await.unwrap().unwrap();
    assert_eq!((read.model.as_str(), read.output.len()), ("other", 1));
}

pub(crate) async fn input_items_are_the_context_without_the_output(store: &Store) {
    let tenant = tenant("context");
    three_turns(store, &tenant).await;

    let listed =
        store.responses.input_items(&tenant, "resp_c", &page(9, Order::Asc), NOW).await.unwrap().unwrap();

    assert_eq!(ids(&listed.items), ["msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out", "msg_c_in"]);
    assert!(!listed.has_more);
}

pub(crate) async fn input_items_leave_out_compaction(store: &Store) {
    let tenant = tenant("compaction");
    let mut first = turn("a", None);
    let sealed = json!({"id": "cmp_1", "type": "compaction", "encrypted_content": "x"});
    first.response.output.push(item(sealed));
    store.responses.put(&tenant, first).await.unwrap();
    store.responses.put(&tenant, turn("b", Some("a"))).await.unwrap();

    let listed =
        store.responses.input_items(&tenant, "resp_b", &page(9, Order::Asc), NOW).await.unwrap().unwrap();

    assert_eq!(ids(&listed.items), ["msg_a_in", "msg_a_out", "msg_b_in"]);
    assert_eq!(chain_items(&*store.responses, &tenant, "b").await.len(), 5);
}

pub(crate) async fn pages_of_input_items_neither_skip_nor_repeat(store: &Store) {
    let tenant = tenant("pages");
    three_turns(store, &tenant).await;
    let forwards = ["msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out", "msg_c_in"];
    let backwards: Vec<_> = forwards.iter().rev().copied().collect();

    for limit in 1..=6 {
        assert_eq!(all_pages(store, &tenant, limit, Order::Asc).await, forwards, "{limit}");
        assert_eq!(all_pages(store, &tenant, limit, Order::Desc).await, backwards, "{limit}");
    }
}

pub(crate) async fn an_item_that_was_sent_twice_is_listed_once(store: &Store) {
    let tenant = tenant("twice");
    store.responses.put(&tenant, turn("a", None)).await.unwrap();
    let mut second = turn("b", Some("a"));
    second.input.insert(0, message("msg_a_in", "user", "again"));
    store.responses.put(&tenant, second).await.unwrap();
    store.responses.put(&tenant, turn("c", Some("b"))).await.unwrap();

    for limit in 1..=6 {
        let listed = all_pages(store, &tenant, limit, Order::Asc).await;
        assert_eq!(listed, ["msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out", "msg_c_in"], "{limit}");
    }
}

pub(crate) async fn an_unknown_cursor_is_refused(store: &Store) {
    let tenant = tenant("cursor");
    three_turns(store, &tenant).await;
    let after = Page { after: Some("msg_c_out".to_owned()), ..page(9, Order::Asc) };
    let before = Page { before: Some("msg_none".to_owned()), ..page(9, Order::Asc) };

    for (page, expected) in [(after, "after"), (before, "before")] {
        let result = store.responses.input_items(&tenant, "resp_c", &page, NOW).await;
        assert!(matches!(result, Err(Error::UnknownCursor { param, .. }) if param == expected), "{result:?}");
    }
}

pub(crate) async fn an_item_is_found_by_its_id(store: &Store) {
    let tenant = tenant("item");
    let stored = turn("a", None);
    store.responses.put(&tenant, stored.clone()).await.unwrap();

    let (input, output) = (&stored.input[0], &stored.response.output[0]);
    assert_eq!(store.responses.item(&tenant, "msg_a_in", NOW).await.unwrap().as_ref(), Some(input));
    assert_eq!(store.responses.item(&tenant, "msg_a_out", NOW).await.unwrap().as_ref(), Some(output));
    assert_eq!(store.responses.item(&tenant, "", NOW).await.unwrap(), None);
}

pub(crate) async fn an_expired_response_is_unknown_before_it_is_deleted(store: &Store) {
    let tenant = tenant("expired");
    let mut first = turn("a", None);
    first.expires_at = Some(NOW + 10);
    store.responses.put(&tenant, first).await.unwrap();
    store.responses.put(&tenant, turn("b", Some("a"))).await.unwrap();
    let responses = &store.responses;

    assert!(responses.get(&tenant, "resp_a", NOW + 9).await.unwrap().is_some());

    let late = NOW + 10;
    assert_eq!(responses.get(&tenant, "resp_a", late).await.unwrap(), None);
    assert_eq!(responses.item(&tenant, "msg_a_in", late).await.unwrap(), None);
    assert_eq!(responses.chain(&tenant, "resp_b", late).await.unwrap(), Chain::NotFound);
    assert!(responses.get(&tenant, "resp_b", late).await.unwrap().is_some());
    responses.delete(&tenant, "resp_a").await.unwrap();
}

pub(crate) async fn expiry_deletes_at_most_a_batch(store: &Store) {
    let tenant = tenant("batch");
    for n in 0..5 {
        let mut stored = turn(&n.to_string(), None);
        stored.expires_at = Some(NOW + n);
        store.responses.put(&tenant, stored).await.unwrap();
    }

    assert_eq!(store.responses.expire(NOW - 1, 9).await.unwrap(), 0);
    assert_eq!(store.responses.expire(NOW + 3, 3).await.unwrap(), 3);
    assert_eq!(store.responses.expire(NOW + 3, 3).await.unwrap(), 1);

    assert!(store.responses.get(&tenant, "resp_4", NOW).await.unwrap().is_some());
    assert_eq!(store.responses.expire(NOW + 9, 9).await.unwrap(), 1);
}

pub(crate) async fn text_with_a_null_character_does_no_harm(store: &Store) {
    let tenant = tenant("null");
    let mut stored = turn("a", None);
    stored.input = vec![message("msg_a_in", "user", "be\0fore, 'quoted' \"twice\", \u{1F600}")];
    store.responses.put(&tenant, stored.clone()).await.unwrap();

    let items = chain_items(&*store.responses, &tenant, "a").await;

    assert_eq!(items[0], stored.input[0]);
}

pub(crate) async fn many_items_keep_their_order(store: &Store) {
    let tenant = tenant("order");
    let mut stored = turn("a", None);
    stored.input = (0..150).map(|n| message(&format!("msg_{n}"), "user", "x")).collect();
    let expected: Vec<_> = stored.input.iter().chain(&stored.response.output).cloned().collect();
    store.responses.put(&tenant, stored).await.unwrap();

    assert_eq!(chain_items(&*store.responses, &tenant, "a").await, expected);
}

pub(crate) async fn one_refused_write_spoils_no_other(store: &Store) {
    let tenant = tenant("group");
    store.responses.put(&tenant, turn("3", None)).await.unwrap();
    let names: Vec<_> = (0..8).map(|n| n.to_string()).collect();
    let puts = names.iter().map(|name| store.responses.put(&tenant, turn(name, None)));

    let results = futures_util::future::join_all(puts).await;

    for (name, result) in names.iter().zip(results) {
        assert_eq!(result.is_err(), name == "3", "{name}: {result:?}");
        assert!(store.responses.get(&tenant, &format!("resp_{name}"), NOW).await.unwrap().is_some());
    }
}

async fn three_turns(store: &Store, tenant: &protocol::id::Tenant) {
    for (name, previous) in [("a", None), ("b", Some("a")), ("c", Some("b"))] {
        store.responses.put(tenant, turn(name, previous)).await.unwrap();
    }
}

async fn all_pages(store: &Store, tenant: &protocol::id::Tenant, limit: u32, order: Order) -> Vec<String> {
    let (mut page, mut all) = (page(limit, order), Vec::new());
    loop {
        let listed = store.responses.input_items(tenant, "resp_c", &page, NOW).await.unwrap().unwrap();
        assert!(listed.items.len() <= limit as usize);
        all.extend(listed.items.iter().map(|item| item.id().to_owned()));
        if !listed.has_more {
            return all;
        }
        page.after = all.last().cloned();
    }
}
