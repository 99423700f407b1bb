//! What stands before replicas, as a Service does: one address, and the replica behind it that the test chooses.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes connections on. It ends when it is dropped.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    _task: JoinSet<()>,
}

impl Front {
    /// Listens, and passes on to `target`.
    ///
    /// Errors: no port is free.
    pub async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, target) = (listener.local_addr()?, watch::Sender::new(target));
        let mut task = JoinSet::new();
        task.spawn(serve(listener, target.subscribe()));
        Ok(Self { address, target, _task: task })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes on to somebody else from here on. Open connections end.
    pub fn turn_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }
}

async fn serve(listener: TcpListener, target: watch::Receiver<SocketAddr>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => drop(connections.spawn(pass(stream, target.clone()))),
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass(mut near: TcpStream, mut target: watch::Receiver<SocketAddr>) {
    let address = *target.borrow_and_update();
    let Ok(mut far) = TcpStream::connect(address).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = target.changed() => {}
    }
}
