//! Proxies that take every snapshot and acknowledge it, and keep nothing but how far they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use regression::fakes::proxy::hello;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::scale::world::World;

const PATIENCE: Duration = Duration::from_secs(60);

/// A number of followers; they leave when this is dropped.
#[derive(Debug)]
pub(crate) struct Followers {
    seen: Vec<watch::Receiver<i64>>,
    bytes: Arc<AtomicU64>,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// What a follower looks for.
#[derive(Clone, Debug)]
struct Watched {
    operator: SocketAddr,
    bearer: String,
    /// The entry whose generation is told.
    entry: String,
    bytes: Arc<AtomicU64>,
    seen: watch::Sender<i64>,
}

#[derive(Debug, Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    hash: Value,
    #[serde(default)]
    epoch: Value,
    #[serde(default)]
    sequence: Value,
    #[serde(default)]
    part: u64,
    #[serde(default)]
    parts: u64,
    #[serde(default)]
    upsert: Vec<Head>,
}

#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    #[serde(default)]
    generation: i64,
}

impl Followers {
    /// Connects `count` proxies of the gateway and waits until each has the watched entry.
    pub(crate) async fn connect(world: &World, count: usize) -> anyhow::Result<Self> {
        let mut followers =
            Self { seen: Vec::with_capacity(count), bytes: Arc::default(), tasks: JoinSet::new() };
        for number in 0..count {
            let (seen, receiver) = watch::channel(0);
            let watched = Watched {
                operator: world.operator_address(),
                bearer: format!("Bearer {}", world.token),
                entry: world.watched(),
                bytes: Arc::clone(&followers.bytes),
                seen,
            };
            let hello = hello(&world.gateway(), &format!("follower-{number}"));
            followers.tasks.spawn(follow(watched, hello));
            followers.seen.push(receiver);
        }
        followers.reach(1).await?;
        Ok(followers)
    }

    /// Waits until each has the watched entry in this generation.
    pub(crate) async fn reach(&mut self, generation: i64) -> anyhow::Result<()> {
        for seen in &mut self.seen {
            let reached = seen.wait_for(|seen| *seen >= generation);
            if timeout(PATIENCE, reached).await.is_ok_and(|reached| reached.is_ok()) {
                continue;
            }
            match self.tasks.try_join_next() {
                Some(ended) => ended?.context("a follower has ended")?,
                None => bail!("generation {generation} does not arrive"),
            }
        }
        Ok(())
    }

    /// How many bytes of snapshots one of them has received, on average.
    pub(crate) fn bytes_each(&self) -> f64 {
        self.bytes.load(Ordering::Relaxed) as f64 / self.seen.len() as f64
    }
}

async fn follow(watched: Watched, hello: Value) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    let mut reports = connect(watched.operator, &mut connections).await?;
    let mut stream = connect(watched.operator, &mut connections).await?;
    let answer = opened(&mut stream, &watched, &hello).await?;
    let (mut body, mut rest, mut session) = (answer.into_body(), BytesMut::new(), String::new());
    let mut generation = 0;
    loop {
        let line = line(&mut body, &mut rest).await?;
        watched.bytes.fetch_add(line.len() as u64, Ordering::Relaxed);
        let frame: Frame = serde_json::from_slice(&line)?;
        match frame.kind.as_str() {
            "welcome" => session = frame.session,
            "snapshot" => {
                let entry = frame.upsert.iter().find(|entry| entry.id == watched.entry);
                generation = entry.map_or(generation, |entry| entry.generation);
                if frame.part == frame.parts {
                    watched.seen.send_replace(generation);
                    // The operator ends connections on which nothing was said for a while.
                    if reports.is_closed() {
                        reports = connect(watched.operator, &mut connections).await?;
                    }
                    acknowledge(&mut reports, &watched.bearer, &session, frame).await?;
                }
            }
            _ => {}
        }
    }
}

/// Opens the stream; an operator that has just begun knows no gateway yet, and is asked again.
async fn opened(
    stream: &mut SendRequest<Full<Bytes>>,
    watched: &Watched,
    hello: &Value,
) -> anyhow::Result<Response<Incoming>> {
    let end = Instant::now() + PATIENCE;
    loop {
        stream.ready().await?;
        let answer = stream.send_request(post("/config/v1/stream", &watched.bearer, hello)?).await?;
        if answer.status() == 200 {
            return Ok(answer);
        }
        ensure!(Instant::now() < end, "the stream is refused: {}", answer.status());
        answer.into_body().collect().await?;
        sleep(Duration::from_millis(100)).await;
    }
}

async fn acknowledge(
    reports: &mut SendRequest<Full<Bytes>>,
    bearer: &str,
    session: &str,
    frame: Frame,
) -> anyhow::Result<()> {
    let ack = json!({
        "type": "ack", "session": session, "result": "Applied", "serving": true, "rejected": [],
        "hash": frame.hash, "epoch": frame.epoch, "sequence": frame.sequence,
    });
    reports.ready().await?;
    let answer = reports.send_request(post("/config/v1/reports", bearer, &ack)?).await?;
    ensure!(answer.status() == 204, "an acknowledgement is refused: {}", answer.status());
    answer.into_body().collect().await?;
    Ok(())
}

async fn connect(
    operator: SocketAddr,
    connections: &mut JoinSet<hyper::Result<()>>,
) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(operator).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    connections.spawn(connection);
    Ok(sender)
}

fn post(path: &str, bearer: &str, body: &Value) -> anyhow::Result<Request<Full<Bytes>>> {
    let request = Request::post(path).header("host", "operator").header("authorization", bearer);
    let request = request.header("content-type", "application/json");
    Ok(request.body(Full::from(body.to_string()))?)
}

/// The next line without its end.
async fn line(body: &mut Incoming, rest: &mut BytesMut) -> anyhow::Result<BytesMut> {
    let mut searched = 0;
    loop {
        if let Some(end) = memchr::memchr(b'\n', &rest[searched..]) {
            let mut line = rest.split_to(searched + end + 1);
            line.truncate(searched + end);
            return Ok(line);
        }
        searched = rest.len();
        let frame = body.frame().await.context("the operator has ended the stream")??;
        if let Ok(data) = frame.into_data() {
            rest.extend_from_slice(&data);
        }
    }
}
