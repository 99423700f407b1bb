//! Tenant: who belongs together, and what they may see.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::reference::{CallerUrls, ObjectRef};
use crate::status::Status;

/// Identities, the namespaces they own, and what they may see. The name of the object is the id of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "Tenant",
    root = "TenantResource",
    plural = "tenants",
    shortname = "rten",
    category = "fairlead",
    namespaced,
    doc = "Identities, the namespaces they own, and what they may see. The name of the object is the id of the tenant.",
    status = "Status",
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
pub struct Tenant {
    /// The gateways that serve this tenant, in its own namespace. Where absent: every gateway there.
    #[serde(rename = "gatewayRefs", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub gateway_refs: Option<Vec<ObjectRef>>,

    /// A name for people.
    #[serde(rename = "displayName", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub display_name: Option<String>,

    /// Namespaces whose objects and APIKeys are its own. No two Tenants of a gateway share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub namespaces: Option<Vec<String>>,

    /// Whose tokens are its own. A token that fits two Tenants is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub subjects: Option<Vec<Subject>>,

    /// The models in its view that it may use. Where absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Filter>,

    /// The labels of MCPServers in its view that it may use. Where absent: all of them.
    #[serde(rename = "mcpServers", default, skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<Filter>,

    /// Whether its requests may bring URLs of their own. What is absent is as the gateway says.
    #[serde(rename = "callerURLs", default, skip_serializing_if = "Option::is_none")]
    pub caller_urls: Option<CallerUrls>,

    /// Limits of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// Some callers: exactly one of jwt, serviceAccount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.jwt) != has(self.serviceAccount)").message("exactly one of jwt, serviceAccount"))]
pub struct Subject {
    /// Whose token has a claim with one of some values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Claim>,
    /// Who runs as a ServiceAccount.
    #[serde(rename = "serviceAccount", default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
}

/// A claim of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Claim {
    /// Name of an entry of `authentication.jwt` of the gateway.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub issuer: String,
    /// Name of the claim.
    #[schemars(length(min = 1, max = 128))]
    pub claim: String,
    /// Values, one of which it must have; of a list, one of its members.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub values: Vec<String>,
}

/// A ServiceAccount, or all of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ServiceAccount {
    /// Namespace of the ServiceAccount.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: String,
    /// Name of the ServiceAccount. Where absent: every one of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: Option<String>,
}

/// Which names are let through. `*` matches any run of characters, and nothing else is special.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Filter {
    /// Names that pass. Where absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allow: Option<Vec<String>>,
    /// Names that do not pass, whatever `allow` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub deny: Option<Vec<String>>,
}

/// Limits of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Limits {
    /// Streams at a time in each process. Where absent: what the gateway says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub streams: Option<i32>,
}
