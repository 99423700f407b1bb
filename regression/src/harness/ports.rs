//! Free ports of 127.0.0.1.

use std::net::{SocketAddr, TcpListener};

/// Two different addresses that were free a moment ago.
///
/// Errors: no port is free.
pub(super) fn pair() -> std::io::Result<(SocketAddr, SocketAddr)> {
    let (first, second) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((first.local_addr()?, second.local_addr()?))
}
