//! Built-in tools that a tool of an MCP server runs.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reference::ObjectRef;

/// A tool of an MCPServer that runs the calls of a built-in tool. The server's own rules and the ToolPolicies on it hold; what
/// would need an approval is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct MappedTool {
    /// The MCPServer, attached to this gateway.
    #[serde(rename = "serverRef")]
    pub server_ref: ObjectRef,
    /// The tool by the server's own name.
    #[schemars(length(min = 1, max = 128))]
    pub tool: String,
    /// The argument of the tool that takes the code or the query.
    #[schemars(length(min = 1, max = 128))]
    pub argument: String,
    /// Further arguments, the same in every call. They must not repeat `argument`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free")]
    pub arguments: Option<Map<String, Value>>,
}

/// An object of any content.
fn free(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "nullable": true, "maxProperties": 32, "x-kubernetes-preserve-unknown-fields": true,
    })
}
