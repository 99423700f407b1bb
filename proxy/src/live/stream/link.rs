//! The connection to the operator.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bytes::BytesMut;
use config::delivery::{FromOperator, FromProxy, Hello, MAX_FRAME_BYTES};
use reqwest::{Certificate, Client, Response, StatusCode};
use tokio::time::timeout;

use crate::egress;
use crate::live::stream::Settings;

/// How long an answer may take that is not a stream.
const PATIENCE: Duration = Duration::from_secs(5);
/// Signs of life that may be missed.
const MISSED: u32 = 3;

/// Dials the operator.
pub(super) struct Link {
    client: Client,
    operator: String,
    token: PathBuf,
}

/// The frames of one stream.
pub(super) struct Frames {
    response: Response,
    buffer: BytesMut,
    heartbeat: Duration,
}

impl Link {
    /// Reads the certificates of the operator.
    ///
    /// Errors: they cannot be read or used.
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let ca = settings.ca.as_ref().map(|path| {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("no certificates in {}", path.display()))
        });
        let client = egress::operator_client(ca.transpose()?)?;
        let operator = settings.operator.trim_end_matches('/').to_owned();
        Ok(Self { client, operator, token: settings.token.clone() })
    }

    /// Opens a stream.
    ///
    /// Errors: no connection, or the operator refuses.
    pub(super) async fn open(&self, hello: &Hello) -> anyhow::Result<Frames> {
        let response = self.post("/config/v1/stream", serde_json::to_vec(hello)?).await?;
        Ok(Frames { response, buffer: BytesMut::new(), heartbeat: Duration::from_secs(10) })
    }

    /// Tells the operator something beside the stream.
    ///
    /// Errors: no connection, or the operator does not know the session.
    pub(super) async fn tell(&self, told: &FromProxy) -> anyhow::Result<()> {
        self.post("/config/v1/reports", serde_json::to_vec(told)?).await.map(drop)
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> anyhow::Result<Response> {
        let token = tokio::fs::read_to_string(&self.token).await;
        let token = token.with_context(|| format!("cannot read the token {}", self.token.display()))?;
        let url = format!("{}{path}", self.operator);
        let request = self.client.post(url).bearer_auth(token.trim()).body(body);
        let response =
            timeout(PATIENCE, request.send()).await.context("the operator does not answer in time")??;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        anyhow::bail!("the operator refuses: {}", reason(status))
    }
}

/// Remote texts stay out of the log.
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "401, the token is not valid there",
        403 => "403, this identity may not fetch that gateway",
        409 => "409, the session is unknown",
        503 => "503, it is not ready",
        _ => "an unexpected status",
    }
}

impl Frames {
    /// How often there is at least one frame.
    pub(super) fn set_heartbeat(&mut self, heartbeat: Duration) {
        self.heartbeat = heartbeat;
    }

    /// The next frame; `None` at the end of the stream. Cancellation: nothing is lost.
    ///
    /// Errors: silence for longer than three heartbeats, a broken connection, a frame that is too long or no frame.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<FromOperator>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line = self.buffer.split_to(end + 1);
                return Ok(Some(serde_json::from_slice(&line[..end]).context("a line is no frame")?));
            }
            anyhow::ensure!(self.buffer.len() <= MAX_FRAME_BYTES, "a frame is too long");
            let piece = timeout(self.heartbeat * MISSED, self.response.chunk()).await;
            match piece.context("the operator is silent")?? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }
}
