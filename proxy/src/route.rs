//! Which operation a request means. The table is also the source of the coverage table in the README.

use http::Method;
use protocol::error::{ApiError, INVALID_REQUEST};

/// An operation that is served; its label is safe for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Health,
    CreateResponse,
    UpgradeResponses,
    GetResponse,
    DeleteResponse,
    ListInputItems,
    CountInputTokens,
    CreateChat,
    ListChats,
    GetChat,
    UpdateChat,
    DeleteChat,
    ListChatMessages,
    CreateEmbeddings,
    ListModels,
    GetModel,
    DeleteModel,
}

/// An operation with the id in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub operation: Operation,
    /// Empty where the path names none.
    pub id: String,
}

/// Why a request means nothing here.
#[derive(Clone, Debug, PartialEq)]
pub struct NoRoute {
    pub error: Box<ApiError>,
    /// The methods that the path has, for the `allow` header of a 405.
    pub allow: Option<String>,
}

struct Row(Operation, Method, &'static str);

/// `{id}` is one segment, `{*id}` is everything that follows.
const TABLE: [Row; 17] = [
    Row(Operation::Health, Method::GET, "/actuator/health"),
    Row(Operation::CreateResponse, Method::POST, "/v1/responses"),
    Row(Operation::UpgradeResponses, Method::GET, "/v1/responses"),
    Row(Operation::CountInputTokens, Method::POST, "/v1/responses/input_tokens"),
    Row(Operation::GetResponse, Method::GET, "/v1/responses/{id}"),
    Row(Operation::DeleteResponse, Method::DELETE, "/v1/responses/{id}"),
    Row(Operation::ListInputItems, Method::GET, "/v1/responses/{id}/input_items"),
    Row(Operation::CreateChat, Method::POST, "/v1/chat/completions"),
    Row(Operation::ListChats, Method::GET, "/v1/chat/completions"),
    Row(Operation::GetChat, Method::GET, "/v1/chat/completions/{id}"),
    Row(Operation::UpdateChat, Method::POST, "/v1/chat/completions/{id}"),
    Row(Operation::DeleteChat, Method::DELETE, "/v1/chat/completions/{id}"),
    Row(Operation::ListChatMessages, Method::GET, "/v1/chat/completions/{id}/messages"),
    Row(Operation::CreateEmbeddings, Method::POST, "/v1/embeddings"),
    Row(Operation::ListModels, Method::GET, "/v1/models"),
    Row(Operation::GetModel, Method::GET, "/v1/models/{*id}"),
    Row(Operation::DeleteModel, Method::DELETE, "/v1/models/{*id}"),
];

impl Operation {
    /// Method and path pattern, for metrics, logs and spans.
    pub fn label(self) -> &'static str {
        match self {
            Self::Health => "GET /actuator/health",
            Self::CreateResponse => "POST /v1/responses",
            Self::UpgradeResponses => "GET /v1/responses",
            Self::GetResponse => "GET /v1/responses/{id}",
            Self::DeleteResponse => "DELETE /v1/responses/{id}",
            Self::ListInputItems => "GET /v1/responses/{id}/input_items",
            Self::CountInputTokens => "POST /v1/responses/input_tokens",
            Self::CreateChat => "POST /v1/chat/completions",
            Self::ListChats => "GET /v1/chat/completions",
            Self::GetChat => "GET /v1/chat/completions/{id}",
            Self::UpdateChat => "POST /v1/chat/completions/{id}",
            Self::DeleteChat => "DELETE /v1/chat/completions/{id}",
            Self::ListChatMessages => "GET /v1/chat/completions/{id}/messages",
            Self::CreateEmbeddings => "POST /v1/embeddings",
            Self::ListModels => "GET /v1/models",
            Self::GetModel => "GET /v1/models/{model}",
            Self::DeleteModel => "DELETE /v1/models/{model}",
        }
    }

    /// True if the request has a body to read.
    pub fn has_body(self) -> bool {
        self.label().starts_with("POST ")
    }
}

impl Route {
    /// Finds the operation of a request.
    ///
    /// Errors: 404 for an unknown path, 405 with the allowed methods for a known one.
    pub fn parse(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let mut allow = Vec::new();
        for Row(operation, allowed, pattern) in &TABLE {
            let Some(id) = matched(pattern, path) else { continue };
            // Load balancers probe with HEAD.
            let is_probe = *operation == Operation::Health && method == Method::HEAD;
            if allowed == method || is_probe {
                return Ok(Self { operation: *operation, id });
            }
            allow.push(allowed.as_str());
        }
        Err(NoRoute::new(method, path, &allow))
    }
}

impl NoRoute {
    fn new(method: &Method, path: &str, allow: &[&str]) -> Self {
        if allow.is_empty() || is_unserved(method, path) {
            let message = format!("Invalid URL ({method} {path})");
            return Self { error: Box::new(ApiError::not_found(message)), allow: None };
        }
        let message = format!("Not allowed to {method} on {path}.");
        let error = Box::new(ApiError::new(405, INVALID_REQUEST, message));
        Self { error, allow: Some(allow.join(", ")) }
    }
}

/// The operations of OpenAI's published API that belong to this product, and whether they are served, as Markdown.
pub fn coverage() -> String {
    let mut table = String::from("| Operation | Served |\n|---|---|\n");
    for line in include_str!("route/operations.txt").lines() {
        let served = line.split_once(' ').is_some_and(|(method, path)| {
            TABLE.iter().any(|Row(_, m, p)| m.as_str() == method && p.replace("{*", "{") == generic(path))
        });
        table.push_str(&format!("| `{line}` | {} |\n", if served { "yes" } else { "not yet" }));
    }
    table
}

/// True for an operation of OpenAI's that is not served and whose path looks like an id of another one.
fn is_unserved(method: &Method, path: &str) -> bool {
    let named = |line: &str| line.split_once(' ').is_some_and(|(m, p)| m == method.as_str() && p == path);
    include_str!("route/operations.txt").lines().any(named)
}

/// `/v1/x/{anything}` with every parameter called `id`.
fn generic(path: &str) -> String {
    let segments = path.split('/').map(|s| if s.starts_with('{') { "{id}" } else { s });
    segments.collect::<Vec<_>>().join("/")
}

fn matched(pattern: &str, path: &str) -> Option<String> {
    let Some((head, rest)) = pattern.split_once('{') else { return (pattern == path).then(String::new) };
    let tail = path.strip_prefix(head)?;
    if rest.starts_with('*') {
        return (!tail.is_empty()).then(|| decoded(tail));
    }
    let suffix = rest.split_once('}').map_or("", |(_, suffix)| suffix);
    let id = tail.strip_suffix(suffix)?;
    (!id.is_empty() && !id.contains('/')).then(|| decoded(id))
}

fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &Method, path: &str) -> (Operation, String) {
        let route = Route::parse(method, path).expect("served");
        (route.operation, route.id)
    }

    #[test]
    fn paths_name_operations_and_ids() {
        assert_eq!(route(&Method::POST, "/v1/responses"), (Operation::CreateResponse, String::new()));
        assert_eq!(route(&Method::GET, "/v1/responses/resp_1"), (Operation::GetResponse, "resp_1".into()));
        assert_eq!(
            route(&Method::GET, "/v1/responses/resp_1/input_items"),
            (Operation::ListInputItems, "resp_1".into())
        );
        assert_eq!(
            route(&Method::POST, "/v1/responses/input_tokens"),
            (Operation::CountInputTokens, String::new())
        );
    }

    #[test]
    fn a_model_id_may_hold_slashes_and_escapes() {
        assert_eq!(route(&Method::GET, "/v1/models/groq@a/b"), (Operation::GetModel, "groq@a/b".into()));
        assert_eq!(route(&Method::GET, "/v1/models/groq%40a%2Fb"), (Operation::GetModel, "groq@a/b".into()));
    }

    #[test]
    fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow() {
        let unknown = Route::parse(&Method::POST, "/v1/x").expect_err("unknown");
        assert_eq!((unknown.error.status, unknown.allow), (404, None));
        assert_eq!(unknown.error.message, "Invalid URL (POST /v1/x)");
        let unserved = Route::parse(&Method::POST, "/v1/responses/compact").expect_err("not served yet");
        assert_eq!((unserved.error.status, unserved.allow), (404, None));
        let wrong = Route::parse(&Method::PUT, "/v1/responses").expect_err("wrong method");
        assert_eq!((wrong.error.status, wrong.allow.as_deref()), (405, Some("POST, GET")));
    }

    #[test]
    fn every_label_is_the_row_of_the_table() {
        for Row(operation, method, pattern) in &TABLE {
            let path = pattern.replace("{*id}", "{model}");
            assert_eq!(operation.label(), format!("{method} {path}"));
        }
    }
}
