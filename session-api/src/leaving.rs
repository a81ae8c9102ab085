//! The time between being told to stop and closing the port.
//!
//! Those who send requests notice a little late that a replica is not ready any more, and a connection that is kept stays
//! with it until one side closes it: a request that crosses with the close has no answer. A replica that has to go
//! therefore serves on for SHUTDOWN_DELAY, and says with each answer that its connection ends there. What is still open
//! after that has not been used for so long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Whether this replica has to go. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Leaving(Arc<AtomicBool>);

impl Leaving {
    /// Whether connections end with their next answer.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        // No other memory hangs on it.
        self.0.load(Ordering::Relaxed)
    }

    /// Begins when told to `stop`, and cancels `close` when that is `delay` ago.
    pub async fn run(self, stop: CancellationToken, delay: Duration, close: CancellationToken) {
        stop.cancelled().await;
        self.0.store(true, Ordering::Relaxed);
        tokio::time::sleep(delay).await;
        close.cancel();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_port_is_closed_some_time_after_being_told_to_stop() {
        let (leaving, stop, close) = (Leaving::default(), CancellationToken::new(), CancellationToken::new());
        let delay = Duration::from_secs(2);
        let running = tokio::spawn(leaving.clone().run(stop.clone(), delay, close.clone()));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!leaving.has_begun() && !close.is_cancelled());
        let told = Instant::now();
        stop.cancel();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(leaving.has_begun() && !close.is_cancelled());
        close.cancelled().await;
        assert_eq!(told.elapsed(), delay);
        running.await.unwrap();
    }
}
