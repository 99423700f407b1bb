//! What the entry of a Tenant says.

use std::collections::BTreeSet;

use rules::glob;
use serde::{Deserialize, Serialize};

use super::CallerUrls;

/// Who belongs to a tenant, and what it may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantSpec {
    /// The id of the tenant in every row, path and collection.
    pub name: String,
    /// The namespaces whose objects it sees beside those of the gateway's namespace. No other tenant of the snapshot has one of them.
    pub namespaces: BTreeSet<String>,
    /// Whose tokens are its own. A token that fits two tenants is nobody's.
    pub subjects: Vec<Subject>,
    /// The models in its view that it may use.
    pub models: Filter,
    /// The labels of MCP servers in its view that it may use.
    #[serde(default, skip_serializing_if = "Filter::is_open")]
    pub mcp_servers: Filter,
    /// Whether its requests may bring URLs of their own.
    #[serde(default, skip_serializing_if = "CallerUrls::is_silent")]
    pub caller_urls: CallerUrls,
    /// Streams at a time; absent = what the gateway says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
}

/// Some callers of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Whose token has a claim with one of some values.
    Jwt {
        /// The name of the issuer at the gateway.
        issuer: String,
        /// The name of the claim.
        claim: String,
        /// The values.
        values: BTreeSet<String>,
    },
    /// Who runs as a ServiceAccount.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name; absent = every one of the namespace.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

/// Which names are let through. In the patterns `*` matches any run of characters, and nothing else is special.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// Names that pass; absent = all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<BTreeSet<String>>,
    /// Names that do not, whatever `allow` says.
    pub deny: BTreeSet<String>,
}

impl Filter {
    /// Tells whether every name passes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether a name passes.
    #[must_use]
    pub fn passes(&self, name: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| glob::any_fits(allow, name)) && !self.denies(name)
    }

    /// Tells whether a name is denied, whatever is allowed.
    #[must_use]
    pub fn denies(&self, name: &str) -> bool {
        glob::any_fits(&self.deny, name)
    }
}
