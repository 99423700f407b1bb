//! The stream between a driver and a connection. Both are polled by one task, so no task switch costs time, and what
//! one upstream read brought leaves in one write.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

/// Beyond this many bytes the driver waits for the client.
const LIMIT: usize = 64 << 10;

/// Where a driver puts the bytes of its events.
#[derive(Clone, Default)]
pub struct Outlet(Arc<Mutex<BytesMut>>);

impl Outlet {
    /// Appends bytes.
    pub fn put(&self, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.0.lock());
    }

    /// Waits until the client has taken enough.
    pub async fn room(&self) {
        // The connection polls the driver again after each take, so no waker is needed.
        poll_fn(|_| if self.0.lock().len() < LIMIT { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn take(&self) -> Option<Bytes> {
        let mut buffer = self.0.lock();
        (!buffer.is_empty()).then(|| buffer.split().freeze())
    }
}

/// A driver as a stream of bytes. Dropping it drops the driver, and with it all work upstream.
pub struct Driven {
    outlet: Outlet,
    driver: Option<BoxFuture<'static, ()>>,
}

impl Driven {
    /// Makes the stream; `driver` writes to (a clone of) `outlet`.
    pub fn new(outlet: Outlet, driver: BoxFuture<'static, ()>) -> Self {
        Self { outlet, driver: Some(driver) }
    }
}

impl Stream for Driven {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            self.driver = None;
        }
        match (self.outlet.take(), &self.driver) {
            (Some(bytes), _) => Poll::Ready(Some(bytes)),
            (None, None) => Poll::Ready(None),
            (None, Some(_)) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn what_is_put_without_a_pause_leaves_together() {
        let outlet = Outlet::default();
        let inner = outlet.clone();
        let driver = async move {
            inner.put(|out| out.extend_from_slice(b"ab"));
            inner.put(|out| out.extend_from_slice(b"cd"));
            tokio::task::yield_now().await;
            inner.put(|out| out.extend_from_slice(b"ef"));
        };
        let chunks: Vec<Bytes> = Driven::new(outlet, Box::pin(driver)).collect().await;
        assert_eq!(chunks, [Bytes::from_static(b"abcd"), Bytes::from_static(b"ef")]);
    }

    #[tokio::test]
    async fn a_driver_waits_for_a_client_that_does_not_read() {
        let outlet = Outlet::default();
        let inner = outlet.clone();
        let driver = async move {
            for _ in 0..4 {
                inner.put(|out| out.extend_from_slice(&[0; LIMIT]));
                inner.room().await;
            }
        };
        let sizes: Vec<usize> =
            Driven::new(outlet, Box::pin(driver)).map(|chunk| chunk.len()).collect().await;
        assert_eq!(sizes, [LIMIT; 4]);
    }
}
