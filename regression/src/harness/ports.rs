//! Free ports of 127.0.0.1.

use std::net::{SocketAddr, TcpListener};

/// Different addresses that were free a moment ago.
///
/// Errors: no port is free.
pub(super) fn free<const N: usize>() -> std::io::Result<[SocketAddr; N]> {
    let listeners: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        *address = listener.local_addr()?;
    }
    Ok(addresses)
}
