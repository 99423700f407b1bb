//! Messages to items.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Object;
use crate::error::ApiError;
use crate::read::Path;
use crate::responses::content::{Content, InputFile, InputImage, InputImageTag};
use crate::responses::item::{
    CustomToolCall, CustomToolCallOutput, CustomToolCallOutputTag, FunctionCall, FunctionCallOutput,
    FunctionCallOutputTag, Item, ItemStatus, Message, Output, Reasoning, Role,
};

/// Keys under which upstreams show raw reasoning.
const REASONING: [&str; 2] = ["reasoning_content", "reasoning"];

/// Converts checked messages.
pub(super) fn items(messages: &[Value]) -> Result<Vec<Item>, ApiError> {
    let mut items = Items::default();
    let path = Path::Root.key("messages");
    for (index, message) in messages.iter().enumerate() {
        let Some(map) = message.as_object() else { continue };
        items.push(map, &path.index(index))?;
    }
    Ok(items.done)
}

#[derive(Default)]
struct Items {
    done: Vec<Item>,
    /// Calls of custom tools: their outputs are other items than those of functions.
    custom: BTreeSet<String>,
    /// How many calls of the deprecated form there were: they have no ids.
    legacy: usize,
}

impl Items {
    fn push(&mut self, message: &Object, path: &Path<'_>) -> Result<(), ApiError> {
        match text(message, "role") {
            "assistant" => self.assistant(message, path),
            "tool" => self.output(text(message, "tool_call_id").to_owned(), message, path),
            "function" => self.output(legacy_id(self.legacy), message, path),
            "system" => self.message(Role::System, message, path),
            "developer" => self.message(Role::Developer, message, path),
            _ => self.message(Role::User, message, path),
        }
    }

    fn message(&mut self, role: Role, message: &Object, path: &Path<'_>) -> Result<(), ApiError> {
        let mut item = Message::new(role, parts(message, path)?);
        if let Some(name @ Value::String(_)) = message.get("name") {
            item.rest.insert("name".to_owned(), name.clone());
        }
        self.done.push(Item::Message(item));
        Ok(())
    }

    fn assistant(&mut self, message: &Object, path: &Path<'_>) -> Result<(), ApiError> {
        if let Some(thought) = REASONING.iter().map(|key| text(message, key)).find(|text| !text.is_empty()) {
            let content = vec![Content::reasoning_text(thought)];
            self.done.push(Item::Reasoning(Reasoning { content, ..Reasoning::default() }));
        }
        let mut said = said(message, path)?;
        if !text(message, "refusal").is_empty() {
            said.push(Content::refusal(text(message, "refusal")));
        }
        if !said.is_empty() {
            self.done.push(Item::Message(Message::new(Role::Assistant, said)));
        }
        let calls = message.get("tool_calls").and_then(Value::as_array);
        calls.into_iter().flatten().filter_map(Value::as_object).for_each(|call| self.call(call));
        if let Some(call) = message.get("function_call").and_then(Value::as_object) {
            self.legacy += 1;
            self.function(legacy_id(self.legacy), call);
        }
        Ok(())
    }

    fn call(&mut self, call: &Object) {
        let call_id = text(call, "id").to_owned();
        let nested = |key: &str| call.get(key).and_then(Value::as_object);
        if let Some(custom) = nested("custom") {
            let (name, input) = (text(custom, "name").to_owned(), text(custom, "input").to_owned());
            self.custom.insert(call_id.clone());
            let call = CustomToolCall { call_id, name, input, ..CustomToolCall::default() };
            self.done.push(Item::CustomToolCall(call));
        } else if let Some(function) = nested("function") {
            self.function(call_id, function);
        }
    }

    fn function(&mut self, call_id: String, function: &Object) {
        let (name, arguments) = (text(function, "name").to_owned(), text(function, "arguments").to_owned());
        let call = FunctionCall { call_id, name, arguments, ..FunctionCall::default() };
        self.done.push(Item::FunctionCall(call));
    }

    fn output(&mut self, call_id: String, message: &Object, path: &Path<'_>) -> Result<(), ApiError> {
        let output = match message.get("content") {
            Some(Value::Array(_)) => Output::Parts(parts(message, path)?),
            _ => Output::Text(text(message, "content").to_owned()),
        };
        let (id, status, rest) = (String::new(), ItemStatus::Completed, Object::new());
        self.done.push(if self.custom.contains(&call_id) {
            let tag = CustomToolCallOutputTag;
            Item::CustomToolCallOutput(CustomToolCallOutput { id, tag, status, call_id, output, rest })
        } else {
            let tag = FunctionCallOutputTag;
            Item::FunctionCallOutput(FunctionCallOutput { id, tag, status, call_id, output, rest })
        });
        Ok(())
    }
}

fn legacy_id(count: usize) -> String {
    format!("call_function_{count}")
}

fn text<'m>(map: &'m Object, key: &str) -> &'m str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The parts of a message that is not the model's.
fn parts(message: &Object, path: &Path<'_>) -> Result<Vec<Content>, ApiError> {
    let path = path.key("content");
    match message.get("content") {
        Some(Value::String(text)) => Ok(vec![Content::input_text(text)]),
        Some(Value::Array(list)) => {
            let parts = list.iter().filter_map(Value::as_object).enumerate();
            parts.map(|(index, map)| part(map, &path.index(index))).collect()
        }
        _ => Ok(Vec::new()),
    }
}

fn part(part: &Object, path: &Path<'_>) -> Result<Content, ApiError> {
    let nested = |key: &str| part.get(key).and_then(Value::as_object);
    match text(part, "type") {
        "text" => Ok(Content::input_text(text(part, "text"))),
        "image_url" => Ok(image(nested("image_url"))),
        "file" => Ok(file(nested("file"))),
        "input_audio" => Ok(Content::Other(part.clone())),
        kind => {
            let message =
                format!("Parts of type '{kind}' cannot be combined with tools that the server runs.");
            Err(ApiError::unsupported_value(&path.key("type").to_string(), message))
        }
    }
}

fn image(image: Option<&Object>) -> Content {
    let field = |key: &str| image.map(|image| text(image, key)).filter(|text| !text.is_empty());
    Content::InputImage(InputImage {
        tag: InputImageTag,
        detail: field("detail").unwrap_or("auto").to_owned(),
        image_url: field("url").map(str::to_owned),
        file_id: None,
        rest: Object::new(),
    })
}

fn file(file: Option<&Object>) -> Content {
    let field =
        |key: &str| file.map(|file| text(file, key)).filter(|text| !text.is_empty()).map(str::to_owned);
    let (file_id, file_data, filename) = (field("file_id"), field("file_data"), field("filename"));
    Content::InputFile(InputFile { file_id, file_data, filename, ..InputFile::default() })
}

/// What the model said.
fn said(message: &Object, path: &Path<'_>) -> Result<Vec<Content>, ApiError> {
    let path = path.key("content");
    let part = |(index, part): (usize, &Object)| match text(part, "type") {
        "text" => Ok(Content::output_text(text(part, "text"))),
        "refusal" => Ok(Content::refusal(text(part, "refusal"))),
        kind => {
            let at = path.index(index).to_string();
            Err(ApiError::invalid_choice(&at, kind, &["text", "refusal"]))
        }
    };
    match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => Ok(vec![Content::output_text(text)]),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).enumerate().map(part).collect(),
        _ => Ok(Vec::new()),
    }
}
