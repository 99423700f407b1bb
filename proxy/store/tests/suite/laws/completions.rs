//! Laws of stored chat completions.

use protocol::id::Tenant;
use protocol::page::{Order, Page};
use serde_json::json;
use store::{CompletionFilter, Error, Listed, Store};

use crate::examples::*;

pub(crate) async fn a_completion_reads_back_with_its_metadata(store: &Store) {
    let tenant = tenant("c_whole");
    let stored = completion("a", NOW, &[("k", "v")]);
    store.completions.put(&tenant, stored.clone()).await.unwrap();

    let read = store.completions.get(&tenant, "chatcmpl-a", NOW).await.unwrap();

    let mut expected = stored.body;
    expected.insert("metadata".to_owned(), json!({"k": "v"}));
    assert_eq!(read, Some(expected));
    let again = store.completions.put(&tenant, completion("a", NOW, &[])).await;
    assert!(matches!(again, Err(Error::Exists)), "{again:?}");
}

pub(crate) async fn a_list_is_filtered_by_model_and_metadata(store: &Store) {
    let tenant = tenant("c_filter");
    put(store, &tenant, completion("a", NOW, &[("k", "v"), ("l", "w")])).await;
    put(store, &tenant, completion("b", NOW, &[("k", "v")])).await;
    put(store, &tenant, completion("c", NOW, &[("k", "other")])).await;
    let mut other = completion("d", NOW, &[("k", "v")]);
    other.model = "other".to_owned();
    put(store, &tenant, other).await;

    let model = Some("demo/echo".to_owned());
    let cases = [
        (CompletionFilter::default(), "abcd"),
        (CompletionFilter { model: model.clone(), metadata: metadata(&[]) }, "abc"),
        (CompletionFilter { model: model.clone(), metadata: metadata(&[("k", "v")]) }, "ab"),
        (CompletionFilter { model, metadata: metadata(&[("k", "v"), ("l", "w")]) }, "a"),
        (CompletionFilter { model: None, metadata: metadata(&[("none", "v")]) }, ""),
    ];
    for (filter, expected) in cases {
        let listed = store.completions.list(&tenant, &filter, &page(20, Order::Asc), NOW).await.unwrap();
        assert_eq!(names(&listed), expected, "{filter:?}");
    }
}

pub(crate) async fn pages_with_ties_neither_skip_nor_repeat(store: &Store) {
    let tenant = tenant("c_ties");
    for (name, created) in [("a", 2), ("b", 1), ("c", 2), ("d", 2), ("e", 3)] {
        put(store, &tenant, completion(name, NOW + created, &[])).await;
    }

    for limit in 1..=6 {
        assert_eq!(all_pages(store, &tenant, limit, Order::Asc).await, "bacde", "{limit}");
        assert_eq!(all_pages(store, &tenant, limit, Order::Desc).await, "edcab", "{limit}");
    }
}

pub(crate) async fn before_is_the_previous_page(store: &Store) {
    let tenant = tenant("c_before");
    for name in ["a", "b", "c", "d"] {
        put(store, &tenant, completion(name, NOW, &[])).await;
    }
    let cursor = |name: &str| Some(format!("chatcmpl-{name}"));
    let back = Page { before: cursor("d"), ..page(2, Order::Asc) };
    let between = Page { after: cursor("d"), before: cursor("a"), ..page(9, Order::Desc) };

    let none = CompletionFilter::default();
    let listed = store.completions.list(&tenant, &none, &back, NOW).await.unwrap();
    assert_eq!((names(&listed).as_str(), listed.has_more), ("bc", true));
    let listed = store.completions.list(&tenant, &none, &between, NOW).await.unwrap();
    assert_eq!((names(&listed).as_str(), listed.has_more), ("cb", false));
}

pub(crate) async fn metadata_is_replaced(store: &Store) {
    let tenant = tenant("c_update");
    put(store, &tenant, completion("a", NOW, &[("k", "v"), ("l", "w")])).await;
    let changed = metadata(&[("k", "new")]);

    assert!(store.completions.update_metadata(&tenant, "chatcmpl-a", &changed, NOW).await.unwrap());

    assert!(!store.completions.update_metadata(&tenant, "chatcmpl-b", &changed, NOW).await.unwrap());
    let read = store.completions.get(&tenant, "chatcmpl-a", NOW).await.unwrap().unwrap();
    assert_eq!(read["metadata"], json!({"k": "new"}));
    for (pairs, expected) in [(&[("k", "new")], "a"), (&[("k", "v")], ""), (&[("l", "w")], "")] {
        let filter = CompletionFilter { model: None, metadata: metadata(pairs) };
        let listed = store.completions.list(&tenant, &filter, &page(9, Order::Asc), NOW).await.unwrap();
        assert_eq!(names(&listed), expected, "{pairs:?}");
    }
}

pub(crate) async fn a_deleted_completion_is_gone(store: &Store) {
    let tenant = tenant("c_deleted");
    put(store, &tenant, completion("a", NOW, &[("k", "v")])).await;

    assert!(store.completions.delete(&tenant, "chatcmpl-a").await.unwrap());

    assert!(!store.completions.delete(&tenant, "chatcmpl-a").await.unwrap());
    assert_eq!(store.completions.get(&tenant, "chatcmpl-a", NOW).await.unwrap(), None);
    let messages = store.completions.messages(&tenant, "chatcmpl-a", &page(9, Order::Asc), NOW).await;
    assert_eq!(messages.unwrap(), None);
    put(store, &tenant, completion("a", NOW, &[("k", "v")])).await;
}

pub(crate) async fn tenants_never_see_each_other(store: &Store) {
    let (owner, other) = (tenant("c_owner"), tenant("c_other"));
    put(store, &owner, completion("a", NOW, &[("k", "v")])).await;
    let completions = &store.completions;

    assert_eq!(completions.get(&other, "chatcmpl-a", NOW).await.unwrap(), None);
    assert!(!completions.delete(&other, "chatcmpl-a").await.unwrap());
    assert!(!completions.update_metadata(&other, "chatcmpl-a", &metadata(&[]), NOW).await.unwrap());
    let page_of = page(9, Order::Asc);
    assert_eq!(completions.messages(&other, "chatcmpl-a", &page_of, NOW).await.unwrap(), None);
    assert_eq!(all_pages(store, &other, 9, Order::Asc).await, "");
    let foreign = Page { after: Some("chatcmpl-a".to_owned()), ..page_of };
    let result = completions.list(&other, &CompletionFilter::default(), &foreign, NOW).await;
    assert!(matches!(result, Err(Error::UnknownCursor { .. })), "{result:?}");
    assert_eq!(all_pages(store, &owner, 9, Order::Asc).await, "a");
}

pub(crate) async fn messages_are_paged_in_order(store: &Store) {
    let tenant = tenant("c_messages");
    let mut stored = completion("a", NOW, &[]);
    stored.messages = (0..3).map(|n| object(json!({"id": format!("m-{n}"), "content": n}))).collect();
    put(store, &tenant, stored.clone()).await;

    let first = store.completions.messages(&tenant, "chatcmpl-a", &page(2, Order::Asc), NOW).await.unwrap();
    let after = Page { after: Some("m-1".to_owned()), ..page(2, Order::Asc) };
    let second = store.completions.messages(&tenant, "chatcmpl-a", &after, NOW).await.unwrap();

    let (head, tail) = (stored.messages[..2].to_vec(), stored.messages[2..].to_vec());
    assert_eq!(first, Some(Listed { items: head, has_more: true }));
    assert_eq!(second, Some(Listed { items: tail, has_more: false }));
}

pub(crate) async fn an_unknown_cursor_is_refused(store: &Store) {
    let tenant = tenant("c_cursor");
    put(store, &tenant, completion("a", NOW, &[])).await;
    let page = Page { after: Some("none".to_owned()), ..page(2, Order::Asc) };

    let listed = store.completions.list(&tenant, &CompletionFilter::default(), &page, NOW).await;
    let messages = store.completions.messages(&tenant, "chatcmpl-a", &page, NOW).await;

    assert!(matches!(listed, Err(Error::UnknownCursor { param: "after", .. })), "{listed:?}");
    assert!(matches!(messages, Err(Error::UnknownCursor { param: "after", .. })), "{messages:?}");
}

pub(crate) async fn an_expired_completion_is_unknown(store: &Store) {
    let tenant = tenant("c_expired");
    let mut stored = completion("a", NOW, &[]);
    stored.expires_at = Some(NOW + 10);
    put(store, &tenant, stored).await;
    let completions = &store.completions;

    assert!(completions.get(&tenant, "chatcmpl-a", NOW + 9).await.unwrap().is_some());
    assert_eq!(completions.get(&tenant, "chatcmpl-a", NOW + 10).await.unwrap(), None);
    let page = page(9, Order::Asc);
    let listed = completions.list(&tenant, &CompletionFilter::default(), &page, NOW + 10).await.unwrap();
    assert_eq!(names(&listed), "");
    assert_eq!(completions.expire(NOW + 9, 9).await.unwrap(), 0);
    assert_eq!(completions.expire(NOW + 10, 9).await.unwrap(), 1);
}

async fn put(store: &Store, tenant: &Tenant, stored: store::NewCompletion) {
    store.completions.put(tenant, stored).await.unwrap();
}

fn names(listed: &Listed<protocol::Object>) -> String {
    let name = |object: &protocol::Object| object["id"].as_str().unwrap()["chatcmpl-".len()..].to_owned();
    listed.items.iter().map(name).collect()
}

async fn all_pages(store: &Store, tenant: &Tenant, limit: u32, order: Order) -> String {
    let (mut page, mut all) = (page(limit, order), String::new());
    loop {
        let listed = store.completions.list(tenant, &CompletionFilter::default(), &page, NOW).await.unwrap();
        all.push_str(&names(&listed));
        if !listed.has_more {
            return all;
        }
        page.after = all.chars().last().map(|name| format!("chatcmpl-{name}"));
    }
}
