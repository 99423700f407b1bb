//! The credential of an MCP server.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::reference::{ObjectRef, SecretKeyRef};

/// The credential of an MCP server: exactly one of bearer, headers, oauthClientCredentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.bearer), has(self.headers), has(self.oauthClientCredentials)].filter(x, x).size() == 1").message("exactly one of bearer, headers, oauthClientCredentials"))]
pub struct Auth {
    /// A token that every request carries as `authorization: Bearer <token>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Bearer>,
    /// Headers that every request carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.all(h, !(h.name.lowerAscii() in ['host', 'content-length', 'content-type', 'accept', 'transfer-encoding', 'connection', 'te', 'upgrade', 'traceparent', 'tracestate']) && !h.name.lowerAscii().startsWith('mcp-') && !h.name.lowerAscii().startsWith('x-forwarded-'))")
            .message("transport and protocol headers are not allowed here")
    )]
    pub headers: Option<Vec<SecretHeader>>,
    /// A token that is fetched with a client's id and secret.
    #[serde(rename = "oauthClientCredentials", default, skip_serializing_if = "Option::is_none")]
    pub oauth_client_credentials: Option<ClientCredentials>,
}

/// A token that every request carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Bearer {
    /// Where the token lies. A Secret of another namespace needs a ReferenceGrant there.
    #[serde(rename = "secretRef")]
    pub secret_ref: SecretKeyRef,
}

/// A header whose value is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct SecretHeader {
    /// Name of the header.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"))]
    pub name: String,
    /// Where its value lies. A Secret of another namespace needs a ReferenceGrant there.
    #[serde(rename = "secretRef")]
    pub secret_ref: SecretKeyRef,
}

/// The OAuth 2.0 grant `client_credentials`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ClientCredentials {
    /// Where tokens are issued: an http or https URL without user info.
    #[serde(rename = "tokenURL")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(
        validation = Rule::new("isURL(self) && self.matches('^https?://') && !self.contains('@')")
            .message("tokenURL must be an http(s) URL without user info"),
        validation = Rule::new(r"!self.matches('^[a-z]+://(169[.]254[.]|0[.]0[.]0[.]0(:|/|$)|\\[([0:]+\\]|[fF][eE][89aAbB]))')")
            .message("link-local and unspecified addresses are never allowed")
    )]
    pub token_url: String,
    /// A Secret with the keys `clientID` and `clientSecret`. One of another namespace needs a ReferenceGrant there.
    #[serde(rename = "clientSecretRef")]
    pub client_secret_ref: ObjectRef,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128), regex(pattern = r"^[!#-\[\]-~]+$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub scopes: Option<Vec<String>>,
    /// What the token is for (RFC 8707). Where absent: the URL of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub resource: Option<String>,
}
