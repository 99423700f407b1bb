//! `store: true`: the answer passes under an id of ours and is stored before it ends.

use std::sync::Arc;

use agent::ids::Ids;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use protocol::Object;
use protocol::chat::accumulate::Accumulator;
use protocol::chat::request::ChatRequest;
use protocol::chat::stored;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::id::Tenant;
use protocol::sse::decode::{Decoder, Frame, TooLong};
use protocol::sse::encode;
use providers::RelayBody;
use store::NewCompletion;

use super::PATH;
use crate::app::{App, OpenStream, Reply, Request, event_stream, json_of};
use crate::error::from_store;
use crate::live::resolve::Resolution;
use crate::relay::{self, Passed};

/// The largest event of a stream.
const EVENT_BYTES: usize = 4 << 20;

/// What is needed to store the answer.
pub(super) struct Keeper {
    app: Arc<App>,
    tenant: Tenant,
    chat: ChatRequest,
    /// Seconds for which it is kept.
    expiry: Option<i64>,
    pub(super) id: String,
}

/// Passes the request on, without `store` and `metadata`, which are ours; stores what comes back.
pub(super) async fn run(
    app: &Arc<App>,
    request: &Request,
    chat: ChatRequest,
    model: Resolution,
) -> Result<Reply, ApiError> {
    let mut raw = chat.raw.clone();
    for ours in ["store", "metadata"] {
        raw.shift_remove(ours);
    }
    let body = serde_json::to_vec(&raw).map_err(|_| ApiError::internal())?;
    let keeper = Keeper::new(app, request, chat);
    let passed = relay::pass(app, request, &model, (PATH, RelayBody::parse(body.into())?)).await?;
    if passed.is_stream() {
        let open = app.open_stream(request)?;
        return Ok(event_stream(stream(passed, keeper, open)));
    }
    let whole = passed.whole().await?;
    let Ok(mut completion) = serde_json::from_slice::<Object>(&whole) else { return Err(not_a_completion()) };
    keeper.name(&mut completion);
    keeper.store(completion.clone()).await?;
    json_of(&completion)
}

impl Keeper {
    pub(super) fn new(app: &Arc<App>, request: &Request, chat: ChatRequest) -> Self {
        let id = Ids::new(app.seeds.next(), app.clock.now_ms()).mint("chatcmpl-");
        let (tenant, expiry) = (request.caller.tenant.clone(), request.runtime.settings.kept_seconds());
        Self { app: Arc::clone(app), tenant, chat, expiry, id }
    }

    /// Stores a completion, where the caller asked for it.
    ///
    /// Errors: 503 if the store fails.
    pub(super) async fn store(&self, completion: Object) -> Result<(), ApiError> {
        if !self.chat.store {
            return Ok(());
        }
        let text = |key: &str| completion.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        let now = self.app.clock.now();
        let new = NewCompletion {
            id: self.id.clone(),
            created: now, // upstreams have clocks of their own, or none
            model: text("model").to_owned(),
            metadata: self.chat.metadata.clone(),
            body: stored::body(completion, &self.chat),
            messages: stored::messages(&self.id, self.chat.messages()),
            expires_at: self.expiry.map(|kept| now.saturating_add(kept)),
        };
        self.app.store.completions.put(&self.tenant, new).await.map_err(|error| from_store(&error))
    }

    /// Ids of upstreams repeat, so the completion gets one of ours; `id` comes first.
    fn name(&self, object: &mut Object) {
        object.shift_remove("id");
        object.shift_insert(0, "id".to_owned(), self.id.as_str().into());
    }
}

/// The stream on its way: decoded, because each chunk changes its id and the whole is stored.
struct Keeping {
    passed: Passed,
    keeper: Keeper,
    decoder: Decoder,
    whole: Accumulator,
    failed: bool,
}

enum Fault {
    TooLong,
}

impl From<TooLong> for Fault {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

fn stream(passed: Passed, keeper: Keeper, open: OpenStream) -> BoxStream<'static, Bytes> {
    let decoder = Decoder::new(EVENT_BYTES);
    let keeping = Keeping { passed, keeper, decoder, whole: Accumulator::default(), failed: false };
    let pieces = stream::unfold(Some(keeping), |keeping| async {
        let mut keeping = keeping?;
        match keeping.next().await {
            Some(piece) => Some((piece, Some(keeping))),
            None => Some((keeping.end().await, None)),
        }
    });
    pieces.inspect(move |_| _ = &open).boxed()
}

impl Keeping {
    /// The chunks of the next piece under our id; `None` at the end or after a failure.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.failed {
            let mut out = BytesMut::new();
            match self.passed.relayed.body.next().await? {
                Ok(piece) => {
                    self.passed.meter.piece(&piece);
                    self.frames(&piece, &mut out);
                }
                Err(failure) => {
                    self.passed.meter.failed(&failure);
                    self.fail(&failure.error, &mut out);
                }
            }
            if !out.is_empty() {
                return Some(out.freeze());
            }
        }
        None
    }

    fn frames(&mut self, piece: &[u8], out: &mut BytesMut) {
        let (keeper, whole, failed) = (&self.keeper, &mut self.whole, &mut self.failed);
        let fed = self.decoder.feed(piece, |frame: Frame<'_>| -> Result<(), Fault> {
            if frame.data == b"[DONE]" {
                return Ok(());
            }
            if let Ok(mut chunk) = serde_json::from_slice::<Object>(frame.data) {
                *failed |= chunk.contains_key("error");
                if chunk.contains_key("choices") {
                    keeper.name(&mut chunk);
                    whole.add(chunk.clone());
                }
                encode::data(out, &chunk);
            }
            Ok(())
        });
        if fed.is_err() {
            self.fail(&not_a_completion(), out);
        }
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        self.failed = true;
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&error.body());
        out.extend_from_slice(b"\n\n");
    }

    /// Stores the completion, and only then says that it is done.
    async fn end(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        if !self.failed {
            self.passed.meter.done();
            let stored = match std::mem::take(&mut self.whole).finish() {
                Some(completion) => self.keeper.store(completion).await,
                None => Err(not_a_completion()),
            };
            if let Err(error) = stored {
                self.fail(&error, &mut out);
            }
        }
        out.extend_from_slice(encode::DONE);
        out.freeze()
    }
}

fn not_a_completion() -> ApiError {
    ApiError::new(
        502,
        SERVER_ERROR,
        "The model server's answer could not be understood: it is no completion.",
    )
}
