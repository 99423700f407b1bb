//! Tools and the choice among them.

mod mcp;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Object, tags};

pub use mcp::{AllowedTools, Approval, ApprovalFilters, McpTag, McpTool, RequireApproval, ToolFilter};

tags! {
    /// `function`.
    FunctionTag = "function";
    /// `custom`.
    CustomTag = "custom";
}

/// A tool that the request offers to the model, as it is echoed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Tool {
    /// A function that the client runs.
    Function(FunctionTool),
    /// A custom tool that the client runs.
    Custom(CustomTool),
    /// A remote MCP server.
    Mcp(Box<McpTool>),
    /// Every other type, with its fields as they are echoed: hosted tools, namespaces, extensions.
    Hosted(HostedTool),
}

/// A function; all four fields are always echoed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionTool {
    /// The constant `function`.
    #[serde(rename = "type", default)]
    pub tag: FunctionTag,
    /// What the model reads.
    #[serde(default)]
    pub description: Option<String>,
    /// `^[a-zA-Z0-9_-]{1,64}$`.
    pub name: String,
    /// A JSON Schema, or null.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether the arguments must fit the schema.
    #[serde(default)]
    pub strict: Option<bool>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A custom tool: free text in, free text out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomTool {
    /// The constant `custom`.
    #[serde(rename = "type", default)]
    pub tag: CustomTag,
    /// `^[a-zA-Z0-9_-]{1,64}$`.
    pub name: String,
    /// What the model reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `{"type":"text"}` or a grammar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Value>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A tool of any other type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostedTool {
    /// The type on the wire, such as `file_search` or `think`.
    #[serde(rename = "type")]
    pub kind: String,
    /// All other fields.
    #[serde(flatten)]
    pub fields: Object,
}

impl HostedTool {
    /// A field that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str)
    }
}

impl Tool {
    /// The `type` on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Function(_) => FunctionTag::TEXT,
            Self::Custom(_) => CustomTag::TEXT,
            Self::Mcp(_) => McpTag::TEXT,
            Self::Hosted(tool) => &tool.kind,
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let tool = match kind {
            FunctionTag::TEXT => serde_json::from_value(value).map(Self::Function),
            CustomTag::TEXT => serde_json::from_value(value).map(Self::Custom),
            McpTag::TEXT => serde_json::from_value(value).map(|tool| Self::Mcp(Box::new(tool))),
            _ => serde_json::from_value(value).map(Self::Hosted),
        };
        tool.map_err(serde::de::Error::custom)
    }
}

/// Which tools the model may or must call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ToolChoice {
    /// `none`, `auto` or `required`.
    Mode(ToolMode),
    /// An object form.
    Named(NamedChoice),
}

impl Default for ToolChoice {
    fn default() -> Self {
        Self::Mode(ToolMode::Auto)
    }
}

/// The string forms of a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolMode {
    /// No call.
    None,
    /// As the model likes.
    #[default]
    Auto,
    /// At least one call.
    Required,
}

/// The object forms of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NamedChoice {
    /// One function.
    Function {
        /// Its name.
        name: String,
    },
    /// One custom tool.
    Custom {
        /// Its name.
        name: String,
    },
    /// A tool of an MCP server, or any of them.
    Mcp {
        /// The server.
        server_label: String,
        /// The tool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A part of the offered tools.
    AllowedTools {
        /// `auto` or `required`.
        mode: ToolMode,
        /// References such as `{"type":"function","name":"f"}`.
        tools: Vec<Object>,
    },
    /// A hosted tool by its type.
    #[serde(untagged)]
    Hosted {
        /// Such as `file_search`.
        #[serde(rename = "type")]
        kind: String,
    },
}
