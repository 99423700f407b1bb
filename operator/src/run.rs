//! The loop: watch, compile, log.

use std::time::Duration;

use anyhow::Context;
use futures_util::stream::{self, BoxStream, StreamExt};
use kube::core::DynamicObject;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::admin::{self, Unlisted};
use crate::cli::Run;
use crate::cluster::{self, Cluster};

/// How long changes are gathered before they are compiled.
const QUIET: Duration = Duration::from_millis(50);

type Shown = (&'static str, Result<watcher::Event<DynamicObject>, watcher::Error>);

/// Watches and compiles until SIGTERM or SIGINT.
///
/// Errors: no cluster is configured, or the admin port is taken. A cluster that does not answer is waited for.
pub async fn run(settings: &Run) -> anyhow::Result<()> {
    let client = Client::try_default().await.context("cannot find a cluster")?;
    let listener = TcpListener::bind(settings.admin).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", settings.admin))?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cluster = Cluster::new();
    let (unlisted, shown) = watch::channel(cluster.unlisted());
    info!(admin = %settings.admin, "Watching");
    tokio::select! {
        () = admin::serve(listener, shown) => {}
        () = follow(cluster, watches(&client), unlisted) => {}
        _ = terminate.recv() => info!("Stopping on SIGTERM"),
        _ = interrupt.recv() => info!("Stopping on SIGINT"),
    }
    Ok(())
}

/// Watches every kind, with back-off.
fn watches(client: &Client) -> BoxStream<'static, Shown> {
    let watch = |kind: &'static crds::Kind| {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &cluster::resource(kind));
        let events = watcher(api, watcher::Config::default()).default_backoff();
        events.map(move |event| (kind.name, event)).boxed()
    };
    stream::select_all(crds::KINDS.iter().map(watch)).boxed()
}

/// Takes in what the watches show, and compiles it once every kind is listed and [`QUIET`] has passed.
async fn follow(
    mut cluster: Cluster,
    mut shown: BoxStream<'static, Shown>,
    unlisted: watch::Sender<Unlisted>,
) {
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            Some((kind, event)) = shown.next() => match event {
                Ok(event) => {
                    cluster.apply(kind, &event);
                    unlisted.send_replace(cluster.unlisted());
                    due = due.or_else(|| cluster.unlisted().is_empty().then(|| Instant::now() + QUIET));
                }
                Err(error) => warn!(kind, %error, "Cannot watch"),
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                report(&mut cluster);
            }
            else => return,
        }
    }
}

fn report(cluster: &mut Cluster) {
    for (object, verdict) in cluster.compile() {
        info!(%object, verdict, "Object looked at");
    }
    if let Some(snapshot) = cluster.compiled.implicit() {
        info!(hash = %snapshot.hash, entries = snapshot.entries.len(), "Compiled");
    }
}
