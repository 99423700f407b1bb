//! How TLS connections to a server are checked.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::reference::ConfigMapKeyRef;

/// How TLS connections to a server are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.caBundleRef) || has(self.serverName)").message("set caBundleRef, serverName or both"))]
pub struct Tls {
    /// The certificates of the authorities that are trusted, as PEM; no others are then. Where absent: those of the system. A
    /// ConfigMap of another namespace needs a ReferenceGrant there.
    #[serde(rename = "caBundleRef", default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<ConfigMapKeyRef>,
    /// The name that the certificate has to be for. Where absent: the host of the URL.
    #[serde(rename = "serverName", default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(
            pattern = r"^[a-zA-Z0-9_]([-a-zA-Z0-9_]*[a-zA-Z0-9])?(\.[a-zA-Z0-9_]([-a-zA-Z0-9_]*[a-zA-Z0-9])?)*$"
        )
    )]
    pub server_name: Option<String>,
}
