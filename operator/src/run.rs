//! The composition root of `run`.

use std::sync::Arc;

use anyhow::Context;
use kube::Client;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tracing::info;

use crate::cli::Run;
use crate::delivery::hub::Hub;
use crate::delivery::identity::Identities;
use crate::delivery::server::{self, Delivery};
use crate::engine::Engine;
use crate::leader::{Claim, Contender};
use crate::{admin, watch as watches};

/// Watches, compiles, delivers and writes statuses until SIGTERM or SIGINT; then lets go of the Lease.
///
/// Errors: no cluster is configured, a port is taken, or a certificate cannot be used. A cluster that does not answer is
/// waited for.
pub async fn run(settings: &Run) -> anyhow::Result<()> {
    let client = Client::try_default().await.context("cannot find a cluster")?;
    let (admin, delivery) = (bind(settings.admin).await?, bind(settings.listen).await?);
    let tls =
        settings.tls_cert.as_ref().zip(settings.tls_key.as_ref()).map(|(chain, key)| acceptor(chain, key));
    anyhow::ensure!(
        tls.is_some() || settings.listen.ip().is_loopback(),
        "the configuration port needs --tls-cert and --tls-key, unless it listens on this machine alone"
    );
    let (hub, (stop, stopped)) = (Hub::new(), watch::channel(false));
    let engine = Engine::new(
        client.clone(),
        Arc::clone(&hub),
        Claim::new(client.clone(), &settings.namespace, &settings.identity),
        settings,
    );
    let (unlisted, shown) = watch::channel(engine.cluster.unlisted());
    let served = Delivery {
        hub: Arc::clone(&hub),
        identities: Identities::new(client.clone()),
        tls: tls.transpose()?,
    };
    info!(admin = %settings.admin, listen = %settings.listen, identity = settings.identity, "Watching");
    let contend = contend(client.clone(), settings, Arc::clone(&hub), stopped);
    tokio::pin!(contend);
    tokio::select! {
        () = admin::serve(admin, shown, Arc::clone(&hub)) => {}
        () = server::serve(delivery, Arc::new(served)) => {}
        () = engine.run(watches::all(&client), unlisted) => {}
        () = &mut contend => return Ok(()),
        ended = signalled() => ended?,
    }
    stop.send_replace(true);
    // Lets go of the Lease, so that another replica need not wait.
    contend.await;
    Ok(())
}

/// Contends for the Lease until stopped; a Lease that cannot be read or written is tried again.
async fn contend(client: Client, settings: &Run, hub: Arc<Hub>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let contender = tokio::select! {
            made = Contender::new(client.clone(), &settings.namespace, &settings.identity) => made,
            _ = stopped.changed() => return,
        };
        let ended = match contender {
            Ok(contender) => contender.run(&hub.leads, stopped.clone()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(error = format!("{error:#}"), "Cannot contend for leadership");
        }
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_secs(2)) => {}
            _ = stopped.changed() => {}
        }
    }
}

async fn signalled() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => info!("Stopping on SIGTERM"),
        _ = interrupt.recv() => info!("Stopping on SIGINT"),
    }
    Ok(())
}

async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn acceptor(chain: &std::path::Path, key: &std::path::Path) -> anyhow::Result<TlsAcceptor> {
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate chain {}", chain.display()))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read the private key {}", key.display()))?;
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, private);
    Ok(TlsAcceptor::from(Arc::new(config.context("certificate and private key do not fit")?)))
}
