//! APIKey: one client key.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::reference::{ObjectRef, SecretRef};
use crate::status::Status;
use crate::time::Time;

/// One client key of a tenant. Only its hash leaves the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "APIKey",
    root = "ApiKeyResource",
    plural = "apikeys",
    shortname = "rkey",
    category = "fairlead",
    namespaced,
    doc = "One client key of a tenant. Only its hash leaves the operator.",
    status = "ApiKeyStatus",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".status.tenant"}"#,
    printcolumn = r#"{"name":"Owner","type":"string","jsonPath":".spec.owner"}"#,
    printcolumn = r#"{"name":"Expires","type":"string","jsonPath":".spec.expiresAt"}"#,
    printcolumn = r#"{"name":"Accepted","type":"string","jsonPath":".status.conditions[?(@.type==\"Accepted\")].status"}"#,
    printcolumn = r#"{"name":"Refs","type":"string","jsonPath":".status.conditions[?(@.type==\"ResolvedRefs\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = Rule::new("!has(self.rotation) || self.generate").message("rotation needs generate: true")
)]
pub struct ApiKey {
    /// The gateways that know this key. Where absent: every gateway of the object's own namespace.
    #[serde(rename = "gatewayRefs", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub gateway_refs: Option<Vec<ObjectRef>>,

    /// The Tenant that callers with this key are. Where absent: the one that owns the namespace of the object. Only in the
    /// namespace of a gateway may it be another one.
    #[serde(rename = "tenantRef", default, skip_serializing_if = "Option::is_none")]
    pub tenant_ref: Option<TenantRef>,

    /// Who answers for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub owner: Option<String>,

    /// The Secret with `key` (24 characters or more) or `sha256` (64 hexadecimal digits), in the same namespace.
    #[serde(rename = "secretRef")]
    pub secret_ref: SecretRef,

    /// Whether the operator makes the key and writes the Secret.
    #[serde(default)]
    pub generate: bool,

    /// Whether the key is refused.
    #[serde(default)]
    pub disabled: bool,

    /// From when on the key is refused. Where absent: never.
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,

    /// When a key that the operator made is replaced. Where absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
}

/// Names the Tenant of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct TenantRef {
    /// Name of the Tenant.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// When a key is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("duration(self.overlap) < duration(self.every)").message("overlap must be shorter than every"))]
pub struct Rotation {
    /// Age at which a key is replaced: 1h to 8760h.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('8760h')").message("must be between 1h and 8760h"))]
    pub every: Duration,
    /// How long the key before counts beside the present one: 0s to 720h.
    #[serde(default = "overlap")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('0s') && duration(self) <= duration('720h')").message("must be between 0s and 720h"))]
    pub overlap: Duration,
}

fn overlap() -> Duration {
    Duration::new("24h")
}

/// What the operator tells about an APIKey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ApiKeyStatus {
    /// What is told about objects of every kind.
    #[serde(flatten)]
    pub common: Status,
    /// The tenant that callers with this key are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub tenant: Option<String>,
    /// The first characters of the key, by which people tell keys apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    pub prefix: Option<String>,
    /// When the key was replaced last.
    #[serde(rename = "rotatedAt", default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<Time>,
    /// When the key will be replaced.
    #[serde(rename = "nextRotation", default, skip_serializing_if = "Option::is_none")]
    pub next_rotation: Option<Time>,
}
