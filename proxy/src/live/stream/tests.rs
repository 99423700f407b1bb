//! A proxy with an operator that follows a script.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::delivery::{SnapshotFrame, Welcome};
use config::snapshot::{Delta, diff};
use config::spec::{
    CallerCredentials, Credential, OpenAiSpec, Protocol, ProviderSpec, Timeouts, Tls, WireApi,
};
use config::{Entry, Spec};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;
use crate::auth::issuer::Issuers;
use crate::live::Reaches;
use crate::live::build::Frame;
use crate::settings::Flags;

/// Answers each stream with the next frames of its script and ends it; keeps what proxies report.
struct Operator {
    url: String,
    told: Arc<Mutex<Vec<FromProxy>>>,
    _task: JoinSet<()>,
}

impl Operator {
    async fn start(streams: Vec<Vec<FromOperator>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::<Mutex<Vec<FromProxy>>>::default();
        let (mut task, kept) = (JoinSet::new(), Arc::clone(&told));
        task.spawn(async move {
            let mut streams = streams.into_iter();
            while let Ok((connection, _)) = listener.accept().await {
                answer(connection, &mut streams, &kept).await;
            }
        });
        Self { url, told, _task: task }
    }

    /// The acknowledgements so far.
    fn acks(&self) -> Vec<Ack> {
        let acks = |told: &FromProxy| match told {
            FromProxy::Ack(ack) => Some(ack.clone()),
            FromProxy::Report(_) | FromProxy::Recalled(_) => None,
        };
        self.told.lock().iter().filter_map(acks).collect()
    }
}

/// One request a connection.
async fn answer(
    connection: TcpStream,
    streams: &mut impl Iterator<Item = Vec<FromOperator>>,
    told: &Mutex<Vec<FromProxy>>,
) {
    let mut connection = BufReader::new(connection);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let begun = head.len();
        connection.read_line(&mut head).await.unwrap();
        if let Some(value) = head[begun..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    let reply = if head.starts_with("POST /config/v1/reports") {
        told.lock().push(serde_json::from_slice(&body).unwrap());
        "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned()
    } else {
        let frames = streams.next().unwrap_or_default();
        let lines: String = frames.iter().map(|frame| serde_json::to_string(frame).unwrap() + "\n").collect();
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{lines}", lines.len())
    };
    connection.write_all(reply.as_bytes()).await.unwrap();
}

fn gateway() -> GatewayId {
    GatewayId::new("ai", "main")
}

/// A snapshot of one provider; a header with a line break cannot be built.
fn snapshot(base_url: &str, header: &str) -> Snapshot {
    let openai = OpenAiSpec { api: WireApi::ChatCompletions, organization: None, project: None };
    let spec = ProviderSpec {
        namespace: "ai".into(),
        name: "p".into(),
        protocol: Protocol::OpenAi(openai),
        base_url: base_url.into(),
        direct_names: BTreeSet::new(),
        credential: Credential::None,
        caller_credentials: CallerCredentials::Deny,
        allow_plaintext_credentials: false,
        headers: [("x-team".to_owned(), header.to_owned())].into(),
        allow_private_endpoint: false,
        tls: Tls::default(),
        timeouts: Timeouts { connect_ms: 1000, first_byte_ms: 1000, stream_idle_ms: 1000, total_ms: 1000 },
        retry_budget_percent: 20,
    };
    let entry = Entry::new(EntryId::provider("ai", "p"), 3, Spec::Provider(spec));
    Snapshot::new([(entry.id.clone(), Arc::new(entry))].into(), BTreeMap::new(), None)
}

fn welcome(epoch: u64) -> FromOperator {
    let session = format!("s_{epoch}_1");
    FromOperator::Welcome(Welcome { session, epoch, ir: IR, heartbeat_seconds: 10 })
}

fn at(epoch: u64, snapshot: &Snapshot) -> Applied {
    Applied { hash: snapshot.hash, epoch, sequence: 1 }
}

fn sent(epoch: u64, delta: Delta, snapshot: &Snapshot) -> FromOperator {
    let frame = SnapshotFrame::cut(at(epoch, snapshot), delta, usize::MAX).pop().unwrap();
    FromOperator::Snapshot(Box::new(frame))
}

/// A proxy with nothing, and its operator.
async fn begun(streams: Vec<Vec<FromOperator>>) -> (Operator, Follower, Live, tempfile::TempDir) {
    // Another test may have installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (operator, folder) = (Operator::start(streams).await, tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    std::fs::write(&token, "token").unwrap();
    let settings = Settings {
        operator: operator.url.clone(),
        gateway: gateway(),
        ca: None,
        token,
        proxy: "one".into(),
        last_good: LastGood::default(),
    };
    let reaches = Reaches { loopback: true, url_models: false };
    let (servers, issuers) = (tools::mcp::Pool::default(), Issuers::new(true));
    let frame = Frame {
        reaches,
        flags: Flags::default(),
        issuers,
        servers,
        clients: Arc::default(),
        local: Arc::default(),
    };
    (operator, Follower::new(settings).unwrap(), Live::of_stream(gateway(), frame), folder)
}

/// Follows one stream to its end.
async fn follow(follower: &mut Follower, live: &Live) -> anyhow::Result<()> {
    follower.converse(live, false, &CancellationToken::new()).await
}

#[tokio::test]
async fn an_operator_of_an_earlier_epoch_is_refused_and_what_runs_stays() {
    let (new, old) = (snapshot("https://new.example.com", "x"), snapshot("https://old.example.com", "x"));
    let streams = vec![
        vec![welcome(7), sent(7, Delta::full(&new), &new)],
        vec![welcome(6), sent(6, diff(&new, &old), &old)],
        vec![welcome(8), sent(8, diff(&new, &old), &old)],
    ];
    let (operator, mut follower, live, _folder) = begun(streams).await;
    follow(&mut follower, &live).await.unwrap();
    assert_eq!(live.hash(), new.hash.to_string());

    let refused = follow(&mut follower, &live).await.unwrap_err();
    assert!(refused.to_string().contains("earlier epoch"), "{refused:#}");
    assert_eq!(live.hash(), new.hash.to_string());
    let epochs =
        |operator: &Operator| operator.acks().iter().map(|ack| ack.applied.epoch).collect::<Vec<_>>();
    assert_eq!(epochs(&operator), [7], "it acknowledges nothing to the old one");

    follow(&mut follower, &live).await.unwrap();
    assert_eq!((live.hash(), epochs(&operator)), (old.hash.to_string(), vec![7, 8]));
}

#[tokio::test]
async fn what_cannot_be_built_is_told_to_every_leader() {
    let bad = snapshot("https://models.example.com", "two\nlines");
    let streams = vec![
        vec![welcome(7), sent(7, Delta::full(&bad), &bad)],
        vec![welcome(8), FromOperator::Current(at(8, &bad))],
    ];
    let (operator, mut follower, live, _folder) = begun(streams).await;
    follow(&mut follower, &live).await.unwrap();
    follow(&mut follower, &live).await.unwrap();
    let acks = operator.acks();
    assert_eq!(acks.iter().map(|ack| ack.session.as_str()).collect::<Vec<_>>(), ["s_7_1", "s_8_1"]);
    for ack in &acks {
        assert_eq!((ack.result, ack.applied.hash), (Outcome::Partial, bad.hash));
        assert_eq!(ack.rejected.len(), 1, "{ack:?}");
        let rejected = &ack.rejected[0];
        assert_eq!((rejected.id.as_str(), rejected.generation), ("provider/ai/p", 3));
        assert!(rejected.message.contains("x-team"), "{}", rejected.message);
    }
}

#[tokio::test]
async fn an_operator_that_has_lost_something_gets_it_back() {
    let known = snapshot("https://models.example.com", "x");
    let ids = vec![EntryId::provider("ai", "p"), EntryId::model("ai", "m")];
    let streams = vec![
        vec![welcome(7), sent(7, Delta::full(&known), &known)],
        vec![welcome(8), FromOperator::Recall { ids }],
    ];
    let (operator, mut follower, live, _folder) = begun(streams).await;
    follow(&mut follower, &live).await.unwrap();
    follow(&mut follower, &live).await.unwrap();
    let told = operator.told.lock().last().cloned();
    let Some(FromProxy::Recalled(recalled)) = told else { panic!("{told:?}") };
    assert_eq!(recalled.session, "s_8_1");
    assert_eq!(recalled.entries, [Entry::clone(&known.entries[&EntryId::provider("ai", "p")])]);
}
