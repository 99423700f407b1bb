//! How much may go on at a time: requests of the process, streams of a tenant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::error::{ApiError, SERVER_ERROR};
use protocol::id::Tenant;

/// What is going on.
#[derive(Clone, Default)]
pub struct Limits {
    streams: Arc<Mutex<HashMap<Tenant, usize>>>,
}

/// A stream of a tenant, until it is dropped.
pub struct StreamPlace {
    limits: Limits,
    tenant: Tenant,
}

impl Limits {
    /// Takes a place among the streams of a tenant.
    ///
    /// Errors: 429 if `most` are taken.
    pub fn stream(&self, tenant: &Tenant, most: usize) -> Result<StreamPlace, ApiError> {
        let mut streams = self.streams.lock();
        if streams.get(tenant).copied().unwrap_or_default() >= most {
            let message = format!("Rate limit reached: at most {most} streams at a time.");
            let error = ApiError::new(429, "requests", message).with_code("rate_limit_exceeded");
            return Err(error.with_retry_after(Duration::from_secs(1)));
        }
        *streams.entry(tenant.clone()).or_default() += 1;
        Ok(StreamPlace { limits: self.clone(), tenant: tenant.clone() })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.limits.streams.lock();
        if let Some(count) = streams.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.tenant);
            }
        }
    }
}

/// More requests than the process answers at a time.
pub fn overloaded() -> ApiError {
    let message = "The server is overloaded. Please try again later.";
    ApiError::new(503, SERVER_ERROR, message).with_retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_so_many_streams_and_others_have_theirs() {
        let (limits, red, blue) = (Limits::default(), Tenant::new("red"), Tenant::new("blue"));
        let first = limits.stream(&red, 1).expect("free");
        assert_eq!(limits.stream(&red, 1).err().map(|error| error.status), Some(429));
        assert!(limits.stream(&blue, 0).is_err() && limits.stream(&blue, 1).is_ok());
        drop(first);
        assert!(limits.stream(&red, 1).is_ok());
        assert!(limits.streams.lock().is_empty());
    }
}
