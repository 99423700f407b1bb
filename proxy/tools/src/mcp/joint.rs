//! Work that several ask for at once and that is done once.

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;

/// Whoever asks while the work is going on waits for the same result. It ends when nobody waits any more.
pub(super) struct Joint<T>(Mutex<Option<WeakShared<BoxFuture<'static, T>>>>);

impl<T: Clone> Joint<T> {
    /// The work that is going on, or else what `start` gives.
    pub(super) fn join(
        &self,
        start: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Shared<BoxFuture<'static, T>> {
        let mut slot = self.0.lock();
        if let Some(running) =
            slot.as_ref().and_then(WeakShared::upgrade).filter(|work| work.peek().is_none())
        {
            return running;
        }
        let work = start().shared();
        *slot = work.downgrade();
        work
    }
}

impl<T> Default for Joint<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> fmt::Debug for Joint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joint")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn work(started: &Arc<AtomicUsize>) -> BoxFuture<'static, usize> {
        let count = started.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            count
        }
        .boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_at_once_get_one_result() {
        let (joint, started) = (Joint::default(), Arc::default());
        let (one, other) = (joint.join(|| work(&started)), joint.join(|| work(&started)));
        assert_eq!(tokio::join!(one, other), (0, 0));
        assert_eq!(joint.join(|| work(&started)).await, 1, "what is done is done anew");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_nobody_waits_for_begins_anew() {
        let (joint, started) = (Joint::default(), Arc::default());
        let left = tokio::time::timeout(Duration::from_millis(1), joint.join(|| work(&started))).await;
        assert!(left.is_err());
        assert_eq!(joint.join(|| work(&started)).await, 1);
    }
}
