//! Tools, and what a call of one does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

/// A tool.
#[derive(Clone, Debug)]
pub struct Tool {
    /// As it stands in the list, whatever that may be.
    pub description: Value,
    pub act: Act,
}

/// What a call does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Says its `text`.
    Echo,
    /// Adds `a` and `b`, and says the sum as text and as structured content.
    Add,
    /// The `_meta` of the request, as structured content alone.
    Meta,
    /// A text, an image, a resource and a link.
    Blocks,
    /// Reports progress so many times, with a pause before each, then says `done`.
    Progress(usize, Duration),
    /// Never answers.
    Hang,
    /// Says `done` once it is told to.
    Held(Arc<Notify>),
    /// Fails as a tool: `isError`.
    Fail,
    /// So many bytes of text.
    Huge(usize),
    /// Says that the list of tools changed, then answers.
    Change,
    /// Asks a question in the modern way, so many times, then says what it was answered.
    Ask(usize),
    /// Asks for a completion of a model.
    Sample,
    /// This result.
    Result(Value),
    /// This JSON-RPC error.
    Error(i64, String),
}

impl Tool {
    /// A tool that takes anything.
    pub fn new(name: &str, act: Act) -> Self {
        let description = json!({
            "name": name,
            "description": format!("The tool {name}."),
            "inputSchema": {"type": "object", "properties": {}},
        });
        Self { description, act }
    }

    /// Sets a member of the description.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.description[key] = value;
        self
    }

    /// A description that is none.
    pub fn malformed(description: Value) -> Self {
        Self { description, act: Act::Echo }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.description.get("name").and_then(Value::as_str)
    }

    /// The tools that every server has unless a test says otherwise.
    pub(super) fn usual() -> Vec<Self> {
        let text =
            json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
        let sum = json!({"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}});
        vec![
            Self::new("echo", Act::Echo)
                .with("inputSchema", text)
                .with("annotations", json!({"readOnlyHint": true})),
            Self::new("add", Act::Add).with("inputSchema", sum),
            Self::new("meta", Act::Meta),
            Self::new("blocks", Act::Blocks),
            Self::new("slow", Act::Progress(3, Duration::from_millis(50))),
            Self::new("hang", Act::Hang),
            Self::new("fail", Act::Fail),
        ]
    }
}
