//! TLS before a server that speaks without.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Certificates;

/// Takes TLS connections and passes on what they carry. It ends when it is dropped.
#[derive(Debug)]
pub struct Veil {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Veil {
    /// Shows the certificate of `localhost`, and passes on to `target`.
    ///
    /// Errors: no port is free, or the certificate cannot be used.
    pub async fn start(target: SocketAddr, certificates: &Certificates) -> anyhow::Result<Self> {
        let chain =
            CertificateDer::pem_file_iter(certificates.path("server.pem"))?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(certificates.path("server.key"))?;
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_no_client_auth().with_single_cert(chain, key).context("a certificate")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut task = JoinSet::new();
        task.spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), target));
        Ok(Self { address, _task: task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, target: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => drop(connections.spawn(pass(stream, tls.clone(), target))),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A client that does not trust the certificate is gone.
async fn pass(near: TcpStream, tls: TlsAcceptor, target: SocketAddr) {
    let Ok(mut near) = tls.accept(near).await else { return };
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    // Either side may end it.
    let _ = copy_bidirectional(&mut near, &mut far).await;
}
