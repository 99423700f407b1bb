//! Lets a good tool through beside a bad one: rmcp takes or refuses a page as a whole, so pages are mended before it sees them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use protocol::Object;
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, CustomResult, JsonRpcMessage, ListToolsResult, ServerJsonRpcMessage,
    ServerResult,
};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use serde_json::{Value, json};
use sse_stream::Sse;

/// Under which the report stands in the `_meta` of a page.
const KEY: &str = "fairlead/page";
/// The members of a tool that rmcp may stumble over and that a tool can do without.
const DISPENSABLE: [&str; 6] = ["icons", "_meta", "annotations", "title", "outputSchema", "description"];

type Failed = StreamableHttpError<reqwest::Error>;
type Pairs = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

/// A client that mends pages of tools on their way in.
#[derive(Clone, Debug)]
pub(super) struct Lenient(pub(super) reqwest::Client);

/// What a page was when it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// The tools that rmcp can read.
    pub(super) names: Vec<String>,
    /// The others, with their names where they have one.
    pub(super) malformed: Vec<Option<String>>,
}

impl Report {
    pub(super) fn of(page: &Value) -> Self {
        let report = page.get("_meta").and_then(|meta| meta.get(KEY));
        let list = |key: &str| report.and_then(|report| report.get(key)).and_then(Value::as_array).cloned();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            names: list("names").unwrap_or_default().iter().filter_map(text).collect(),
            malformed: list("malformed").unwrap_or_default().iter().map(text).collect(),
        }
    }

    pub(super) fn write(&self, page: &mut Object) {
        let meta = page.entry("_meta").or_insert_with(|| json!({}));
        if !meta.is_object() {
            *meta = json!({});
        }
        meta[KEY] = json!({"names": self.names, "malformed": self.malformed});
    }
}

/// Mends the page in a message, if there is one.
pub(crate) fn mended(mut message: Value) -> Value {
    if let Some(page) = message.get_mut("result").and_then(Value::as_object_mut) {
        mend(page);
    }
    message
}

fn mend(page: &mut Object) {
    let Some(Value::Array(tools)) = page.get_mut("tools") else { return };
    let (mut report, mut good) = (Report::default(), Vec::with_capacity(tools.len()));
    for tool in std::mem::take(tools) {
        let name = tool.get("name").and_then(Value::as_str).map(str::to_owned);
        match (readable(tool), name) {
            (Some(tool), Some(name)) => {
                report.names.push(name);
                good.push(tool);
            }
            (_, name) => report.malformed.push(name),
        }
    }
    *tools = good;
    report.write(page);
}

/// The tool without what makes it unreadable; `None` if that is its name or its input schema.
fn readable(mut tool: Value) -> Option<Value> {
    let is_readable = |tool: &Value| serde_json::from_value::<rmcp::model::Tool>(tool.clone()).is_ok();
    for key in DISPENSABLE {
        if is_readable(&tool) {
            return Some(tool);
        }
        tool.as_object_mut()?.remove(key);
    }
    is_readable(&tool).then_some(tool)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
fn mended_message(message: ServerJsonRpcMessage) -> ServerJsonRpcMessage {
    let JsonRpcMessage::Response(mut response) = message else { return message };
    response.result = match response.result {
        ServerResult::ListToolsResult(page) => ServerResult::ListToolsResult(reported(page)),
        ServerResult::CustomResult(CustomResult(Value::Object(mut page))) => {
            mend(&mut page);
            let page = Value::Object(page);
            match serde_json::from_value::<ListToolsResult>(page.clone()) {
                Ok(page) => ServerResult::ListToolsResult(page),
                Err(_) => ServerResult::CustomResult(CustomResult(page)),
            }
        }
        other => other,
    };
    JsonRpcMessage::Response(response)
}

fn reported(mut page: ListToolsResult) -> ListToolsResult {
    let names: Vec<&Cow<'_, str>> = page.tools.iter().map(|tool| &tool.name).collect();
    let report = json!({"names": names, "malformed": []});
    page.meta.get_or_insert_default().insert(KEY.to_owned(), report);
    page
}

/// An event of a stream that answers a request for a page.
fn mended_event(mut event: Sse) -> Sse {
    let parsed = event.data.as_deref().and_then(|data| serde_json::from_str::<Value>(data).ok());
    if let Some(message) = parsed {
        event.data = Some(mended(message).to_string());
    }
    event
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of a foreign enum is none of ours")]
fn mended_answer(posted: StreamableHttpPostResponse) -> StreamableHttpPostResponse {
    match posted {
        StreamableHttpPostResponse::Json(message, session) => {
            StreamableHttpPostResponse::Json(mended_message(message), session)
        }
        StreamableHttpPostResponse::Sse(events, session) => {
            let events = events.map(|event| event.map(mended_event)).boxed();
            StreamableHttpPostResponse::Sse(events, session)
        }
        other => other,
    }
}

impl StreamableHttpClient for Lenient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Pairs,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, token, headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Pairs,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let is_list = matches!(&message, JsonRpcMessage::Request(request)
            if matches!(request.request, ClientRequest::ListToolsRequest(_)));
        let posted = self.0.post_message_with_response_limits(uri, message, session, token, headers, limits);
        let posted = posted.await?;
        if !is_list {
            return Ok(posted);
        }
        Ok(mended_answer(posted))
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Pairs,
    ) -> Result<(), Failed> {
        self.0.delete_session(uri, session, token, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Pairs,
    ) -> Result<Events, Failed> {
        self.0.get_stream(uri, session, last_event, token, headers).await
    }

    /// A page may also come over a stream that was resumed.
    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Pairs,
        limit_bytes: usize,
    ) -> Result<Events, Failed> {
        let events =
            self.0.get_stream_with_max_sse_event_size(uri, session, last_event, token, headers, limit_bytes);
        Ok(events.await?.map(|event| event.map(mended_event)).boxed())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let keys =
                prop_oneof![Just("name"), Just("inputSchema"), Just("type"), Just("annotations"), Just("x")];
            let keys = keys.prop_map(str::to_owned);
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map(keys, inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_page_can_be_read_and_accounts_for_every_tool(
            tools in proptest::collection::vec(any_json(), 0..5)
        ) {
            let good = json!({"name": "good", "inputSchema": {"type": "object"}});
            let sent: Vec<Value> = tools.into_iter().chain([good.clone()]).collect();
            let count = sent.len();
            let message = mended(json!({"result": {"tools": sent}}));
            prop_assert!(serde_json::from_value::<ListToolsResult>(message["result"].clone()).is_ok());
            let left = message["result"]["tools"].as_array().expect("a list");
            prop_assert!(left.contains(&good));
            let report = Report::of(&message["result"]);
            prop_assert_eq!(report.names.len(), left.len());
            prop_assert_eq!(report.names.len() + report.malformed.len(), count);
        }
    }

    #[test]
    fn a_bad_tool_does_not_hide_the_others() {
        let message = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [
            {"name": "good", "inputSchema": {"type": "object"}},
            {"name": "bad", "inputSchema": null},
            {"inputSchema": {}},
            "nonsense",
            {"name": "odd", "inputSchema": {"type": "object"}, "outputSchema": true, "title": 7},
        ]}});
        let message = mended(message);
        let read: ServerJsonRpcMessage = serde_json::from_value(message.clone()).expect("readable");
        let JsonRpcMessage::Response(response) = read else { panic!("a response") };
        let ServerResult::ListToolsResult(page) = response.result else { panic!("a page") };
        assert_eq!(page.tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), ["good", "odd"]);
        let report = Report::of(&message["result"]);
        assert_eq!(report.names, ["good", "odd"]);
        assert_eq!(report.malformed, [Some("bad".to_owned()), None, None]);
    }

    #[test]
    fn what_is_no_page_stays_as_it_is() {
        for message in [json!({"result": {"content": []}}), json!({"error": {}}), json!(3)] {
            assert_eq!(mended(message.clone()), message);
        }
    }
}
