//! What a call does, as steps of its answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::act::Act;
use super::behaviour::Behaviour;
use super::perform::Step;
use super::rpc::Asked;

pub(super) fn steps(asked: &Asked, behaviour: &Behaviour, is_modern: bool) -> Vec<Step> {
    let name = asked.params()["name"].as_str();
    let tool = behaviour.tools.iter().find(|tool| tool.name().is_some() && tool.name() == name);
    let Some(tool) = tool else {
        return vec![Step::Message(asked.result(&failed("Unknown tool")))];
    };
    let mut steps = acted(asked, &tool.act);
    for step in &mut steps {
        complete(step, is_modern);
    }
    steps
}

/// A modern result says that it is complete.
fn complete(step: &mut Step, is_modern: bool) {
    let Step::Message(message) = step else { return };
    let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) else { return };
    if is_modern && !result.contains_key("resultType") {
        result.insert("resultType".to_owned(), json!("complete"));
    }
}

fn acted(asked: &Asked, act: &Act) -> Vec<Step> {
    let arguments = &asked.params()["arguments"];
    let result = match act {
        Act::Echo => said(arguments["text"].as_str().unwrap_or_default()),
        Act::Add => {
            let sum =
                arguments["a"].as_f64().unwrap_or_default() + arguments["b"].as_f64().unwrap_or_default();
            json!({"content": [text(&format!("{{\"sum\": {sum}}}"))], "structuredContent": {"sum": sum}})
        }
        Act::Meta => json!({"structuredContent": asked.params()["_meta"]}),
        Act::Blocks => blocks(),
        Act::Fail => failed("the disk is on fire"),
        Act::Huge(size) => said(&"x".repeat(*size)),
        Act::Result(result) => result.clone(),
        Act::Ask(times) => return vec![Step::Message(asked.result(&questioned(asked, *times)))],
        Act::Sample => {
            let question =
                json!({"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}});
            json!({"resultType": "input_required", "inputRequests": {"q": question}})
        }
        Act::Hang => return vec![Step::Hang],
        Act::Held(until) => {
            let done = Step::Message(asked.result(&said("done")));
            return vec![Step::Held(Arc::clone(until)), done];
        }
        Act::Error(code, message) => return vec![Step::Message(asked.error(*code, message))],
        Act::Change => {
            let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
            return vec![Step::Message(changed), Step::Message(asked.result(&said("changed")))];
        }
        Act::Progress(times, pause) => {
            let step = |n| [Step::Wait(*pause), Step::Message(asked.progress(n, *times))];
            let mut steps: Vec<Step> = (1..=*times).flat_map(step).collect();
            steps.extend([Step::Wait(*pause), Step::Message(asked.result(&said("done")))]);
            return steps;
        }
    };
    vec![Step::Message(asked.result(&result))]
}

/// Asks until it has asked often enough; the state counts.
fn questioned(asked: &Asked, times: usize) -> Value {
    let params = asked.params();
    let so_far: usize =
        params["requestState"].as_str().and_then(|state| state.parse().ok()).unwrap_or_default();
    if so_far >= times {
        return said(&format!("answered {}", params["inputResponses"]["q"]["action"]));
    }
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let question = json!({"method": "elicitation/create", "params": {"mode": "form", "message": "Who?", "requestedSchema": schema}});
    json!({"resultType": "input_required", "inputRequests": {"q": question}, "requestState": (so_far + 1).to_string()})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn said(words: &str) -> Value {
    json!({"content": [text(words)]})
}

fn failed(words: &str) -> Value {
    json!({"content": [text(words)], "isError": true})
}

fn blocks() -> Value {
    json!({"content": [
        text("see"),
        {"type": "image", "data": "AAAAAAAA", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "note:1", "mimeType": "text/plain", "text": "a note"}},
        {"type": "resource_link", "uri": "note:2", "name": "two"},
    ]})
}
