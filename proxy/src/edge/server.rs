//! Listeners and the life of the process.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use pingora::apps::HttpServerOptions;
use pingora::listeners::tls::TlsSettings;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server, ShutdownWatch};
use pingora::services::ServiceReadyNotifier;
use pingora::services::background::{BackgroundService, background_service};
use pingora::services::listening::Service;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::edge::Edge;
use crate::edge::drain::Drain;

/// Where and how to listen.
pub struct Listen {
    pub addresses: Vec<String>,
    /// Certificate chain and key, PEM; plain without.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub threads: usize,
}

/// What runs beside the listeners: it makes the application before a port is bound, and ends after the last request.
#[async_trait]
pub trait Control: Send + Sync + 'static {
    /// Sets `app`, calls `ready`, and goes on until `stop`.
    async fn run(
        &self,
        app: Arc<OnceLock<Arc<App>>>,
        ready: Box<dyn FnOnce() + Send>,
        stop: CancellationToken,
    );
}

/// Runs until a signal ends the process. Blocks, and starts its own runtimes.
///
/// Errors: a certificate or key that cannot be used.
pub fn run(listen: &Listen, control: impl Control, drain: Drain) -> anyhow::Result<()> {
    let conf = ServerConf {
        threads: listen.threads,
        grace_period_seconds: Some(0), // `Drain` has waited already
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let app = Arc::new(OnceLock::new());
    let http = http_service(&server, listen, &app)?;
    let control = background_service("control", Host { control, app });
    let control = server.add_service(control);
    let http = server.add_service(http);
    http.add_dependency(&control); // the port is not bound before the application is ready
    server.run(RunArgs { shutdown_signal: Box::new(drain) });
    Ok(())
}

type Http = Service<pingora::proxy::HttpProxy<Edge, ()>>;

fn http_service(server: &Server, listen: &Listen, app: &Arc<OnceLock<Arc<App>>>) -> anyhow::Result<Http> {
    let mut proxy = http_proxy(&server.configuration, Edge { app: Arc::clone(app) });
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    proxy.server_options = Some(options);
    let mut http = Service::new("http".into(), proxy);
    for address in &listen.addresses {
        match &listen.tls {
            None => http.add_tcp(address),
            Some(files) => http.add_tls_with_settings(address, None, tls(files)?),
        }
    }
    Ok(http)
}

/// pingora panics later on files that it cannot read, so they are read here first.
fn tls((chain, key): &(PathBuf, PathBuf)) -> anyhow::Result<TlsSettings> {
    use anyhow::Context;
    use rustls::pki_types::pem::PemObject;
    let certificates = rustls::pki_types::CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate chain {}", chain.display()))?;
    let private = rustls::pki_types::PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read the private key {}", key.display()))?;
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .context("certificate and private key do not fit")?;
    let mut settings = TlsSettings::intermediate(&chain.to_string_lossy(), &key.to_string_lossy())?;
    settings.enable_h2();
    Ok(settings)
}

struct Host<C> {
    control: C,
    app: Arc<OnceLock<Arc<App>>>,
}

#[async_trait]
impl<C: Control> BackgroundService for Host<C> {
    async fn start_with_ready_notifier(&self, mut shutdown: ShutdownWatch, ready: ServiceReadyNotifier) {
        let stop = CancellationToken::new();
        let ready = Box::new(move || ready.notify_ready());
        let work = self.control.run(Arc::clone(&self.app), ready, stop.clone());
        tokio::pin!(work);
        tokio::select! {
            () = &mut work => {}
            _ = shutdown.changed() => {
                stop.cancel();
                work.await;
            }
        }
    }
}
