//! What the operator tells about an MCPServer.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::status::Status;

/// What the operator tells about an MCPServer. Nothing is asked of the server for it: it is what proxies saw when clients used
/// its tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct McpServerStatus {
    /// What is told about objects of every kind.
    #[serde(flatten)]
    pub common: Status,
    /// The version of the protocol that was spoken last, for instance `2025-11-25`.
    #[serde(rename = "protocolVersion", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub protocol_version: Option<String>,
    /// The tools that the server listed last. A list that came by a caller's own credentials is not told. Of different
    /// lists that proxies have seen, it is the one that came up last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<ToolsStatus>,
}

/// The tools that a server listed, whether they are offered or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ToolsStatus {
    /// How many there are. Tools that cannot be used, for instance since two have one name, do not count.
    #[schemars(range(min = 0, max = 10_000))]
    pub count: i32,
    /// SHA-256 of all their names and digests: it changes whenever any of them does.
    #[schemars(length(min = 71, max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
    /// The first 128 by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub items: Option<Vec<ListedTool>>,
}

/// A tool with its digest, which can be copied to `spec.tools.pins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ListedTool {
    /// Name of the tool at the server.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// SHA-256 of its name, description, schemas and annotations in canonical JSON.
    #[schemars(length(min = 71, max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
}
