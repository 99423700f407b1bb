//! Items to messages.

use std::borrow::Cow;

use agent::model::ModelRequest;
use protocol::error::ApiError;
use protocol::responses::content::{Content as ItemContent, InputFile, InputImage};
use protocol::responses::item::{Item, Message as ItemMessage, Output, Reasoning, Role};
use serde_json::Value;

use crate::chat::body::{Call, Called, Content, File, ImageUrl, Message, Part};
use crate::free_text;
use crate::profile::{Profile, Replay};

/// Stands for an output that is all images and files, which Chat takes from a user only.
const BELOW: &str = "The output is in the next message.";

/// The messages of a request: instructions first; reasoning, text and calls that follow each other are one message.
///
/// Errors: 400 `unsupported_value` for an item or part that Chat cannot carry.
pub(crate) fn messages<'a>(
    request: &'a ModelRequest,
    profile: &'a Profile,
) -> Result<Vec<Message<'a>>, ApiError> {
    let list = Vec::with_capacity(request.items.len() + 1);
    let mut out = Messages { profile, list, turn: Turn::default(), shown: Vec::new() };
    if let Some(instructions) = request.instructions.as_deref().filter(|text| !text.is_empty()) {
        out.instruct(Role::Developer, Cow::Borrowed(instructions));
    }
    request.items.iter().try_for_each(|item| out.item(item))?;
    out.flush();
    Ok(out.list)
}

struct Messages<'a> {
    profile: &'a Profile,
    list: Vec<Message<'a>>,
    /// What the assistant says, until somebody else speaks.
    turn: Turn<'a>,
    /// Images and files of outputs, until the outputs are over.
    shown: Vec<Part<'a>>,
}

#[derive(Default)]
struct Turn<'a> {
    thought: String,
    text: Vec<&'a str>,
    calls: Vec<Call<'a>>,
}

impl<'a> Messages<'a> {
    fn item(&mut self, item: &'a Item) -> Result<(), ApiError> {
        match item {
            Item::Message(message) => self.message(message),
            Item::Reasoning(reasoning) => {
                self.speak();
                self.turn.thought.extend(thoughts(reasoning));
                Ok(())
            }
            Item::FunctionCall(call) => {
                let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
                self.call(&call.call_id, &call.name, Cow::Borrowed(arguments));
                Ok(())
            }
            Item::CustomToolCall(call) => {
                let arguments = Cow::Owned(free_text::wrap(&call.input));
                self.call(&call.call_id, &call.name, arguments);
                Ok(())
            }
            Item::FunctionCallOutput(output) => self.output(&output.call_id, &output.output),
            Item::CustomToolCallOutput(output) => self.output(&output.call_id, &output.output),
            Item::FileSearchCall(_)
            | Item::WebSearchCall(_)
            | Item::ImageGenerationCall(_)
            | Item::McpListTools(_)
            | Item::McpCall(_)
            | Item::McpApprovalRequest(_)
            | Item::McpApprovalResponse(_)
            | Item::Compaction(_)
            | Item::Reference(_)
            | Item::Other(_) => Err(unsupported(format!("items of type '{}'", item.kind()))),
        }
    }

    fn message(&mut self, message: &'a ItemMessage) -> Result<(), ApiError> {
        match message.role {
            Role::Assistant => {
                self.speak();
                let said = message.content.iter().map(said).collect::<Result<Vec<_>, _>>()?;
                if !self.turn.text.is_empty() {
                    self.turn.text.push("\n\n");
                }
                self.turn.text.extend(said.into_iter().filter(|text| !text.is_empty()));
            }
            Role::User => {
                self.flush();
                let content = Some(content(&message.content)?);
                self.list.push(Message { role: "user", content, ..Message::default() });
            }
            Role::System | Role::Developer => {
                let said = message.content.iter().map(said).collect::<Result<Vec<_>, _>>()?;
                self.flush();
                self.instruct(message.role, joined(&said, "\n"));
            }
        }
        Ok(())
    }

    /// Adds instructions where they stand, or to the one message in front.
    fn instruct(&mut self, role: Role, text: Cow<'a, str>) {
        let role = if self.profile.developer && role == Role::Developer { "developer" } else { "system" };
        match self.list.first_mut() {
            Some(Message { role: "system", content: Some(Content::Text(first)), .. })
                if !self.profile.developer =>
            {
                let first = first.to_mut();
                first.push_str("\n\n");
                first.push_str(&text);
            }
            _ => {
                let message = Message { role, content: Some(Content::Text(text)), ..Message::default() };
                let place = if self.profile.developer { self.list.len() } else { 0 };
                self.list.insert(place, message);
            }
        }
    }

    fn call(&mut self, id: &'a str, name: &'a str, arguments: Cow<'a, str>) {
        self.show();
        let id = self.call_id(id);
        self.turn.calls.push(Call { id, r#type: "function", function: Called { name, arguments } });
    }

    fn output(&mut self, call_id: &'a str, output: &'a Output) -> Result<(), ApiError> {
        self.close();
        let text = match output {
            Output::Text(text) => Cow::Borrowed(text.as_str()),
            Output::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(ItemContent::text).collect();
                let shown = parts.iter().filter(|part| part.text().is_none()).map(part);
                let shown = shown.collect::<Result<Vec<_>, _>>()?;
                let is_below = texts.is_empty() && !shown.is_empty();
                self.shown.extend(shown);
                if is_below { Cow::Borrowed(BELOW) } else { joined(&texts, "\n") }
            }
        };
        let (content, tool_call_id) = (Some(Content::Text(text)), Some(self.call_id(call_id)));
        self.list.push(Message { role: "tool", content, tool_call_id, ..Message::default() });
        Ok(())
    }

    /// Makes room for words of the assistant: those after its calls are another message.
    fn speak(&mut self) {
        self.show();
        if !self.turn.calls.is_empty() {
            self.close();
        }
    }

    /// Ends the turn and what its outputs showed.
    fn flush(&mut self) {
        self.close();
        self.show();
    }

    /// Ends the turn. Reasoning alone makes no message.
    fn close(&mut self) {
        let turn = std::mem::take(&mut self.turn);
        if turn.text.is_empty() && turn.calls.is_empty() {
            return;
        }
        let has_calls = !turn.calls.is_empty();
        let content = (!turn.text.is_empty()).then(|| Content::Text(joined(&turn.text, "")));
        let thought = Some(turn.thought).filter(|thought| !thought.is_empty());
        let (mut reasoning_content, mut reasoning) = (None, None);
        match self.profile.replay {
            Replay::Never => {}
            Replay::ReasoningContent => reasoning_content = thought.map(Cow::Owned),
            Replay::ReasoningContentWithCalls if has_calls => {
                reasoning_content = Some(Cow::Owned(thought.unwrap_or_default()));
            }
            Replay::ReasoningContentWithCalls => {}
            Replay::Reasoning => reasoning = thought.map(Cow::Owned),
        }
        let tool_calls = turn.calls;
        let (role, tool_call_id) = ("assistant", None);
        self.list.push(Message { role, content, reasoning_content, reasoning, tool_calls, tool_call_id });
    }

    /// Shows what the outputs held besides text.
    fn show(&mut self) {
        if !self.shown.is_empty() {
            let content = Some(Content::Parts(std::mem::take(&mut self.shown)));
            self.list.push(Message { role: "user", content, ..Message::default() });
        }
    }

    fn call_id(&self, id: &'a str) -> Cow<'a, str> {
        if self.profile.short_call_ids { Cow::Owned(short(id)) } else { Cow::Borrowed(id) }
    }
}

/// The text of reasoning, else of its summary.
fn thoughts(reasoning: &Reasoning) -> impl Iterator<Item = &str> {
    let parts = if reasoning.content.is_empty() { &reasoning.summary } else { &reasoning.content };
    parts.iter().filter_map(ItemContent::text)
}

fn said(part: &ItemContent) -> Result<&str, ApiError> {
    part.text().ok_or_else(|| unsupported("parts other than text in this role"))
}

/// Parts without empty texts; a single text is a string.
fn content(parts: &[ItemContent]) -> Result<Content<'_>, ApiError> {
    let kept = parts.iter().filter(|part| part.text().is_none_or(|text| !text.is_empty()));
    let parts = kept.map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(match parts.as_slice() {
        [] => Content::Text(Cow::Borrowed("")),
        [Part::Text { text }] => Content::Text(Cow::Borrowed(text)),
        _ => Content::Parts(parts),
    })
}

fn part(part: &ItemContent) -> Result<Part<'_>, ApiError> {
    match part {
        ItemContent::InputImage(image) => self::image(image),
        ItemContent::InputFile(file) => self::file(file),
        ItemContent::Other(raw) if raw.get("type").and_then(Value::as_str) == Some("input_audio") => {
            Ok(Part::Raw(raw))
        }
        ItemContent::Other(raw) => {
            let kind = raw.get("type").and_then(Value::as_str).unwrap_or_default();
            Err(unsupported(format!("parts of type '{kind}'")))
        }
        ItemContent::InputText(_)
        | ItemContent::OutputText(_)
        | ItemContent::Refusal(_)
        | ItemContent::ReasoningText(_)
        | ItemContent::SummaryText(_) => Ok(Part::Text { text: part.text().unwrap_or_default() }),
    }
}

fn image(image: &InputImage) -> Result<Part<'_>, ApiError> {
    let Some(url) = image.image_url.as_deref() else {
        return Err(unsupported("images by file id"));
    };
    let detail = Some(image.detail.as_str()).filter(|detail| *detail != "auto");
    Ok(Part::ImageUrl { image_url: ImageUrl { url, detail } })
}

fn file(file: &InputFile) -> Result<Part<'_>, ApiError> {
    if file.file_data.is_none() && file.file_id.is_none() {
        return Err(unsupported("files by URL"));
    }
    let (filename, file_data) = (file.filename.as_deref(), file.file_data.as_deref());
    let file_id = file.file_id.as_deref().filter(|_| file_data.is_none());
    Ok(Part::File { file: File { filename, file_data, file_id } })
}

fn joined<'a>(texts: &[&'a str], separator: &str) -> Cow<'a, str> {
    match texts {
        [] => Cow::Borrowed(""),
        [one] => Cow::Borrowed(one),
        _ => Cow::Owned(texts.join(separator)),
    }
}

/// Nine letters and digits out of any id; the same for the same id. FNV-1a, 64 bits.
fn short(id: &str) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut rest = id.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let mut digit = || {
        let place = usize::try_from(rest % 36).unwrap_or(0);
        rest /= 36;
        char::from(DIGITS.get(place).copied().unwrap_or(b'0'))
    };
    (0..9).map(|_| digit()).collect()
}

fn unsupported(what: impl std::fmt::Display) -> ApiError {
    ApiError::unsupported_value("input", format!("This model does not take {what}."))
}
