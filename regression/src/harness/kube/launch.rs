//! Starts the servers of a cluster.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::assets::Assets;
use super::folder::Folder;
use super::kubectl::Kubectl;
use super::server::Server;

/// How long a start may take; on an idle machine it takes four seconds.
const START: Duration = Duration::from_secs(90);

/// Where the servers listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) etcd: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) api: SocketAddr,
}

pub(super) fn etcd(assets: &Assets, folder: &Folder, ports: Ports) -> anyhow::Result<Server> {
    let (client, peer) = (format!("http://{}", ports.etcd), format!("http://{}", ports.peer));
    let flags = [
        flag("data-dir", folder.etcd().display()),
        flag("listen-client-urls", &client),
        flag("advertise-client-urls", &client),
        flag("listen-peer-urls", &peer),
        flag("initial-advertise-peer-urls", &peer),
        flag("initial-cluster", format!("default={peer}")),
        "--unsafe-no-fsync".to_owned(),
    ];
    Server::start(&assets.program("etcd"), &flags, folder.log("etcd"))
}

pub(super) fn api(assets: &Assets, folder: &Folder, ports: Ports) -> anyhow::Result<Server> {
    let flags = [
        flag("etcd-servers", format!("http://{}", ports.etcd)),
        flag("bind-address", ports.api.ip()),
        flag("secure-port", ports.api.port()),
        flag("cert-dir", folder.certificates().display()),
        flag("service-cluster-ip-range", "10.96.0.0/16"),
        flag("service-account-issuer", "https://kubernetes.default.svc"),
        flag("service-account-signing-key-file", folder.key().display()),
        flag("service-account-key-file", folder.key().display()),
        flag("authorization-mode", "RBAC"),
        flag("anonymous-auth", false),
        flag("token-auth-file", folder.tokens().display()),
        // Nobody makes the default ServiceAccount that it would ask for.
        flag("disable-admission-plugins", "ServiceAccount"),
        flag("audit-policy-file", folder.audit_policy().display()),
        flag("audit-log-path", folder.audit_log().display()),
    ];
    Server::start(&assets.program("kube-apiserver"), &flags, folder.log("kube-apiserver"))
}

/// Waits until the API server serves, and has made the namespace that everything starts from.
///
/// Errors: a server ends, or it takes too long; the text holds the end of its log.
pub(super) async fn ready(kubectl: &Kubectl, api: SocketAddr, servers: [&Server; 2]) -> anyhow::Result<()> {
    let end = Instant::now() + START;
    let [etcd, server] = servers;
    loop {
        etcd.is_alive()?;
        server.is_alive()?;
        let listens = TcpStream::connect(api).await.is_ok();
        let unready = if listens { unready(kubectl).await } else { Some("it does not listen".to_owned()) };
        let Some(reason) = unready else { return Ok(()) };
        if Instant::now() > end {
            bail!("the API server is not ready after {START:?}: {reason}\n{}", server.tail());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Why not, if it is not.
async fn unready(kubectl: &Kubectl) -> Option<String> {
    let asked = async {
        kubectl.run(&["get", "--raw", "/readyz"]).await?;
        kubectl.run(&["get", "namespace", "default"]).await
    };
    asked.await.err().map(|error| format!("{error:#}"))
}

fn flag(name: &str, value: impl Display) -> String {
    format!("--{name}={value}")
}
