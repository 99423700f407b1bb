//! What MCP servers say: their tools, and why a call failed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Object;

/// A tool of a remote server, as `mcp_list_tools` shows it. Read leniently: only the name has to be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListedTool {
    /// The server's own name.
    pub name: String,
    /// A JSON Schema of the arguments.
    #[serde(default)]
    pub input_schema: Value,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// What the server says of it, such as `readOnlyHint`.
    #[serde(default)]
    pub annotations: Option<Value>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

impl ListedTool {
    /// What the tool says of itself: that it changes nothing. Whether that is believed is decided elsewhere.
    pub fn read_only_hint(&self) -> bool {
        let hint = self.annotations.as_ref().and_then(|annotations| annotations.get("readOnlyHint"));
        hint.and_then(Value::as_bool).unwrap_or(false)
    }
}

/// Why a call of a remote tool failed: the `error` of an `mcp_call`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum McpError {
    /// The server answered with a JSON-RPC error.
    #[serde(rename = "mcp_protocol_error")]
    Protocol {
        /// Of JSON-RPC or of the server.
        code: i64,
        /// In the server's words, bounded.
        message: String,
    },
    /// The tool ran and failed.
    #[serde(rename = "mcp_tool_execution_error")]
    Execution {
        /// The blocks that it returned.
        content: Value,
    },
    /// The server could not be reached, or did not answer as it should.
    #[serde(rename = "http_error")]
    Http {
        /// The status, 502 or 504 where there is none.
        code: u16,
        /// In our words: a remote body is never shown.
        message: String,
    },
}

impl McpError {
    /// A failure that is told in one text.
    pub fn execution(text: &str) -> Self {
        Self::Execution { content: json!([{"type": "text", "text": text}]) }
    }

    /// The `error` on the wire.
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What the model is told.
    pub fn text(&self) -> String {
        match self {
            Self::Protocol { code, message } => format!("The call failed with error {code}: {message}"),
            Self::Http { code, message } => format!("The call failed with HTTP status {code}: {message}"),
            Self::Execution { content } => format!("The tool failed: {}", texts(content)),
        }
    }
}

/// The texts of content blocks, or the content as JSON if it has others.
fn texts(content: &Value) -> String {
    let blocks = content.as_array().map_or(&[][..], Vec::as_slice);
    let texts: Option<Vec<&str>> = blocks.iter().map(|block| block.get("text")?.as_str()).collect();
    texts.filter(|texts| !texts.is_empty()).map_or_else(|| content.to_string(), |texts| texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_form_of_its_union() {
        let protocol = McpError::Protocol { code: -32602, message: "m".into() };
        let http = McpError::Http { code: 504, message: "m".into() };
        let told = [
            (protocol.clone(), json!({"type": "mcp_protocol_error", "code": -32602, "message": "m"})),
            (http.clone(), json!({"type": "http_error", "code": 504, "message": "m"})),
            (
                McpError::execution("no"),
                json!({"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "no"}]}),
            ),
        ];
        for (error, expected) in told {
            assert_eq!(error.value(), expected);
            assert_eq!(serde_json::from_value::<McpError>(expected).unwrap(), error);
        }
        assert_eq!(protocol.text(), "The call failed with error -32602: m");
        assert_eq!(http.text(), "The call failed with HTTP status 504: m");
        assert_eq!(McpError::execution("no").text(), "The tool failed: no");
        let odd = McpError::Execution { content: json!([{"type": "image"}]) };
        assert_eq!(odd.text(), r#"The tool failed: [{"type":"image"}]"#);
    }

    #[test]
    fn a_listed_tool_needs_a_name_only() {
        let tool: ListedTool = serde_json::from_value(json!({"name": "a"})).unwrap();
        assert!(!tool.read_only_hint());
        let hint = json!({"name": "a", "annotations": {"readOnlyHint": true}});
        assert!(serde_json::from_value::<ListedTool>(hint).unwrap().read_only_hint());
        assert!(serde_json::from_value::<ListedTool>(json!({"input_schema": {}})).is_err());
    }
}
