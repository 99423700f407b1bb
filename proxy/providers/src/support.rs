//! What the tests of the dialects share.

use std::sync::Arc;

use agent::model::{
    Hints, ModelChoice, ModelError, ModelEvent, ModelRequest, ModelTool, Sampling, StopReason, ToolInput,
};
use protocol::Object;
use protocol::responses::item::Item;
use protocol::responses::response::{ReasoningConfig, TextConfig};
use protocol::sse::decode::{Decoder as Frames, TooLong};
use serde_json::{Value, json};

use crate::dialect::{Decoder, Dialect};

pub(crate) mod server;

/// The events of an answer, and the error that ended it.
pub(crate) type Read = (Vec<ModelEvent>, Option<ModelError>);

enum Fault {
    Model(ModelError),
    TooLong,
}

impl From<TooLong> for Fault {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

/// A streamed request that says `hi` and offers the tools of [`tools`].
pub(crate) fn request() -> ModelRequest {
    ModelRequest {
        model: "m1".to_owned(),
        instructions: None,
        items: items(
            json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]),
        ),
        tools: Arc::new(tools()),
        tool_choice: ModelChoice::Auto,
        parallel_tool_calls: None,
        sampling: Sampling::default(),
        text: TextConfig::default(),
        reasoning: ReasoningConfig::default(),
        encrypted_reasoning: false,
        logprobs: false,
        stream: true,
        hints: Hints::default(),
        native: Object::new(),
    }
}

/// Functions `get`, `get_weather` and `add`, and the custom tool `patch`.
pub(crate) fn tools() -> Vec<ModelTool> {
    let input = || ToolInput::Schema { parameters: Some(json!({"type": "object"})), strict: None };
    let names = ["get", "get_weather", "add"];
    let mut tools: Vec<ModelTool> = names
        .iter()
        .map(|name| ModelTool { name: (*name).to_owned(), description: None, input: input() })
        .collect();
    let format = Some(json!({"type": "grammar", "syntax": "lark", "definition": "start: WORD"}));
    let description = Some("Edits.".to_owned());
    tools.push(ModelTool { name: "patch".to_owned(), description, input: ToolInput::Text { format } });
    tools
}

pub(crate) fn items(value: Value) -> Arc<Vec<Item>> {
    Arc::new(serde_json::from_value(value).unwrap())
}

/// Reads a stream in the given pieces.
pub(crate) fn read<'b>(dialect: &dyn Dialect, pieces: impl IntoIterator<Item = &'b [u8]>) -> Read {
    let (mut decoder, mut frames, mut out) = (dialect.decoder(&request()), Frames::new(1 << 20), Vec::new());
    let mut error = None;
    for piece in pieces {
        let fed = frames.feed(piece, |frame| decoder.feed(frame, &mut out).map_err(Fault::Model));
        if let Err(fault) = fed {
            error = Some(fault);
            break;
        }
    }
    let error = match error {
        None => decoder.end(&mut out).err(),
        Some(Fault::Model(error)) => Some(error),
        Some(Fault::TooLong) => panic!("too long"),
    };
    check(&out, error.as_ref());
    (out, error)
}

/// Reads a stream of these data lines.
pub(crate) fn lines(dialect: &dyn Dialect, data: &[&str]) -> Read {
    let text: String = data.iter().map(|line| format!("data: {line}\n\n")).collect();
    read(dialect, [text.as_bytes()])
}

/// Reads a body that is one JSON text.
pub(crate) fn whole(dialect: &dyn Dialect, body: &str) -> Read {
    let (mut decoder, mut out): (Box<dyn Decoder>, _) = (dialect.decoder(&request()), Vec::new());
    let error = decoder.whole(body.as_bytes(), &mut out).err();
    check(&out, error.as_ref());
    (out, error)
}

/// Every recorded answer gives the same events however its bytes are cut.
pub(crate) fn cuts_change_nothing(dialect: &dyn Dialect, bytes: &[u8]) {
    let expected = read(dialect, [bytes]);
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(read(dialect, [head, tail]), expected, "cut at {cut}");
    }
    assert_eq!(read(dialect, bytes.chunks(1)), expected, "cut everywhere");
}

/// One event a line.
pub(crate) fn shown((events, error): &Read) -> String {
    let mut lines: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    lines.extend(error.iter().map(|error| format!("{:?}: {}", error.cause, error.error)));
    lines.join("\n")
}

pub(crate) fn text_of(events: &[ModelEvent]) -> String {
    let texts = events.iter().filter_map(|event| {
        if let ModelEvent::TextDelta { text, .. } = event { Some(&**text) } else { None }
    });
    texts.collect()
}

pub(crate) fn reasoning_of(events: &[ModelEvent]) -> String {
    let texts = events.iter().filter_map(|event| {
        if let ModelEvent::ReasoningDelta { text, .. } = event { Some(&**text) } else { None }
    });
    texts.collect()
}

/// Name and arguments of every ended call.
pub(crate) fn calls_of(events: &[ModelEvent]) -> Vec<(String, String)> {
    let mut calls: Vec<(u32, String, String, bool)> = Vec::new();
    for event in events {
        if let ModelEvent::ToolStart { index, name } = event {
            calls.push((*index, name.clone(), String::new(), false));
        }
        for (own, _, arguments, ended) in &mut calls {
            if let ModelEvent::ToolArguments { index, fragment } = event
                && index == own
            {
                arguments.push_str(fragment);
            }
            *ended = *ended || *event == ModelEvent::ToolEnd { index: *own };
        }
    }
    let ended = calls.into_iter().filter(|(_, _, _, ended)| *ended);
    ended.map(|(_, name, arguments, _)| (name, arguments)).collect()
}

pub(crate) fn stop_of(events: &[ModelEvent]) -> Option<&StopReason> {
    if let Some(ModelEvent::Stop(reason)) = events.last() { Some(reason) } else { None }
}

/// The laws of a decoder.
fn check(events: &[ModelEvent], error: Option<&ModelError>) {
    let stops = events.iter().filter(|event| matches!(event, ModelEvent::Stop(_))).count();
    assert_eq!(stops + usize::from(error.is_some()), 1, "{events:?} {error:?}");
    assert!(error.is_some() || stop_of(events).is_some(), "{events:?}");
    let is_start = |event: &ModelEvent| matches!(event, ModelEvent::Start { .. });
    assert!(events.first().is_none_or(is_start), "{events:?}");
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    for event in events {
        if let ModelEvent::ToolStart { index, .. } = event {
            assert!(!seen.contains(index), "{events:?}");
            open.push(*index);
            seen.push(*index);
        }
        if let ModelEvent::ToolArguments { index, .. } | ModelEvent::ToolEnd { index } = event {
            assert!(open.contains(index), "{events:?}");
        }
        open.retain(|index| *event != ModelEvent::ToolEnd { index: *index });
    }
    for (name, arguments) in calls_of(events) {
        let is_object = matches!(serde_json::from_str(&arguments), Ok(Value::Object(_)));
        assert!(is_object || name == "patch", "{name}({arguments})");
    }
}
