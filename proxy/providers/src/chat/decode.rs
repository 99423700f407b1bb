//! Chat Completions to events.

use agent::model::{ModelError, ModelEvent, ModelRequest, StopReason};
use protocol::responses::usage::Usage;
use protocol::sse::decode::Frame;
use serde_json::Value;

use crate::calls::{Calls, Piece};
use crate::chat::chunk::{Choice, Chunk, Delta, Detail, Function, Part, ThinkingPart};
use crate::chat::think::{Said, Think};
use crate::dialect::Decoder;
use crate::fault::{self, Remote, malformed};
use crate::lenient::{Text, TextOr};

/// All reasoning of an answer is one: the parts between texts are told apart by the texts.
const REASONING: u32 = 0;

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct ChatDecoder {
    calls: Calls,
    think: Think,
    usage: Option<Usage>,
    finish: Option<StopReason>,
    started: bool,
    done: bool,
}

impl ChatDecoder {
    pub(crate) fn new(request: &ModelRequest) -> Self {
        let (calls, think) = (Calls::new(&request.tools), Think::default());
        Self { calls, think, usage: None, finish: None, started: false, done: false }
    }

    fn chunk(&mut self, chunk: Chunk<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(usage) = chunk.usage() {
            self.usage = Some(usage);
        }
        let model = chunk.model.filter(|name| !name.as_str().is_empty());
        if model.is_some() || chunk.choices.as_ref().is_some_and(|choices| !choices.is_empty()) {
            self.start(model, out);
        }
        let first = |choice: &Choice<'_>| choice.index.unwrap_or(0) == 0;
        chunk.choices.into_iter().flatten().filter(first).try_for_each(|choice| self.choice(choice, out))
    }

    fn start(&mut self, model: Option<Text<'_>>, out: &mut Vec<ModelEvent>) {
        if !self.started {
            self.started = true;
            out.push(ModelEvent::Start { model: model.map(Text::into_owned) });
        }
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let logprobs = choice.logprobs.and_then(|logprobs| logprobs.content).unwrap_or_default();
        let is_whole = choice.delta.is_none();
        if let Some(delta) = choice.delta.or(choice.message) {
            self.delta(delta, logprobs, is_whole, out)?;
        }
        match choice.finish_reason.as_ref().map(Text::as_str) {
            None | Some("") => {}
            Some("error" | "insufficient_system_resource") => return Err(fault::gave_up()),
            Some(word) => self.finished(word),
        }
        Ok(())
    }

    /// A reason that says more than `stop` wins, whenever it comes.
    fn finished(&mut self, word: &str) {
        if self.finish.as_ref().is_none_or(|finish| *finish == StopReason::Stop) {
            self.finish = Some(stop_reason(word));
        }
    }

    fn delta(
        &mut self,
        delta: Delta<'_>,
        logprobs: Vec<Value>,
        is_whole: bool,
        out: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        reasoning(delta.reasoning_details, delta.reasoning_content, delta.reasoning, out);
        match delta.content {
            Some(TextOr::Text(text)) => self.text(text, logprobs, out),
            Some(TextOr::Parts(parts)) => self.parts(parts, logprobs, out),
            None => {}
        }
        if let Some(text) = delta.refusal.map(Text::into_owned).filter(|text| !text.is_empty()) {
            out.push(ModelEvent::RefusalDelta { text });
        }
        let annotations = delta.annotations.into_iter().flatten();
        out.extend(annotations.map(|annotation| ModelEvent::Annotation { annotation: flat(annotation) }));
        for call in delta.tool_calls.into_iter().flatten() {
            let id = call.id.as_ref().map(Text::as_str).unwrap_or_default();
            let piece = Piece { key: call.index, id, ..piece(call.function.as_ref()) };
            self.call(piece, is_whole, out)?;
        }
        match &delta.function_call {
            Some(function) => self.call(Piece { key: Some(-1), ..piece(Some(function)) }, is_whole, out),
            None => Ok(()),
        }
    }

    fn call(
        &mut self,
        piece: Piece<'_>,
        is_whole: bool,
        out: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        self.flush(out);
        if is_whole { self.calls.whole(piece, out) } else { self.calls.piece(piece, out) }
    }

    fn text(&mut self, text: Text<'_>, logprobs: Vec<Value>, out: &mut Vec<ModelEvent>) {
        if text.as_str().is_empty() && logprobs.is_empty() {
            return;
        }
        if self.think.is_over() {
            return out.push(ModelEvent::TextDelta { text: text.into_owned(), logprobs });
        }
        let mut logprobs = Some(logprobs);
        self.think.push(text.as_str(), &mut |said| out.push(told(said, &mut logprobs)));
        if let Some(logprobs) = logprobs.filter(|logprobs| !logprobs.is_empty()) {
            out.push(ModelEvent::TextDelta { text: String::new(), logprobs });
        }
    }

    fn parts(&mut self, parts: Vec<Part<'_>>, mut logprobs: Vec<Value>, out: &mut Vec<ModelEvent>) {
        for part in parts {
            let thought = part.thinking.map(thinking).unwrap_or_default();
            if !thought.is_empty() {
                out.push(ModelEvent::ReasoningDelta { index: REASONING, text: thought });
            }
            if let Some(text) = part.text.or(part.content) {
                self.text(text, std::mem::take(&mut logprobs), out);
            }
            if let Some(text) = part.refusal.map(Text::into_owned).filter(|text| !text.is_empty()) {
                out.push(ModelEvent::RefusalDelta { text });
            }
        }
    }

    /// Says what waited for the rest of a tag.
    fn flush(&mut self, out: &mut Vec<ModelEvent>) {
        self.think.flush(&mut |said| out.push(told(said, &mut None)));
    }

    /// Says all that was held back, then the reason.
    fn stop(&mut self, reason: StopReason, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        self.start(None, out);
        self.flush(out);
        let reason = match reason {
            StopReason::Length | StopReason::Filter => {
                self.calls.end_whole(out)?;
                reason
            }
            StopReason::Stop | StopReason::Tool | StopReason::Other(_) => {
                self.calls.end(out)?;
                match (self.calls.is_any(), reason) {
                    (true, _) => StopReason::Tool,
                    (false, StopReason::Tool) => StopReason::Stop,
                    (false, reason) => reason,
                }
            }
        };
        out.extend(self.usage.map(ModelEvent::Usage));
        out.push(ModelEvent::Stop(reason));
        self.done = true;
        Ok(())
    }
}

impl Decoder for ChatDecoder {
    fn feed(&mut self, frame: Frame<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = frame.data.trim_ascii();
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            return self.end(out);
        }
        let chunk = parse(data)?;
        if frame.event == "error" {
            return Err(fault::in_answer(&Remote::of(data)));
        }
        self.chunk(chunk, out)
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let chunk = parse(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body))?;
        if chunk.choices.as_ref().is_none_or(Vec::is_empty) {
            return Err(malformed("it holds no choice"));
        }
        self.chunk(chunk, out)?;
        let reason = self.finish.take().unwrap_or(StopReason::Stop);
        self.stop(reason, out)
    }

    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.done {
            return Ok(());
        }
        let reason = self.finish.take().ok_or_else(fault::truncated)?;
        self.stop(reason, out)
    }

    fn is_finished(&self) -> bool {
        self.done || self.finish.is_some()
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

/// Errors: no chunk, or an error in the place of one.
fn parse(data: &[u8]) -> Result<Chunk<'_>, ModelError> {
    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
        return Err(match serde_json::from_slice::<Value>(data) {
            Ok(value) if is_error(&value) => fault::in_answer(&Remote::of_value(&value)),
            Ok(_) => malformed("it is no completion"),
            Err(_) => malformed("it is no JSON"),
        });
    };
    let is_error = chunk.object.as_ref().is_some_and(|object| object.0.as_str() == "error");
    match chunk.error {
        Some(_) => Err(fault::in_answer(&Remote::of(data))),
        None if is_error => Err(fault::in_answer(&Remote::of(data))),
        None => Ok(chunk),
    }
}

fn is_error(value: &Value) -> bool {
    let first = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    first.get("error").is_some_and(|error| !error.is_null())
}

/// Details say the same as the plain fields beside them, so only one of the three is told.
fn reasoning(
    details: Option<Vec<Detail<'_>>>,
    content: Option<Text<'_>>,
    plain: Option<TextOr<'_, Part<'_>>>,
    out: &mut Vec<ModelEvent>,
) {
    let told = out.len();
    for detail in details.into_iter().flatten() {
        if let Some(text) = detail.text.map(Text::into_owned).filter(|text| !text.is_empty()) {
            out.push(ModelEvent::ReasoningDelta { index: REASONING, text });
        }
        if let Some(text) = detail.summary.map(Text::into_owned).filter(|text| !text.is_empty()) {
            out.push(ModelEvent::SummaryDelta { index: REASONING, part: 0, text });
        }
    }
    if out.len() > told {
        return;
    }
    let plain =
        content.filter(|text| !text.as_str().is_empty()).map(Text::into_owned).or_else(|| match plain? {
            TextOr::Text(text) => Some(text.into_owned()),
            TextOr::Parts(parts) => Some(
                parts
                    .into_iter()
                    .filter_map(|part| part.text.or(part.content))
                    .map(Text::into_owned)
                    .collect(),
            ),
        });
    if let Some(text) = plain.filter(|text| !text.is_empty()) {
        out.push(ModelEvent::ReasoningDelta { index: REASONING, text });
    }
}

fn piece<'t>(function: Option<&'t Function<'_>>) -> Piece<'t> {
    let name = function.and_then(|function| function.name.as_ref()).map(Text::as_str).unwrap_or_default();
    let arguments = function.and_then(|function| function.arguments.as_ref());
    let arguments = arguments.map(|arguments| arguments.0.as_str()).unwrap_or_default();
    Piece { name, arguments, ..Piece::default() }
}

fn thinking(thinking: TextOr<'_, ThinkingPart<'_>>) -> String {
    match thinking {
        TextOr::Text(text) => text.into_owned(),
        TextOr::Parts(parts) => {
            parts.into_iter().filter_map(|part| part.text).map(Text::into_owned).collect()
        }
    }
}

fn told(said: Said, logprobs: &mut Option<Vec<Value>>) -> ModelEvent {
    match said {
        Said::Thought(text) => ModelEvent::ReasoningDelta { index: REASONING, text },
        Said::Text(text) => ModelEvent::TextDelta { text, logprobs: logprobs.take().unwrap_or_default() },
    }
}

/// `{type,url_citation:{…}}` as `{type,…}`.
fn flat(annotation: Value) -> Value {
    let Value::Object(mut map) = annotation else { return annotation };
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match map.shift_remove(&kind) {
        Some(Value::Object(inner)) => map.extend(inner),
        Some(other) => drop(map.insert(kind, other)),
        None => {}
    }
    Value::Object(map)
}

fn stop_reason(word: &str) -> StopReason {
    match word {
        "stop" | "eos" | "end_turn" | "stop_sequence" => StopReason::Stop,
        "tool_calls" | "function_call" | "tool_use" => StopReason::Tool,
        "length" | "model_length" | "max_tokens" => StopReason::Length,
        "content_filter" => StopReason::Filter,
        other => StopReason::Other(other.to_owned()),
    }
}
