//! The tool type `mcp`: a remote server, how it is reached, and what of it may be used.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::secret::Secret;
use crate::tags;

tags! {
    /// `mcp`.
    McpTag = "mcp";
}

/// A remote MCP server. Serialized, it is the echo: no credential, no header value, and of the URL only its origin. Unknown
/// fields are dropped: what stands there may be a credential under a wrong name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct McpTool {
    /// `^[a-zA-Z0-9_-]{1,64}$`; unique within a request.
    pub server_label: String,
    /// Where it is, whole: path and query may be secret. `None` names a server that is offered under the label.
    pub server_url: Option<Secret>,
    /// A bearer token, without `Bearer `.
    pub authorization: Option<Secret>,
    /// Further headers.
    pub headers: BTreeMap<String, Secret>,
    /// What the model may know of the server.
    pub server_description: Option<String>,
    /// Which tools may be used; `None` is all.
    pub allowed_tools: Option<AllowedTools>,
    /// Which calls the caller has to approve.
    pub require_approval: RequireApproval,
    /// Whether the tools are shown to the model only when it searches for them.
    pub defer_loading: Option<bool>,
    /// Who may call the tools: `direct`, `programmatic`.
    pub allowed_callers: Option<Vec<String>>,
}

/// A choice among the tools of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AllowedTools {
    /// These.
    Names(Vec<String>),
    /// Those that match.
    Filter(ToolFilter),
}

/// Selects tools; of several conditions all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolFilter {
    /// One of these names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_names: Option<Vec<String>>,
    /// Whether the tool says that it changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// Which calls need the caller's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequireApproval {
    /// All or none.
    All(Approval),
    /// By tool; a tool that no filter matches needs approval.
    Filters(ApprovalFilters),
}

/// The string forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Every call.
    #[default]
    Always,
    /// No call.
    Never,
}

/// The object form. `always` goes before `never`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalFilters {
    /// Tools that need approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<ToolFilter>,
    /// Tools that need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<ToolFilter>,
}

impl McpTool {
    /// True if the request lets a tool be used; `read_only` is what is believed of it.
    pub fn allows(&self, name: &str, read_only: bool) -> bool {
        match &self.allowed_tools {
            None => true,
            Some(AllowedTools::Names(names)) => names.iter().any(|one| one == name),
            Some(AllowedTools::Filter(filter)) => filter.matches(name, read_only),
        }
    }
}

impl ToolFilter {
    /// True if a tool meets every condition; a filter without any matches all.
    pub fn matches(&self, name: &str, read_only: bool) -> bool {
        let named = self.tool_names.as_ref().is_none_or(|names| names.iter().any(|one| one == name));
        named && self.read_only.is_none_or(|wanted| wanted == read_only)
    }

    fn is_empty(&self) -> bool {
        self.tool_names.is_none() && self.read_only.is_none()
    }
}

impl RequireApproval {
    /// True if a call of the tool needs approval; `read_only` is what is believed of it.
    ///
    /// In doubt it does: where both filters match, where none does, and where `never` has no condition.
    pub fn needs(&self, name: &str, read_only: bool) -> bool {
        match self {
            Self::All(approval) => *approval == Approval::Always,
            Self::Filters(ApprovalFilters { always, never }) => {
                let hit = |filter: &Option<ToolFilter>| {
                    let filter = filter.as_ref().filter(|filter| !filter.is_empty());
                    filter.is_some_and(|filter| filter.matches(name, read_only))
                };
                hit(always) || !hit(never)
            }
        }
    }
}

impl Default for RequireApproval {
    fn default() -> Self {
        Self::All(Approval::Always)
    }
}

impl Serialize for McpTool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", McpTag::TEXT)?;
        map.serialize_entry("server_label", &self.server_label)?;
        map.serialize_entry("server_url", &self.server_url.as_ref().map(|url| redacted(url.expose())))?;
        map.serialize_entry("allowed_tools", &self.allowed_tools)?;
        map.serialize_entry("headers", &Value::Null)?;
        map.serialize_entry("require_approval", &self.require_approval)?;
        map.serialize_entry("server_description", &self.server_description)?;
        if let Some(defer) = self.defer_loading {
            map.serialize_entry("defer_loading", &defer)?;
        }
        if let Some(callers) = &self.allowed_callers {
            map.serialize_entry("allowed_callers", callers)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for McpTool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let headers = wire.headers.unwrap_or_default().into_iter();
        Ok(Self {
            server_label: wire.server_label,
            server_url: wire.server_url.map(Secret::new),
            authorization: wire.authorization.map(Secret::new),
            headers: headers.map(|(name, value)| (name, Secret::new(value))).collect(),
            server_description: wire.server_description,
            allowed_tools: wire.allowed_tools,
            require_approval: wire.require_approval.unwrap_or_default(),
            defer_loading: wire.defer_loading,
            allowed_callers: wire.allowed_callers,
        })
    }
}

/// A tool as it was stored or sent.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    _tag: McpTag,
    server_label: String,
    server_url: Option<String>,
    authorization: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    server_description: Option<String>,
    allowed_tools: Option<AllowedTools>,
    require_approval: Option<RequireApproval>,
    defer_loading: Option<bool>,
    allowed_callers: Option<Vec<String>>,
}

/// `https://host/<redacted>`; what is no URL is hidden whole.
fn redacted(url: &str) -> String {
    let origin = url::Url::parse(url).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    let origin = origin.map(|origin| origin.ascii_serialization());
    format!("{}/<redacted>", origin.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn needs(approval: Value, name: &str, read_only: bool) -> bool {
        serde_json::from_value::<RequireApproval>(approval).unwrap().needs(name, read_only)
    }

    #[test]
    fn approval_is_needed_in_doubt() {
        let both = json!({"always": {"tool_names": ["a"]}, "never": {"read_only": true}});
        assert!(needs(json!("always"), "a", true) && !needs(json!("never"), "a", false));
        assert!(needs(both.clone(), "a", true), "always goes first");
        assert!(!needs(both.clone(), "b", true) && needs(both, "b", false));
        assert!(needs(json!({"always": {"tool_names": ["a"]}}), "b", true), "nothing matches");
        assert!(needs(json!({"never": {}}), "a", true), "a filter without a condition frees nothing");
        assert!(RequireApproval::default().needs("a", true));
    }

    #[test]
    fn a_credential_under_a_wrong_name_is_neither_echoed_nor_printed() {
        let tool = json!({"type": "mcp", "server_label": "l", "Authorization": "secret-a", "http_headers": {"x": "secret-b"}});
        let tool: McpTool = serde_json::from_value(tool).unwrap();
        let shown = format!("{tool:?} {}", serde_json::to_string(&tool).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_filter_asks_for_all_of_its_conditions() {
        let allows = |allowed: Value, name: &str, read_only: bool| {
            let tool = json!({"type": "mcp", "server_label": "l", "allowed_tools": allowed});
            serde_json::from_value::<McpTool>(tool).unwrap().allows(name, read_only)
        };
        assert!(allows(Value::Null, "a", false) && allows(json!({}), "a", false));
        assert!(allows(json!(["a"]), "a", false) && !allows(json!(["a"]), "b", true));
        let filter = json!({"tool_names": ["a", "b"], "read_only": true});
        assert!(allows(filter.clone(), "a", true) && !allows(filter.clone(), "a", false));
        assert!(!allows(filter, "c", true));
        assert!(!allows(json!([]), "a", true), "an empty list allows nothing");
    }
}
