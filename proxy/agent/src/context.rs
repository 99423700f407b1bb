//! What the model is shown: stored items and input in the form of a model request.

use std::collections::{HashMap, HashSet};

use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::item::{
    FunctionCall, FunctionCallOutput, FunctionCallOutputTag, Item, ItemStatus, Output,
};
use serde_json::json;

use crate::names::Names;
use crate::tool::Approved;
use consents::Consents;

mod consents;
mod server;

/// What the model is told of a call that has no output.
const UNKNOWN: &str = "The outcome of this call is unknown.";

/// Checks that every call has its output and every output its call. Calls that were cut off need none.
///
/// Errors: 400 with param `input` that names the first call, else the first output, that stands alone.
pub fn check<'a>(items: impl IntoIterator<Item = &'a Item>) -> Result<(), ApiError> {
    let (mut calls, mut outputs) = (Vec::new(), Vec::new());
    for item in items {
        match part(item) {
            Part::Call(id) if !is_cut(item) => calls.push(id),
            Part::Output(id) => outputs.push(id),
            Part::Call(_) | Part::Else => {}
        }
    }
    let answered: HashSet<&str> = outputs.iter().copied().collect();
    if let Some(id) = calls.iter().find(|id| !answered.contains(*id)) {
        return Err(alone(format!("No tool output found for function call {id}.")));
    }
    let called: HashSet<&str> = calls.into_iter().collect();
    if let Some(id) = outputs.iter().find(|id| !called.contains(*id)) {
        return Err(alone(format!("No tool call found for function call output with call_id {id}.")));
    }
    Ok(())
}

/// The items of a model request: history, then input.
///
/// Shape: calls that were made together stand together, and their outputs follow in the same order, of several the last
/// one; server-run calls are function calls. A call that was cut off, an output without a call, and items that only
/// concern the client are left out. A call that the client was asked about is shown where it was asked unless it ran or
/// is about to run: the model is told that it was denied, or not answered.
pub fn render(history: Vec<Item>, input: Vec<Item>, scene: Scene<'_>) -> Vec<Item> {
    let consents = Consents::of(history.iter().chain(&input), scene.approved);
    let mut entries = Entries::default();
    for item in history.into_iter().chain(input) {
        entries.take(item, (&scene, &consents));
    }
    let mut block = Block::default();
    for entry in entries.list {
        block.take(entry);
    }
    block.close();
    block.items
}

/// What the turn knows of servers beside the items.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The names that the model knows tools by.
    pub names: &'a Names,
    /// Calls that run before the model is asked.
    pub approved: &'a [Approved],
}

/// A call and its output.
pub(crate) fn pair(call: FunctionCall, output: String) -> [Item; 2] {
    let output = text_output(call.call_id.clone(), output);
    [Item::FunctionCall(call), output]
}

/// Arguments as upstreams take them back: the text of an object.
pub(crate) fn as_object(arguments: String) -> String {
    match serde_json::from_str::<Object>(&arguments) {
        Ok(_) => arguments,
        Err(_) if arguments.is_empty() => "{}".to_owned(),
        Err(_) => json!({ "input": arguments }).to_string(),
    }
}

/// Puts the outputs of calls that were made together behind the last of these calls.
#[derive(Default)]
struct Block {
    items: Vec<Item>,
    outputs: Vec<Item>,
}

impl Block {
    fn take(&mut self, entry: Entry) {
        if entry.begins_block {
            self.close();
        }
        let Some((item, output)) = entry.into_items() else { return };
        self.items.push(item);
        self.outputs.extend(output);
    }

    fn close(&mut self) {
        self.items.append(&mut self.outputs);
    }
}

/// Items in order; an output stands with its call.
#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    calls: HashMap<String, usize>,
    early: HashMap<String, Item>,
    /// True if the last item was a call: another one was made together with it.
    after_call: bool,
}

struct Entry {
    item: Item,
    output: Option<Item>,
    /// True unless it is a call that was made together with the one before.
    begins_block: bool,
}

impl Entries {
    fn take(&mut self, item: Item, scene: (&Scene<'_>, &Consents)) {
        match part(&item) {
            Part::Call(id) => {
                let id = id.to_owned();
                let output = self.early.remove(&id);
                self.calls.insert(id, self.list.len());
                let begins_block = !std::mem::replace(&mut self.after_call, true);
                self.list.push(Entry { item, output, begins_block });
            }
            Part::Output(id) => {
                self.after_call = false;
                match self.calls.get(id).and_then(|place| self.list.get_mut(*place)) {
                    Some(call) => call.output = Some(item),
                    None => drop(self.early.insert(id.to_owned(), item)),
                }
            }
            Part::Else => {
                self.after_call = false;
                let plain = server::render(item, scene);
                self.list.extend(plain.map(|(item, output)| Entry { item, output, begins_block: true }));
            }
        }
    }
}

impl Entry {
    /// The item with its output; nothing of a call that was cut off.
    fn into_items(self) -> Option<(Item, Option<Item>)> {
        let Self { item, output, .. } = self;
        let output = match (part(&item), output) {
            (Part::Call(id), None) if !is_cut(&item) => Some(text_output(id.to_owned(), UNKNOWN.to_owned())),
            (_, output) => output,
        };
        let is_kept = output.is_some() || !is_cut(&item);
        is_kept.then_some((item, output))
    }
}

enum Part<'a> {
    Call(&'a str),
    Output(&'a str),
    Else,
}

fn part(item: &Item) -> Part<'_> {
    match item {
        Item::FunctionCall(item) => Part::Call(&item.call_id),
        Item::CustomToolCall(item) => Part::Call(&item.call_id),
        Item::FunctionCallOutput(item) => Part::Output(&item.call_id),
        Item::CustomToolCallOutput(item) => Part::Output(&item.call_id),
        Item::Message(_)
        | Item::Reasoning(_)
        | Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::ImageGenerationCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => Part::Else,
    }
}

/// True for a call whose arguments are not whole.
fn is_cut(item: &Item) -> bool {
    let is_function = matches!(item, Item::FunctionCall(item) if item.status == ItemStatus::Incomplete);
    is_function || matches!(item, Item::CustomToolCall(item) if item.status == ItemStatus::Incomplete)
}

fn text_output(call_id: String, output: String) -> Item {
    let (id, tag, status) = (String::new(), FunctionCallOutputTag, ItemStatus::Completed);
    let output = Output::Text(output);
    Item::FunctionCallOutput(FunctionCallOutput { id, tag, status, call_id, output, rest: Object::new() })
}

fn alone(message: String) -> ApiError {
    ApiError { code: None, ..ApiError::bad_request("", "input", message) }
}
