//! Which tools of an MCP server are offered, and when a person has to approve.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which tools are offered, and how they are shown. In patterns `*` matches any run of characters, and nothing else is special.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("!has(self.allow) || !has(self.deny) || self.deny.all(d, !(d in self.allow))")
        .message("a tool cannot be in both allow and deny"),
    validation = Rule::new("self.pinning != 'Enforce' || (has(self.pins) && self.pins.size() > 0)")
        .message("pinning Enforce needs pins")
)]
pub struct Tools {
    /// Tools that are offered. Where absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allow: Option<Vec<String>>,
    /// Tools that are not, whatever `allow` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub deny: Option<Vec<String>>,
    /// Whether what the server says of its tools (`readOnlyHint` and the like) is believed. Otherwise every tool counts as one
    /// that writes, destroys and reaches out.
    #[serde(rename = "trustAnnotations", default)]
    pub trust_annotations: bool,
    /// What the model sees in place of what the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub overrides: Option<Vec<Override>>,
    /// What happens to a tool that is not as its pin says. Audit: it is reported. Enforce: it is withheld, and so is one without
    /// a pin. The list is open: more values may come.
    #[serde(default)]
    pub pinning: Pinning,
    /// What tools must be like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub pins: Option<Vec<Pin>>,
}

/// What the model sees of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Override {
    /// Name of the tool at the server.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Takes the place of its description.
    #[schemars(length(min = 1, max = 4096))]
    pub description: String,
}

/// What happens to a tool that is not as its pin says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Pinning {
    /// Nothing.
    Disabled,
    /// It is reported.
    #[default]
    Audit,
    /// It is withheld.
    Enforce,
}

/// What a tool must be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Pin {
    /// Name of the tool at the server.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// SHA-256 of its name, description, schemas and annotations in canonical JSON.
    #[schemars(length(min = 71, max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
}

/// When a person has to approve a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("self.default == 'Always' || !has(self.exempt)").message("exempt goes with default: Always"))]
pub struct Approval {
    /// Whether calls need it.
    #[serde(default)]
    pub default: ApprovalDefault,
    /// Tools that do not, with default: Always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub exempt: Option<Vec<String>>,
}

/// Whether calls need approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ApprovalDefault {
    /// They do.
    #[default]
    Always,
    /// They do not.
    Never,
}
