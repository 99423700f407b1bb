//! What a request asks, from the body of Chat Completions or Responses.

use serde_json::{Value, json};

/// A request as the rules see it.
pub(super) struct Prompt {
    /// What the user said, oldest first.
    users: Vec<String>,
    pub(super) last: Last,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// The form of the answer, where the request wants one.
    pub(super) schema: Option<Value>,
    /// How many calls the conversation has already.
    pub(super) calls: usize,
    /// Whether the request asks for reasoning effort.
    pub(super) wants_reasoning: bool,
}

/// Who spoke last.
pub(super) enum Last {
    User,
    Tool { name: String, text: String },
}

/// A function that is offered.
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) parameters: Value,
}

/// What `tool_choice` says.
pub(super) enum Choice {
    None,
    Auto,
    Required,
    Function(String),
}

impl Prompt {
    /// Reads a body.
    ///
    /// Errors: it has neither `messages` nor `input`.
    pub(super) fn read(request: &Value) -> Result<Self, String> {
        let messages = messages(request).ok_or("'messages' is a required property.")?;
        let calls = messages.iter().flat_map(calls_of).collect::<Vec<_>>();
        let text_of = |message: &Value| text(message.get("content").or_else(|| message.get("output")));
        let users = messages.iter().filter(|message| message["role"] == "user").map(text_of).collect();
        let last = messages.iter().rev().find_map(|message| last(message, &calls)).unwrap_or(Last::User);
        Ok(Self {
            users,
            last,
            tools: tools(request),
            choice: choice(&request["tool_choice"]),
            schema: schema(request),
            calls: calls.len(),
            wants_reasoning: effort(request).is_some_and(|effort| effort != "none"),
        })
    }

    /// What the user said last.
    pub(super) fn text(&self) -> String {
        self.users.last().cloned().unwrap_or_default()
    }

    /// What the user said before.
    pub(super) fn before(&self) -> Option<String> {
        let (_, earlier) = self.users.split_last()?;
        (!earlier.is_empty()).then(|| earlier.join(" / "))
    }
}

impl Tool {
    /// Whether `text` has the name, or a word of it that says something.
    pub(super) fn is_named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let name = self.name.to_lowercase();
        let mut words = name.split(['_', '-', '.']).filter(|word| word.len() > 3);
        text.contains(&name) || words.any(|word| text.contains(word))
    }
}

fn messages(request: &Value) -> Option<Vec<Value>> {
    let found = request.get("messages").or_else(|| request.get("input"))?;
    if let Value::String(text) = found {
        return Some(vec![json!({"role": "user", "content": text})]);
    }
    found.as_array().cloned()
}

/// The ids and names of the calls of a message or item.
fn calls_of(message: &Value) -> Vec<(String, String)> {
    let pair = |id: &Value, name: &Value| (plain(id), plain(name));
    if message["type"] == "function_call" {
        return vec![pair(&message["call_id"], &message["name"])];
    }
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    calls.iter().map(|call| pair(&call["id"], &call["function"]["name"])).collect()
}

fn last(message: &Value, calls: &[(String, String)]) -> Option<Last> {
    if message["role"] == "user" {
        return Some(Last::User);
    }
    let output = message["type"] == "function_call_output";
    if !output && message["role"] != "tool" {
        return None;
    }
    let id = plain(&message[if output { "call_id" } else { "tool_call_id" }]);
    let name = calls.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
    let text = text(message.get("content").or_else(|| message.get("output")));
    Some(Last::Tool { name: name.unwrap_or_default(), text })
}

fn tools(request: &Value) -> Vec<Tool> {
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |tool: &Value| {
        let function = tool.get("function").unwrap_or(tool);
        Some(Tool { name: function["name"].as_str()?.to_owned(), parameters: function["parameters"].clone() })
    };
    tools.iter().filter_map(read).collect()
}

fn choice(choice: &Value) -> Choice {
    let named = choice.pointer("/function/name").or_else(|| choice.get("name"));
    match (choice.as_str(), named.and_then(Value::as_str)) {
        (Some("none"), _) => Choice::None,
        (Some("required"), _) => Choice::Required,
        (_, Some(name)) => Choice::Function(name.to_owned()),
        _ => Choice::Auto,
    }
}

fn schema(request: &Value) -> Option<Value> {
    let chat = request.pointer("/response_format/json_schema/schema");
    let found = chat.or_else(|| request.pointer("/text/format/schema"));
    let object = request.pointer("/response_format/type").or_else(|| request.pointer("/text/format/type"));
    found.cloned().or_else(|| (object? == "json_object").then(|| json!({"type": "object"})))
}

fn effort(request: &Value) -> Option<&str> {
    request.get("reasoning_effort").or_else(|| request.pointer("/reasoning/effort"))?.as_str()
}

/// A text, or the texts of its parts.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join(" ")
        }
        Some(value) => plain(value),
        None => String::new(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
