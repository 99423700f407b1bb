//! The Responses API to events.

use std::collections::BTreeMap;

use agent::model::{ModelError, ModelEvent, ModelRequest, StopReason};
use protocol::sse::decode::Frame;
use serde_json::Value;

use crate::calls::{Calls, Piece};
use crate::dialect::Decoder;
use crate::fault::{self, Remote, malformed};
use crate::lenient::Text;
use crate::responses::event::{Answer, Details, Event, Item, Part};

/// Reads one answer. Items are told apart by their place in the output.
#[derive(Debug)]
pub(crate) struct ResponsesDecoder {
    calls: Calls,
    items: BTreeMap<i64, Told>,
    started: bool,
    done: bool,
}

/// How much of an item was told.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Some of it came in deltas, so that the whole item says nothing new.
    some: bool,
    /// All of it.
    all: bool,
}

impl ResponsesDecoder {
    pub(crate) fn new(request: &ModelRequest) -> Self {
        Self { calls: Calls::new(&request.tools), items: BTreeMap::new(), started: false, done: false }
    }

    fn event(
        &mut self,
        kind: &str,
        event: Event<'_>,
        data: &[u8],
        out: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        if event.response.is_none() && kind != "error" {
            self.start(None, out);
        }
        if kind.ends_with(".delta") {
            return self.delta(kind, event, out);
        }
        let place = event.output_index.unwrap_or(0);
        match kind {
            "response.function_call_arguments.done" if !self.calls.has_arguments(place) => {
                let arguments = event.arguments.unwrap_or_default();
                self.arguments(place, arguments.0.as_str(), out)?;
            }
            "response.output_text.annotation.added" => {
                out.extend(event.annotation.map(|annotation| ModelEvent::Annotation { annotation }));
            }
            "response.output_item.added" => match event.item {
                Some(item) if item.is("function_call") => self.begin(place, &item, out)?,
                _ => {}
            },
            "response.output_item.done" => {
                if let Some(item) = event.item {
                    self.item(place, item, out)?;
                }
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                self.start(event.response.and_then(|answer| answer.model), out);
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => match event.response {
                Some(answer) => self.answer(answer, out)?,
                None => return Err(malformed("its last event holds no response")),
            },
            "error" => return Err(fault::in_answer(&Remote::of(data))),
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, kind: &str, event: Event<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let place = event.output_index.unwrap_or(0);
        let delta = event.delta.map(Text::into_owned).filter(|delta| !delta.is_empty());
        if kind == "response.function_call_arguments.delta" {
            return self.arguments(place, delta.as_deref().unwrap_or_default(), out);
        }
        let index = index(place);
        let told = match (kind, delta) {
            ("response.output_text.delta", text) => {
                let logprobs = event.logprobs.unwrap_or_default();
                text.map(|text| ModelEvent::TextDelta { text, logprobs })
            }
            ("response.refusal.delta", text) => text.map(|text| ModelEvent::RefusalDelta { text }),
            ("response.reasoning_text.delta", text) => {
                text.map(|text| ModelEvent::ReasoningDelta { index, text })
            }
            ("response.reasoning_summary_text.delta", text) => {
                let part = event.summary_index.unwrap_or(0);
                text.map(|text| ModelEvent::SummaryDelta { index, part, text })
            }
            _ => return Ok(()),
        };
        self.say(place);
        out.extend(told);
        Ok(())
    }

    fn start(&mut self, model: Option<Text<'_>>, out: &mut Vec<ModelEvent>) {
        if !self.started {
            self.started = true;
            out.push(ModelEvent::Start {
                model: model.map(Text::into_owned).filter(|name| !name.is_empty()),
            });
        }
    }

    fn say(&mut self, place: i64) {
        self.items.entry(place).or_default().some = true;
    }

    fn begin(&mut self, place: i64, item: &Item<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let name = item.name.as_ref().map(Text::as_str).unwrap_or_default();
        let arguments = item.arguments.as_ref().map(|text| text.0.as_str()).unwrap_or_default();
        self.calls.piece(Piece { key: Some(place), name, arguments, ..Piece::default() }, out)
    }

    fn arguments(
        &mut self,
        place: i64,
        arguments: &str,
        out: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        self.calls.piece(Piece { key: Some(place), arguments, ..Piece::default() }, out)
    }

    /// Tells what was not told yet of an item that is whole.
    fn item(&mut self, place: i64, item: Item<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let told = self.items.entry(place).or_default();
        if std::mem::replace(&mut told.all, true) {
            return Ok(());
        }
        let is_new = !told.some;
        match item.r#type.as_ref().map(Text::as_str) {
            Some("function_call") if !self.calls.has(place) => {
                self.begin(place, &item, out)?;
                self.calls.end_key(place, out)
            }
            Some("function_call") => {
                if !self.calls.has_arguments(place) {
                    let arguments = item.arguments.unwrap_or_default();
                    self.arguments(place, arguments.0.as_str(), out)?;
                }
                self.calls.end_key(place, out)
            }
            Some("message") => {
                let parts = item.content.into_iter().flatten();
                parts.filter(|_| is_new).for_each(|part| message_part(part, out));
                Ok(())
            }
            Some("reasoning") => {
                reasoning(index(place), item, is_new, out);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The response in its last state.
    fn answer(&mut self, answer: Answer<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(error) = &answer.error {
            return Err(fault::in_answer(&Remote::of_value(error)));
        }
        let reason = match answer.status.as_ref().map(Text::as_str) {
            Some("completed") => StopReason::Stop,
            Some("incomplete") => incomplete(answer.incomplete_details.as_ref()),
            _ => return Err(fault::gave_up()),
        };
        self.start(answer.model, out);
        let is_cut = reason != StopReason::Stop;
        let is_told = self.calls.is_any() || !self.items.is_empty();
        for (place, item) in (0..).zip(answer.output.into_iter().flatten().filter(|_| !is_told)) {
            if !(is_cut && item.is("function_call")) {
                self.item(place, item, out)?;
            }
        }
        if is_cut {
            self.calls.end_whole(out)?;
        } else {
            self.calls.end(out)?;
        }
        let is_tool = !is_cut && self.calls.is_any();
        out.extend(answer.usage.and_then(|usage| usage.normalised()).map(ModelEvent::Usage));
        out.push(ModelEvent::Stop(if is_tool { StopReason::Tool } else { reason }));
        self.done = true;
        Ok(())
    }
}

impl Decoder for ResponsesDecoder {
    fn feed(&mut self, frame: Frame<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = frame.data.trim_ascii();
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            return self.end(out);
        }
        let Ok(mut event) = serde_json::from_slice::<Event<'_>>(data) else { return Err(no_event(data)) };
        match event.r#type.take() {
            Some(kind) => self.event(kind.as_str(), event, data, out),
            None if frame.event.is_empty() => Err(no_event(data)),
            None => self.event(frame.event, event, data, out),
        }
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match serde_json::from_slice::<Answer<'_>>(body) {
            Ok(answer) if answer.status.is_some() || answer.error.is_some() => self.answer(answer, out),
            _ => Err(no_event(body)),
        }
    }

    fn end(&mut self, _out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.done { Ok(()) } else { Err(fault::truncated()) }
    }

    fn is_finished(&self) -> bool {
        self.done
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

impl Item<'_> {
    fn is(&self, kind: &str) -> bool {
        self.r#type.as_ref().is_some_and(|own| own.as_str() == kind)
    }
}

/// What stands in the place of an event: an error, or nothing that is known.
fn no_event(data: &[u8]) -> ModelError {
    match serde_json::from_slice::<Value>(data) {
        Err(_) => malformed("it is no JSON"),
        Ok(value) => {
            let first = value.as_array().and_then(|list| list.first()).unwrap_or(&value);
            let is_error = first.get("error").is_some_and(|error| !error.is_null());
            if is_error {
                fault::in_answer(&Remote::of_value(&value))
            } else {
                malformed("it is no response")
            }
        }
    }
}

fn message_part(part: Part<'_>, out: &mut Vec<ModelEvent>) {
    let (text, logprobs) = (part.text.map(Text::into_owned), part.logprobs.unwrap_or_default());
    out.extend(text.filter(|text| !text.is_empty()).map(|text| ModelEvent::TextDelta { text, logprobs }));
    let refusal = part.refusal.map(Text::into_owned);
    out.extend(refusal.filter(|text| !text.is_empty()).map(|text| ModelEvent::RefusalDelta { text }));
    let annotations = part.annotations.into_iter().flatten();
    out.extend(annotations.map(|annotation| ModelEvent::Annotation { annotation }));
}

fn reasoning(index: u32, item: Item<'_>, is_new: bool, out: &mut Vec<ModelEvent>) {
    if is_new {
        for (part, text) in (0..).zip(texts(item.summary)) {
            out.push(ModelEvent::SummaryDelta { index, part, text });
        }
        out.extend(texts(item.content).map(|text| ModelEvent::ReasoningDelta { index, text }));
    }
    let encrypted = item.encrypted_content.map(Text::into_owned).filter(|sealed| !sealed.is_empty());
    out.extend(encrypted.map(|encrypted| ModelEvent::ReasoningSealed { index, encrypted }));
}

fn texts<'a>(parts: Option<Vec<Part<'a>>>) -> impl Iterator<Item = String> + use<'a> {
    parts
        .into_iter()
        .flatten()
        .filter_map(|part| part.text)
        .map(Text::into_owned)
        .filter(|text| !text.is_empty())
}

fn incomplete(details: Option<&Details<'_>>) -> StopReason {
    match details.and_then(|details| details.reason.as_ref()).map(Text::as_str) {
        Some("content_filter") => StopReason::Filter,
        None | Some("max_output_tokens" | "max_tokens") => StopReason::Length,
        Some(other) => StopReason::Other(other.to_owned()),
    }
}

fn index(place: i64) -> u32 {
    u32::try_from(place).unwrap_or(0)
}
