//! The laws of an event stream, checked on whatever a test received.

use anyhow::ensure;
use serde_json::Value;

/// Checks a whole stream: order, numbers, pairs, texts, and that its end holds what it told.
pub(crate) fn lawful(events: &[Value]) -> anyhow::Result<()> {
    numbered(events)?;
    framed(events)?;
    let mut items: Vec<Value> = Vec::new();
    let mut text = String::new();
    for event in events {
        match event["type"].as_str().unwrap_or_default() {
            "response.output_item.added" => {
                ensure!(event["output_index"] == items.len(), "indices are dense: {event}");
                items.push(event["item"].clone());
            }
            "response.output_item.done" => {
                let item = at(&mut items, event)?;
                ensure!(item["id"] == event["item"]["id"], "one id from added to done: {event}");
                *item = event["item"].clone();
            }
            "response.content_part.added" => text.clear(),
            "response.output_text.delta" => {
                ensure!(at(&mut items, event)?["id"] == event["item_id"], "a delta names its item: {event}");
                text.push_str(event["delta"].as_str().unwrap_or_default());
            }
            "response.output_text.done" => {
                ensure!(event["text"] == text.as_str(), "deltas give the text: {event}");
            }
            _ => {}
        }
        ensure!(
            event["type"] == "error" || event.get("error").is_none(),
            "an `error` key breaks SDKs: {event}"
        );
    }
    let end = events.last().map(|event| &event["response"]["output"]);
    ensure!(end == Some(&Value::Array(items)), "the end holds the items that were done");
    Ok(())
}

fn at<'a>(items: &'a mut [Value], event: &Value) -> anyhow::Result<&'a mut Value> {
    let index = event["output_index"].as_u64().and_then(|index| usize::try_from(index).ok());
    let item = index.and_then(|index| items.get_mut(index));
    item.ok_or_else(|| anyhow::anyhow!("no item was added for {event}"))
}

fn numbered(events: &[Value]) -> anyhow::Result<()> {
    for (number, event) in events.iter().enumerate() {
        ensure!(event["sequence_number"] == number, "event {number} has number {}", event["sequence_number"]);
    }
    Ok(())
}

fn framed(events: &[Value]) -> anyhow::Result<()> {
    let kind = |index: usize| events.get(index).and_then(|event| event["type"].as_str()).unwrap_or_default();
    ensure!(kind(0) == "response.created", "first: {}", kind(0));
    ensure!(matches!(kind(1), "response.in_progress" | "response.queued"), "second: {}", kind(1));
    let terminal = |event: &&Value| {
        matches!(
            event["type"].as_str(),
            Some("response.completed" | "response.incomplete" | "response.failed")
        )
    };
    ensure!(events.iter().filter(terminal).count() == 1, "one terminal event");
    ensure!(events.last().as_ref().is_some_and(terminal), "the terminal event is the last");
    Ok(())
}
