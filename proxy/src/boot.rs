//! The composition root: makes clock, seeds, store, configuration and application, and starts the edge.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::app::App;
use crate::auth::issuer::Issuers;
use crate::cli::Serve;
use crate::clock::{Clock, Seeds};
use crate::edge::drain::{Drain, InFlight};
use crate::edge::server::{self, Control, Listen};
use crate::limits::Limits;
use crate::live::build::Frame;
use crate::live::files::Files;
use crate::live::stream::Follower;
use crate::live::{Live, Reaches, local};
use crate::settings::Flags;
use crate::telemetry::{Metrics, logs};
use crate::{admin, live};
use store::Store;

/// The environment variables at the start.
pub type Environment = BTreeMap<String, String>;

/// Serves until a signal ends the process.
///
/// Errors: what cannot work at all: configuration that cannot be read, ports that are taken, a broken data directory.
pub fn serve(serve: Serve, environment: Environment) -> anyhow::Result<ExitCode> {
    logs::start(serve.log_format, &serve.log);
    install_tls()?;
    let drain = InFlight::default();
    let listen = listen(&serve);
    check_free(&serve)?;
    let end = Drain { in_flight: drain.clone(), linger: serve.drain_linger, deadline: serve.drain_deadline };
    let failed = Arc::new(OnceLock::new());
    let boot = Boot { serve, environment, drain, failed: Arc::clone(&failed) };
    server::run(&listen, boot, end)?;
    logs::flush();
    Ok(if failed.get().is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Says why the process cannot go on.
pub fn complain(error: &anyhow::Error) {
    logs::flush();
    // A standard error that is closed has nobody who could be told.
    let _ = writeln!(std::io::stderr().lock(), "fairlead-proxy: {error:#}");
}

pub(crate) fn install_tls() -> anyhow::Result<()> {
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| anyhow::anyhow!("another TLS provider is installed already"))
}

fn listen(serve: &Serve) -> Listen {
    Listen {
        addresses: serve.listen.iter().map(SocketAddr::to_string).collect(),
        tls: serve.tls_cert.clone().zip(serve.tls_key.clone()),
        threads: serve.threads.unwrap_or_else(cores),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// pingora retries and then panics on an address that is taken; this says it in words.
fn check_free(serve: &Serve) -> anyhow::Result<()> {
    for address in &serve.listen {
        std::net::TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    }
    Ok(())
}

/// Makes the application, then watches the configuration and serves the admin port.
struct Boot {
    serve: Serve,
    environment: Environment,
    drain: InFlight,
    failed: Arc<OnceLock<()>>,
}

#[async_trait]
impl Control for Boot {
    async fn run(
        &self,
        app: Arc<OnceLock<Arc<App>>>,
        ready: Box<dyn FnOnce() + Send>,
        stop: CancellationToken,
    ) {
        let started = match self.start().await {
            Ok(started) => started,
            Err(error) => return self.give_up(&error),
        };
        let Started { app: made, admin, follower } = started;
        let store = made.store.clone();
        if app.set(Arc::clone(&made)).is_err() {
            error!("The application was made twice");
        }
        let configured = async {
            let follower = self.configured(&made, follower, &stop).await;
            info!(api = ?self.serve.listen, admin = %self.serve.admin_listen, config = %made.live.hash(), "Serving");
            ready();
            announce(&self.serve.listen, &self.drain).await;
            if let Some(follower) = follower {
                follower.follow(&made.live, stop.clone()).await;
            }
        };
        tokio::join!(
            admin::serve(admin, Arc::clone(&made), stop.clone()),
            live::watch(Arc::clone(&made), stop.clone()),
            expire(Arc::clone(&made), stop.clone()),
            keep_servers(&made, &stop),
            configured,
        );
        made.live.servers().close().await;
        store.close().await;
        info!("Stopped");
        logs::flush();
    }
}

/// What a start makes.
struct Started {
    app: Arc<App>,
    admin: tokio::net::TcpListener,
    /// Set where an operator sends the configuration.
    follower: Option<Follower>,
}

impl Boot {
    /// Waits until there is a configuration: the port is not bound before.
    async fn configured(
        &self,
        app: &App,
        follower: Option<Follower>,
        stop: &CancellationToken,
    ) -> Option<Follower> {
        let mut follower = follower?;
        if let Err(error) = follower.first(&app.live, stop).await {
            self.give_up(&error);
        }
        Some(follower)
    }

    async fn start(&self) -> anyhow::Result<Started> {
        let serve = &self.serve;
        let admin = admin::bind(serve.admin_listen)
            .await
            .with_context(|| format!("cannot listen on {}", serve.admin_listen))?;
        std::fs::create_dir_all(&serve.data_dir)
            .with_context(|| format!("cannot create the data directory {}", serve.data_dir.display()))?;
        let path = serve.data_dir.join("fairlead.db");
        let opened = Store::open(&store::Settings::sqlite(&path)).await;
        let store = opened.with_context(|| format!("cannot open the store {}", path.display()))?;
        let metrics = Arc::new(Metrics::new()?);
        let (live, follower) = self.live()?;
        let (clock, seeds, limits, drain) = (clock(), seeds()?, Limits::default(), self.drain.clone());
        let (rates, since) = (Arc::default(), tokio::time::Instant::now());
        let app = Arc::new(App { live, store, clock, seeds, limits, metrics, drain, rates, since });
        Ok(Started { app, admin, follower })
    }

    /// From files, or from an operator.
    fn live(&self) -> anyhow::Result<(Live, Option<Follower>)> {
        let serve = &self.serve;
        let reaches = Reaches { loopback: serve.egress_allow_loopback, url_models: serve.allow_url_models };
        let issuers = Issuers::new(reaches.loopback);
        let (servers, clients) = (tools::mcp::Pool::default(), Arc::default());
        let local = serve.mcp_servers.as_deref().map(|path| local::read(path, &self.environment));
        let local = local.transpose()?.unwrap_or_default();
        let frame = Frame { reaches, flags: self.flags(), issuers, servers, clients, local };
        match serve.operator.settings(serve.choice.gateway.clone())? {
            Some(settings) => {
                let live = Live::of_stream(settings.gateway.clone(), frame);
                Ok((live, Some(Follower::new(settings)?)))
            }
            None => {
                let files = Files::new(serve.sources.paths.clone(), self.environment.clone());
                Ok((Live::of_files(files, serve.choice.gateway.clone(), frame)?, None))
            }
        }
    }

    /// The names of the original system are still read.
    fn flags(&self) -> Flags {
        let number = |name: &str| self.environment.get(name)?.parse::<u64>().ok();
        let named = ["OPEN_RESPONSES_MAX_TOOL_CALLS", "MASAIC_MAX_TOOL_CALLS"];
        Flags {
            body_bytes: self.serve.request_bytes,
            tool_calls: named.into_iter().find_map(number).and_then(|calls| u32::try_from(calls).ok()),
            foreground: number("OPEN_RESPONSES_MAX_STREAMING_TIMEOUT").map(Duration::from_millis),
            retention_days: self.serve.retention_days,
            strict: self.serve.strict,
        }
    }

    /// pingora waits for this service for ever, so the process is asked to end.
    fn give_up(&self, error: &anyhow::Error) {
        complain(error);
        let _ = self.failed.set(());
        self.drain.abort();
    }
}

/// pingora does not say when its listeners are bound, so each is asked.
async fn announce(addresses: &[SocketAddr], drain: &InFlight) {
    for address in addresses {
        while tokio::net::TcpStream::connect(reachable(*address)).await.is_err() {
            if drain.is_draining() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    drain.set_listening();
}

/// An address that stands for all is reached by that of this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// Closes connections to MCP servers that nobody uses.
async fn keep_servers(app: &App, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = app.live.servers().keep() => {}
    }
}

const EXPIRY_PAUSE: Duration = Duration::from_secs(60);
const EXPIRY_BATCH: u32 = 500;

/// Deletes what has expired, a batch at a time.
async fn expire(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EXPIRY_PAUSE) => {}
        }
        for error in app.store.expire(app.clock.now(), EXPIRY_BATCH).await {
            error!(error = %crate::error::chain(&error), "Cannot delete what has expired");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that makes the clock")]
fn clock() -> Clock {
    Clock::new(|| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default())
}

fn seeds() -> anyhow::Result<Seeds> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(Seeds::new(secret))
}
