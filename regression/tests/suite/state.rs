//! What is kept: responses, chains, their items.

use regression::fakes::model::Say;
use serde_json::{Value, json};

use super::stage::{Stage, hello, last, text};

async fn turn(stage: &Stage, input: &str, previous: Option<&Value>) -> anyhow::Result<Value> {
    let mut body = json!({"model": "demo", "input": input});
    if let Some(previous) = previous {
        body["previous_response_id"] = previous["id"].clone();
    }
    let answer = stage.respond(&body).await?;
    anyhow::ensure!(answer.status == 200, "{}", answer.text());
    Ok(answer.json())
}

fn path(response: &Value) -> String {
    format!("/v1/responses/{}", response["id"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn what_was_sent_is_what_is_stored() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let buffered = turn(&stage, "Hello", None).await?;
    let streamed = last(&stage.stream(&hello()).await?);
    for response in [buffered, streamed] {
        let stored = stage.api().get(&path(&response)).await?;
        assert_eq!((stored.status, stored.json()), (200, response));
    }
    Ok(())
}

#[tokio::test]
async fn a_chain_gives_the_model_each_turn_once_and_in_order() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut previous = None;
    for number in 0..5 {
        stage.script(Say::text(&[&format!("Answer {number}")]));
        previous = Some(turn(&stage, &format!("Question {number}"), previous.as_ref()).await?);
    }
    let messages = stage.model.requests()[4].json()["messages"].clone();
    let said: Vec<&str> = messages.as_array().unwrap().iter().filter_map(|m| m["content"].as_str()).collect();
    let expected = [
        "Question 0",
        "Answer 0",
        "Question 1",
        "Answer 1",
        "Question 2",
        "Answer 2",
        "Question 3",
        "Answer 3",
        "Question 4",
    ];
    assert_eq!(said, expected);
    Ok(())
}

#[tokio::test]
async fn instructions_are_not_inherited() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let first =
        stage.respond(&json!({"model": "demo", "input": "One", "instructions": "Be brief."})).await?.json();
    turn(&stage, "Two", Some(&first)).await?;
    assert_eq!(stage.model.requests()[1].json()["messages"][0], json!({"role": "user", "content": "One"}));
    Ok(())
}

#[tokio::test]
async fn a_chain_survives_a_restart() -> anyhow::Result<()> {
    let mut stage = Stage::chat().await?;
    let first = turn(&stage, "Remember the fox", None).await?;
    stage.proxy.restart().await?;
    assert_eq!(stage.api().get(&path(&first)).await?.json(), first);
    let second = turn(&stage, "And now", Some(&first)).await?;
    assert!(text(&second).ends_with("Before that: Remember the fox"), "{}", text(&second));
    Ok(())
}

#[tokio::test]
async fn a_deleted_response_is_gone_and_its_chain_broken() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let first = turn(&stage, "One", None).await?;
    let second = turn(&stage, "Two", Some(&first)).await?;
    let deleted = stage.api().delete(&path(&first)).await?.json();
    assert_eq!(deleted, json!({"id": first["id"], "object": "response", "deleted": true}));
    assert_eq!(stage.api().get(&path(&first)).await?.status, 404);
    assert_eq!(stage.api().delete(&path(&first)).await?.status, 404);
    let broken = json!({"model": "demo", "input": "Three", "previous_response_id": second["id"]});
    let answer = stage.respond(&broken).await?;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (400, Some("previous_response_not_found"))
    );
    assert_eq!(stage.api().get(&path(&second)).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not_found_and_not_continued() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let response = stage
        .respond(&json!({"model": "demo", "input": "One", "store": false, "metadata": {"a": "b"}}))
        .await?
        .json();
    assert_eq!((&response["store"], &response["metadata"]), (&json!(false), &json!({"a": "b"})));
    assert_eq!(stage.api().get(&path(&response)).await?.status, 404);
    let next = json!({"model": "demo", "input": "Two", "previous_response_id": response["id"]});
    assert_eq!(stage.respond(&next).await?.json()["error"]["code"], "previous_response_not_found");
    Ok(())
}

#[tokio::test]
async fn input_items_are_paged_without_gaps_in_both_orders() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let input: Vec<Value> = (0..5).map(|n| json!({"role": "user", "content": format!("Part {n}")})).collect();
    let response = stage.respond(&json!({"model": "demo", "input": input})).await?.json();
    for (order, expected) in [("asc", [0, 1, 2, 3, 4]), ("desc", [4, 3, 2, 1, 0])] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let query = format!("{}/input_items?limit=2&order={order}{after}", path(&response));
            let page = stage.api().get(&query).await?.json();
            let items = page["data"].as_array().cloned().unwrap_or_default();
            assert_eq!(page["first_id"], items[0]["id"], "{page}");
            seen.extend(
                items.iter().map(|item| item["content"][0]["text"].as_str().unwrap_or_default().to_owned()),
            );
            after = format!("&after={}", page["last_id"].as_str().unwrap_or_default());
            if page["has_more"] == false {
                break;
            }
        }
        assert_eq!(seen, expected.map(|n| format!("Part {n}")), "{order}");
    }
    let newest = stage.api().get(&format!("{}/input_items", path(&response))).await?.json();
    assert_eq!(newest["data"][0]["content"][0]["text"], "Part 4", "newest first by default");
    let wrong = stage.api().get(&format!("{}/input_items?limit=101", path(&response))).await?;
    assert_eq!((wrong.status, wrong.json()["error"]["param"].as_str()), (400, Some("limit")));
    Ok(())
}

#[tokio::test]
async fn the_items_of_a_chain_are_the_context_without_the_own_output() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::text(&["A1"])).script(Say::text(&["A2"]));
    let first = turn(&stage, "Q1", None).await?;
    let second = turn(&stage, "Q2", Some(&first)).await?;
    let items = stage.api().get(&format!("{}/input_items?order=asc", path(&second))).await?.json();
    let said: Vec<&str> = items["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["content"][0]["text"].as_str())
        .collect();
    assert_eq!(said, ["Q1", "A1", "Q2"]);
    Ok(())
}

#[tokio::test]
async fn an_item_can_be_named_instead_of_repeated() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::text(&["The fox is red."]));
    let first = turn(&stage, "Tell me", None).await?;
    let reference = json!({"type": "item_reference", "id": first["output"][0]["id"]});
    let body = json!({"model": "demo", "input": [reference, {"role": "user", "content": "Why?"}]});
    assert_eq!(stage.respond(&body).await?.status, 200);
    let messages = stage.model.requests()[1].json()["messages"].clone();
    assert_eq!(
        (&messages[0]["role"], &messages[0]["content"]),
        (&json!("assistant"), &json!("The fox is red."))
    );
    let unknown = json!({"model": "demo", "input": [{"type": "item_reference", "id": "msg_unknown"}]});
    assert_eq!(stage.respond(&unknown).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn unknown_items_and_fields_come_back_as_they_were() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": "Hello", "x_part": 1}], "x_item": {"b": 1, "a": 2}}]);
    let response = stage.respond(&json!({"model": "demo", "input": input})).await?.json();
    let item = stage.api().get(&format!("{}/input_items", path(&response))).await?.json()["data"][0].clone();
    assert_eq!(
        (&item["x_item"], &item["content"][0]["x_part"]),
        (&json!({"b": 1, "a": 2}), &json!(1)),
        "{item}"
    );
    Ok(())
}
