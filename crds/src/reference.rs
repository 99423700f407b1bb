//! References from one object to another.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model_provider::Consent;

/// Names another object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ObjectRef {
    /// Name of the object.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// Namespace of the object. Where absent: the namespace of the object that holds the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// Names one value of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// Key within the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
    /// Namespace of the Secret. Where absent: the namespace of the object that holds the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// Names one value of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ConfigMapKeyRef {
    /// Name of the ConfigMap.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// Key within the ConfigMap.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
    /// Namespace of the ConfigMap. Where absent: the namespace of the object that holds the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// Names a Secret of the same namespace; which of its keys are read is fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// Whether requests may bring URLs of their own. Such URLs never lead to private addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct CallerUrls {
    /// MCP servers, as `server_url`. Where absent: Deny.
    #[serde(rename = "mcpServers", default, skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<Consent>,
    /// Hosts that such URLs may name; `*` matches any run of characters. Where absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub hosts: Option<Vec<String>>,
}

/// Chooses namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.from == 'Selector') == has(self.selector)").message("selector is set if and only if from is Selector"))]
pub struct Namespaces {
    /// Same: the namespace of the object itself. All: every namespace. Selector: its own, and those that `selector` chooses.
    /// The list is open: more values may come.
    pub from: NamespacesFrom,
    /// The namespaces to choose, with from: Selector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

/// Which namespaces are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NamespacesFrom {
    /// The namespace of the object itself.
    #[default]
    Same,
    /// Every namespace.
    All,
    /// The namespace of the object itself, and those that the selector chooses.
    Selector,
}

/// Chooses by labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Selector {
    /// Labels that must all be there with these values.
    #[serde(rename = "matchLabels")]
    #[schemars(extend("maxProperties" = 8, "additionalProperties" = {"type": "string", "maxLength": 63}))]
    pub match_labels: BTreeMap<String, String>,
}

impl Selector {
    /// Tells whether something with these labels is chosen.
    #[must_use]
    pub fn chooses(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

impl Namespaces {
    /// Tells whether an object in `own` that carries this choice admits objects in `other`, which has these labels.
    /// An object always admits those of its own namespace.
    #[must_use]
    pub fn admit(&self, own: &str, other: &str, labels: Option<&BTreeMap<String, String>>) -> bool {
        let chosen = || {
            let (selector, labels) = self.selector.as_ref().zip(labels)?;
            Some(selector.chooses(labels))
        };
        own == other
            || match self.from {
                NamespacesFrom::Same => false,
                NamespacesFrom::All => true,
                NamespacesFrom::Selector => chosen().unwrap_or(false),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_selector_admits_its_own_namespace_and_those_with_all_labels() {
        let selector = Some(Selector { match_labels: labels(&[("a", "1"), ("b", "2")]) });
        let choice = Namespaces { from: NamespacesFrom::Selector, selector };
        assert!(choice.admit("own", "own", None));
        assert!(choice.admit("own", "other", Some(&labels(&[("a", "1"), ("b", "2"), ("c", "3")]))));
        assert!(!choice.admit("own", "other", Some(&labels(&[("a", "1"), ("b", "3")]))));
        assert!(!choice.admit("own", "other", None));
    }

    #[test]
    fn same_and_all_need_no_labels() {
        let all = Namespaces { from: NamespacesFrom::All, selector: None };
        assert!(all.admit("own", "other", None) && !Namespaces::default().admit("own", "other", None));
    }
}
