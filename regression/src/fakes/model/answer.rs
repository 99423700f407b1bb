//! Finds the answer to a request and puts it on the wire.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::exchange::Exchange;
use super::perform::{Body, Broken, Performance};
use super::script::{Cut, Ending, Piece, Raw, Reply, Say};
use super::socket::Fuse;
use super::state::{Recorded, State};
use super::{chat, control, embeddings, responses};
use crate::demo;

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream; charset=utf-8";

/// Answers a request as scripted, else by the demo model's rules.
///
/// Errors: the connection is to be closed without an answer.
pub(super) async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    fuse: Fuse,
) -> Result<Response<Body>, Broken> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    if let Some((status, value)) = control::answer(&state, &head.method, head.uri.path(), &body) {
        let exchange = Exchange::unseen();
        return Ok(whole(status, &value, exchange));
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    state.record(Recorded::new(&head, text.as_bytes()));
    let exchange = Exchange::new(Arc::clone(&state), fuse);
    let asked = Asked {
        path: head.uri.path().trim_start_matches("/v1").to_owned(),
        body: serde_json::from_str(&text).unwrap_or_default(),
    };
    let Some(script) = state.script(head.uri.path(), &text) else {
        return Ok(asked.unscripted(state.pace, exchange));
    };
    tokio::time::sleep(Duration::from_millis(script.delay_ms)).await;
    asked.scripted(script.reply, exchange).await
}

/// A request to the model.
struct Asked {
    /// Without `/v1`.
    path: String,
    body: Value,
}

impl Asked {
    async fn scripted(&self, reply: Reply, mut exchange: Exchange) -> Result<Response<Body>, Broken> {
        match reply {
            Reply::Say(say) => Ok(self.say(say, Duration::ZERO, exchange)),
            Reply::Raw(raw) => Ok(raw.perform(exchange)),
            Reply::Silence => std::future::pending().await,
            Reply::Hang(Ending::Reset) => {
                exchange.reset();
                Err(Broken)
            }
            Reply::Hang(Ending::Clean | Ending::Fin | Ending::Stall) => {
                exchange.finish();
                Err(Broken)
            }
        }
    }

    fn unscripted(&self, pace: Duration, exchange: Exchange) -> Response<Body> {
        match self.path.as_str() {
            "/chat/completions" | "/responses" => match demo::answer(&self.body) {
                Ok(say) => self.say(say, pace, exchange),
                Err(message) => whole(400, &error(&message), exchange),
            },
            "/embeddings" => whole(200, &embeddings::object(&self.body), exchange),
            "/models" => whole(200, &models(), exchange),
            path => whole(404, &error(&format!("The demo model does not serve {path}.")), exchange),
        }
    }

    fn say(&self, say: Say, pace: Duration, exchange: Exchange) -> Response<Body> {
        let native = self.path.ends_with("/responses");
        if self.body["stream"] != json!(true) {
            let object =
                if native { responses::object(&say, &self.body) } else { chat::object(&say, &self.body) };
            return buffered(&object, say.cut, exchange);
        }
        let frames =
            if native { responses::frames(&say, &self.body) } else { chat::frames(&say, &self.body) };
        let pace = if say.pace_ms > 0 { Duration::from_millis(say.pace_ms) } else { pace };
        let (pieces, ending) = until_cut(frames, say.cut);
        let performance = Performance { pieces: pieces.into(), pace, ending, exchange };
        respond(200, &[("content-type", SSE)], performance.body())
    }
}

impl Raw {
    fn perform(self, exchange: Exchange) -> Response<Body> {
        let pieces = self.pieces.into_iter().map(Piece::into_bytes).collect();
        let pace = Duration::from_millis(self.pace_ms);
        let performance = Performance { pieces, pace, ending: self.ending, exchange };
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        respond(self.status, &headers, performance.body())
    }
}

/// The frames up to the cut, and how it ends.
fn until_cut(frames: Vec<chat::Framed>, cut: Option<Cut>) -> (Vec<Bytes>, Ending) {
    let Some(cut) = cut else {
        return (frames.into_iter().map(|frame| frame.text.into()).collect(), Ending::Clean);
    };
    let mut left = cut.after;
    let mut pieces = Vec::new();
    for frame in frames {
        if frame.is_content {
            if left == 0 {
                break;
            }
            left -= 1;
        }
        pieces.push(Bytes::from(frame.text));
    }
    pieces.extend(cut.pieces.into_iter().map(Piece::into_bytes));
    (pieces, cut.ending)
}

/// A buffered answer; a cut leaves out its second half.
fn buffered(object: &Value, cut: Option<Cut>, exchange: Exchange) -> Response<Body> {
    let Some(cut) = cut else { return whole(200, object, exchange) };
    let text = object.to_string();
    let half = Bytes::from(text).split_to(object.to_string().len() / 2);
    let performance =
        Performance { pieces: [half].into(), pace: Duration::ZERO, ending: cut.ending, exchange };
    respond(200, &[("content-type", JSON)], performance.body())
}

fn whole(status: u16, value: &Value, exchange: Exchange) -> Response<Body> {
    let body = Bytes::from(value.to_string());
    let length = body.len().to_string();
    let performance =
        Performance { pieces: [body].into(), pace: Duration::ZERO, ending: Ending::Clean, exchange };
    respond(status, &[("content-type", JSON), ("content-length", &length)], performance.body())
}

fn respond(status: u16, headers: &[(&str, &str)], body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = http::HeaderName::try_from(*name);
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::try_from(*value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn error(message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}})
}

fn models() -> Value {
    let model = json!({"id": "demo", "object": "model", "created": 1_700_000_000, "owned_by": "fairlead"});
    json!({"object": "list", "data": [model]})
}
