//! Laws of images, which lie beside their items.

use protocol::id::Tenant;
use protocol::page::Order;
use protocol::responses::item::{Item, KEPT_IMAGE};
use serde_json::json;
use store::{NewResponse, Store};

use crate::examples::*;

/// Base64 of a large image.
fn large() -> String {
    "iVBORw0KGgo=".repeat(200_000)
}

/// Base64 of an image that is just large enough to lie beside its item.
fn other() -> String {
    "QUJD".repeat(4096)
}

fn image(id: &str, result: &str) -> Item {
    item(
        json!({"id": id, "type": "image_generation_call", "status": "completed", "result": result, "size": "1024x1024"}),
    )
}

/// A turn that made `result` as `ig_{name}`.
fn painted(name: &str, previous: Option<&str>, result: &str) -> NewResponse {
    let mut turn = turn(name, previous);
    turn.response.output.insert(0, image(&format!("ig_{name}"), result));
    turn
}

async fn input(store: &Store, tenant: &Tenant, name: &str) -> Vec<Item> {
    let page = page(9, Order::Asc);
    let listed = store.responses.input_items(tenant, &format!("resp_{name}"), &page, NOW).await;
    listed.unwrap().unwrap().items
}

pub(crate) async fn an_image_reads_back_and_a_chain_does_not_carry_it(store: &Store) {
    let tenant = tenant("images");
    let stored = painted("a", None, &large());
    store.responses.put(&tenant, stored.clone()).await.unwrap();
    store.responses.put(&tenant, turn("b", Some("a"))).await.unwrap();

    let read = store.responses.get(&tenant, "resp_a", NOW).await.unwrap().unwrap();
    assert!(read == stored.response, "the response reads back whole");
    let chain = chain_items(&*store.responses, &tenant, "b").await;
    assert!(serde_json::to_string(&chain).unwrap().len() < 4096, "the chain stays small");
    assert_eq!(chain[1], image("ig_a", KEPT_IMAGE));
    assert_eq!(store.responses.image(&tenant, "ig_a", NOW).await.unwrap(), Some(large()));
    assert!(input(store, &tenant, "b").await[1] == stored.response.output[0], "a list shows the image");
    let found = store.responses.item(&tenant, "ig_a", NOW).await.unwrap();
    assert_eq!(found, Some(image("ig_a", KEPT_IMAGE)));
}

pub(crate) async fn a_later_response_refers_to_the_image_of_an_earlier_one(store: &Store) {
    let tenant = tenant("references");
    store.responses.put(&tenant, painted("a", None, &large())).await.unwrap();
    let mut later = turn("b", None);
    later.input.insert(0, image("ig_a", KEPT_IMAGE));
    store.responses.put(&tenant, later).await.unwrap();
    let mut replayed = turn("c", None);
    replayed.input.insert(0, image("ig_a", &other()));
    store.responses.put(&tenant, replayed).await.unwrap();

    assert!(input(store, &tenant, "b").await[0] == image("ig_a", &large()), "the first image with this id");
    assert!(input(store, &tenant, "c").await[0] == image("ig_a", &other()), "its own image comes first");
    store.responses.delete(&tenant, "resp_a").await.unwrap();
    store.responses.delete(&tenant, "resp_c").await.unwrap();
    let gone =
        item(json!({"id": "ig_a", "type": "image_generation_call", "status": "completed", "result": null,
        "size": "1024x1024"}));
    assert_eq!(input(store, &tenant, "b").await[0], gone);
}

pub(crate) async fn an_image_goes_with_its_response(store: &Store) {
    let tenant = tenant("image_expiry");
    let stored = NewResponse { expires_at: Some(NOW + 5), ..painted("a", None, &large()) };
    store.responses.put(&tenant, stored).await.unwrap();
    store.responses.put(&tenant, painted("b", None, &large())).await.unwrap();

    assert_eq!(store.responses.image(&tenant, "ig_a", NOW + 5).await.unwrap(), None, "it is expired");
    assert!(store.responses.image(&tenant, "ig_a", NOW).await.unwrap().is_some());
    store.responses.delete(&tenant, "resp_b").await.unwrap();
    assert_eq!(store.responses.image(&tenant, "ig_b", NOW).await.unwrap(), None);
    store.responses.delete(&tenant, "resp_a").await.unwrap();
}

pub(crate) async fn nobody_sees_the_images_of_another_tenant(store: &Store) {
    let (red, blue) = (tenant("image_red"), tenant("image_blue"));
    store.responses.put(&red, painted("a", None, &large())).await.unwrap();
    let mut guess = turn("b", None);
    guess.input.insert(0, image("ig_a", KEPT_IMAGE));
    store.responses.put(&blue, guess).await.unwrap();

    assert_eq!(store.responses.image(&blue, "ig_a", NOW).await.unwrap(), None);
    let Item::ImageGenerationCall(seen) = &input(store, &blue, "b").await[0] else { panic!("no image") };
    assert_eq!(seen.result, None);
}

pub(crate) async fn a_result_that_is_no_text_of_an_image_does_no_harm(store: &Store) {
    let tenant = tenant("image_null");
    for (name, result) in [("a", "\0"), ("b", "")] {
        let mut stored = turn(name, None);
        stored.input.insert(0, image(&format!("ig_{name}"), result));
        store.responses.put(&tenant, stored).await.unwrap();
        assert_eq!(input(store, &tenant, name).await[0], image(&format!("ig_{name}"), result));
    }
}

pub(crate) async fn a_small_image_is_found_in_its_item(store: &Store) {
    let (tenant, other) = (tenant("image_small"), tenant("image_small_other"));
    store.responses.put(&tenant, painted("a", None, "QQ==")).await.unwrap();
    store.responses.put(&tenant, turn("b", Some("a"))).await.unwrap();

    assert_eq!(store.responses.image(&tenant, "ig_a", NOW).await.unwrap().as_deref(), Some("QQ=="));
    assert_eq!(store.responses.image(&other, "ig_a", NOW).await.unwrap(), None);
    assert_eq!(chain_items(&*store.responses, &tenant, "b").await[1], image("ig_a", "QQ=="));
}

pub(crate) async fn an_item_of_very_many_images_reads_back(store: &Store) {
    let tenant = tenant("image_many");
    let url = |number: usize| match number % 64 {
        0 => format!("{number}{}", other()),
        1 => KEPT_IMAGE.to_owned(),
        _ => String::new(),
    };
    let outputs: Vec<_> = (0..4096).map(|number| json!({"type": "image", "url": url(number)})).collect();
    let whole = json!({"id": "ci_a", "type": "code_interpreter_call", "outputs": outputs});
    let mut stored = turn("a", None);
    stored.input.insert(0, item(whole.clone()));
    store.responses.put(&tenant, stored).await.unwrap();

    let read = serde_json::to_value(&input(store, &tenant, "a").await[0]).unwrap();
    for (number, sent) in whole["outputs"].as_array().unwrap().iter().enumerate() {
        let expected = if number % 64 == 1 { &serde_json::Value::Null } else { &sent["url"] };
        assert!(read["outputs"][number]["url"] == *expected, "{number}");
    }
}

pub(crate) async fn expired_responses_go_with_many_images(store: &Store) {
    let tenant = tenant("image_batches");
    for number in 0..40 {
        let painted = painted(&number.to_string(), None, &other());
        let expires_at = Some(NOW - 1000 - number % 2);
        store.responses.put(&tenant, NewResponse { expires_at, ..painted }).await.unwrap();
    }
    assert_eq!(store.responses.expire(NOW - 1000, 30).await.unwrap(), 30);
    assert_eq!(store.responses.expire(NOW - 1000, 30).await.unwrap(), 10);
}
