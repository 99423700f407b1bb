//! The built-in tools of a gateway.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mapped::MappedTool;
use crate::reference::{ObjectRef, SecretKeyRef};

/// What the built-in tools use. A tool for which nothing is said here is not available.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Tools {
    /// What `web_search` asks.
    #[serde(rename = "webSearch", default, skip_serializing_if = "Option::is_none")]
    pub web_search: Option<WebSearch>,
    /// What `image_generation` asks.
    #[serde(rename = "imageGeneration", default, skip_serializing_if = "Option::is_none")]
    pub image_generation: Option<ImageGeneration>,
    /// What runs the code of `code_interpreter`. Nothing runs in the proxy.
    #[serde(rename = "codeInterpreter", default, skip_serializing_if = "Option::is_none")]
    pub code_interpreter: Option<CodeInterpreter>,
}

/// What `image_generation` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ImageGeneration {
    /// A Model of type Image, attached to this gateway. Requests may name another one.
    #[serde(rename = "modelRef")]
    pub model_ref: ObjectRef,
}

/// What runs the code of `code_interpreter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct CodeInterpreter {
    /// The tool that runs code.
    pub mcp: MappedTool,
}

/// What `web_search` asks: exactly the member named by `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("(self.type == 'SearXNG') == has(self.searxng) && (self.type == 'Brave') == has(self.brave) && (self.type == 'Tavily') == has(self.tavily) && (self.type == 'MCP') == has(self.mcp)")
        .message("exactly the member named by type must be set")
)]
pub struct WebSearch {
    /// The search engine. The list is open: more values may come.
    #[serde(rename = "type")]
    pub kind: WebSearchType,
    /// With type: SearXNG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searxng: Option<Searxng>,
    /// With type: Brave. The address is `https://api.search.brave.com/res/v1` unless it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brave: Option<SearchApi>,
    /// With type: Tavily. The address is `https://api.tavily.com` unless it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tavily: Option<SearchApi>,
    /// With type: MCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<MappedTool>,
}

/// A search engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WebSearchType {
    /// An instance of SearXNG.
    #[serde(rename = "SearXNG")]
    Searxng,
    /// The Brave Search API.
    Brave,
    /// The Tavily API.
    Tavily,
    /// A tool of an MCPServer.
    #[serde(rename = "MCP")]
    Mcp,
}

/// An instance of SearXNG. Its settings must list `json` under `search.formats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Searxng {
    /// Where it is: an http or https URL without user info, such as `http://searxng.search.svc:8080`. It may be private.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(
        validation = Rule::new("isURL(self) && url(self).getScheme() in ['http', 'https'] && !self.contains('@')")
            .message("url must be an http(s) URL without user info"),
        validation = Rule::new(r"!self.matches('^[a-z]+://(169[.]254[.]|0[.]0[.]0[.]0(:|/|$)|\\[([0:]+\\]|[fF][eE][89aAbB]))')")
            .message("link-local and unspecified addresses are never allowed")
    )]
    pub url: String,
}

/// A search engine in the web, which wants a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct SearchApi {
    /// Where the key lies. A Secret of another namespace needs a ReferenceGrant there.
    #[serde(rename = "apiKeySecretRef")]
    pub api_key_secret_ref: SecretKeyRef,
    /// Where the API is, if all that leaves the cluster goes through a gateway. Where absent: its own address.
    #[serde(rename = "baseURL", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(
        validation = Rule::new("isURL(self) && !self.contains('@') && !self.contains('?') && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname() in ['localhost', '127.0.0.1', '::1']))")
            .message("baseURL must be an https URL without user info or query; http is for loopback only")
    )]
    pub base_url: Option<String>,
}
