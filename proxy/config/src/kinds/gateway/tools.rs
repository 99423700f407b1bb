//! Finds what the built-in tools of a gateway use.

use crds::reference::SecretKeyRef;
use crds::responses_gateway::{Tools, WebSearch as Asked, WebSearchType};

use super::references;
use crate::compile::Scope;
use crate::id::{ObjectId, SecretId};
use crate::spec::{Held, SearchApi, WebSearch};

const BRAVE: &str = "https://api.search.brave.com/res/v1";
const TAVILY: &str = "https://api.tavily.com";

/// Lists the Secrets that the tools need.
pub(super) fn secrets(tools: &Tools, id: &ObjectId) -> Vec<ObjectId> {
    let key = tools.web_search.as_ref().and_then(key);
    key.map(|(reference, _)| secret(reference, id).holder).into_iter().collect()
}

/// What `web_search` asks; nothing where it is not set up.
pub(super) fn web_search(tools: &Tools, id: &ObjectId, scope: &mut Scope<'_>) -> Option<WebSearch> {
    let asked = tools.web_search.as_ref()?;
    let key = key(asked).and_then(|(reference, path)| {
        let secret = secret(reference, id);
        let hash = scope.secret((&secret, id), path, true)?;
        Some(Held { secret, hash })
    });
    let api = |base_url: Option<&String>, usual: &str| SearchApi {
        base_url: trimmed(base_url.map_or(usual, String::as_str)),
        key,
    };
    Some(match asked.kind {
        WebSearchType::Searxng => WebSearch::Searxng { url: trimmed(&asked.searxng.as_ref()?.url) },
        WebSearchType::Brave => WebSearch::Brave(api(asked.brave.as_ref()?.base_url.as_ref(), BRAVE)),
        WebSearchType::Tavily => WebSearch::Tavily(api(asked.tavily.as_ref()?.base_url.as_ref(), TAVILY)),
        WebSearchType::Mcp => WebSearch::Mcp(references::search(asked.mcp.as_ref()?, id, scope)?),
    })
}

/// The reference to a key, and where it stands.
fn key(asked: &Asked) -> Option<(&SecretKeyRef, &'static str)> {
    let brave = asked.brave.as_ref();
    let brave = brave.map(|api| (&api.api_key_secret_ref, "spec.tools.webSearch.brave.apiKeySecretRef"));
    let tavily = asked.tavily.as_ref();
    brave.or_else(|| Some((&tavily?.api_key_secret_ref, "spec.tools.webSearch.tavily.apiKeySecretRef")))
}

fn secret(reference: &SecretKeyRef, id: &ObjectId) -> SecretId {
    let namespace = reference.namespace.as_ref().unwrap_or(&id.namespace);
    SecretId::new(namespace, &reference.name, &reference.key)
}

fn trimmed(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
