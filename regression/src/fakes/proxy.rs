//! A proxy that follows the operator's stream by hand: the test says when it acknowledges, rejects or vanishes.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Open, Request};

const STREAM: &str = "/config/v1/stream";
const REPORTS: &str = "/config/v1/reports";

/// One open stream. Dropping it is what a proxy that dies looks like to the operator.
#[derive(Debug)]
pub struct FakeProxy {
    operator: Client,
    token: String,
    stream: Open,
    /// How much of the stream was taken as frames.
    taken: usize,
    session: String,
    epoch: u64,
    applied: Value,
    entries: BTreeMap<String, Value>,
}

/// What a proxy says when it opens a stream and has nothing yet.
pub fn hello(gateway: &str, proxy: &str) -> Value {
    json!({"proxy": proxy, "gateway": gateway, "version": "fake", "ir": [1], "applied": null})
}

/// Opens a stream, whatever the operator makes of it.
///
/// Errors: as [`Client::open`].
pub async fn open(operator: Client, token: &str, hello: &Value) -> anyhow::Result<Open> {
    operator.open(Request::post(STREAM, hello).header("authorization", &format!("Bearer {token}"))).await
}

/// Sends something to where proxies report.
///
/// Errors: as [`Client::send`].
pub async fn tell(operator: Client, token: &str, body: &str) -> anyhow::Result<Answer> {
    let request = Request::new("POST", REPORTS).header("authorization", &format!("Bearer {token}"));
    operator.send(request.body(body.to_owned())).await
}

impl FakeProxy {
    /// Opens the stream of a gateway and reads its welcome.
    ///
    /// Errors: the operator refuses, or says something else first.
    pub async fn connect(operator: Client, token: &str, gateway: &str, name: &str) -> anyhow::Result<Self> {
        let stream = open(operator, token, &hello(gateway, name)).await?;
        ensure!(stream.status == 200, "{}", stream.finish().await?.text());
        let mut fake = Self {
            operator,
            token: token.to_owned(),
            stream,
            taken: 0,
            session: String::new(),
            epoch: 0,
            applied: Value::Null,
            entries: BTreeMap::new(),
        };
        let welcome = fake.frame().await?;
        ensure!(welcome["type"] == "welcome", "no welcome: {welcome}");
        fake.session = welcome["session"].as_str().context("no session")?.to_owned();
        fake.epoch = welcome["epoch"].as_u64().context("no epoch")?;
        Ok(fake)
    }

    /// The name of the stream.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The epoch of the operator.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What the entry says that was received last; null if there is none.
    pub fn entry(&self, id: &str) -> &Value {
        self.entries.get(id).unwrap_or(&Value::Null)
    }

    /// The next frame that is no sign of life.
    ///
    /// Errors: the stream ends, or nothing at all comes for 30 seconds.
    pub async fn frame(&mut self) -> anyhow::Result<Value> {
        loop {
            let fresh = &self.stream.seen()[self.taken..];
            if let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
                let frame: Value = serde_json::from_slice(&fresh[..end])?;
                self.taken += end + 1;
                if frame["type"] != "ping" {
                    return Ok(frame);
                }
            } else {
                self.stream.piece().await?.context("the operator has ended the stream")?;
            }
        }
    }

    /// Takes in the next snapshot, all parts of it, and says nothing.
    ///
    /// Errors: as [`FakeProxy::frame`], or another frame comes.
    pub async fn receive(&mut self) -> anyhow::Result<()> {
        loop {
            let frame = self.frame().await?;
            ensure!(frame["type"] == "snapshot", "no snapshot: {frame}");
            for entry in frame["upsert"].as_array().into_iter().flatten() {
                let id = entry["id"].as_str().context("an entry without id")?;
                self.entries.insert(id.to_owned(), entry.clone());
            }
            for id in frame["remove"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.entries.remove(id);
            }
            if frame["part"] == frame["parts"] {
                let of = |name: &str| frame[name].clone();
                self.applied = json!({"hash": of("hash"), "epoch": of("epoch"), "sequence": of("sequence")});
                return Ok(());
            }
        }
    }

    /// Acknowledges what was received last.
    ///
    /// Errors: the operator does not take it.
    pub async fn accept(&self) -> anyhow::Result<()> {
        self.acknowledge("Applied", &json!([])).await
    }

    /// Acknowledges it except for one entry.
    ///
    /// Errors: there is no such entry, or the operator does not take it.
    pub async fn reject(&self, id: &str, message: &str) -> anyhow::Result<()> {
        let entry = self.entries.get(id).with_context(|| format!("no {id} in {:?}", self.entries.keys()))?;
        let rejected = json!([{
            "id": id,
            "hash": entry["hash"],
            "generation": entry["generation"],
            "reason": "BuildFailed",
            "message": message,
        }]);
        self.acknowledge("Partial", &rejected).await
    }

    async fn acknowledge(&self, result: &str, rejected: &Value) -> anyhow::Result<()> {
        let mut ack = json!({"type": "ack", "session": self.session, "result": result, "serving": true, "rejected": rejected});
        for (name, value) in self.applied.as_object().context("nothing was received")? {
            ack[name] = value.clone();
        }
        let answer = tell(self.operator, &self.token, &ack.to_string()).await?;
        ensure!(answer.status == 204, "{}: {}", answer.status, answer.text());
        Ok(())
    }
}
