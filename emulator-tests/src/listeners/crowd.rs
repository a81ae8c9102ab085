//! Simulated listeners at work whose plays are counted and not kept.

use std::sync::Arc;

use google_cloud_pubsub::client::Publisher;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{PlaySource, PlaysOut, Totals, publish};

/// Listeners who press play until they are told to stop.
#[derive(Debug)]
pub struct Crowd {
    stop: CancellationToken,
    publishing: JoinHandle<Totals>,
    out: Arc<PlaysOut>,
}

impl Crowd {
    /// Publishes `per_second` plays of `source` to `plays`.
    #[must_use]
    pub fn start(source: PlaySource, per_second: f64, plays: Publisher) -> Self {
        let (stop, out) = (CancellationToken::new(), Arc::new(PlaysOut::default()));
        let (counted, stopped) = (Arc::clone(&out), stop.clone());
        let publishing =
            tokio::spawn(async move { publish(source, per_second, &plays, counted, stopped).await });
        Self { stop, publishing, out }
    }

    /// What has been sent so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.out.totals()
    }

    /// Stops them and waits until every play is confirmed or given up; returns what was sent.
    pub async fn stop(self) -> Totals {
        self.stop.cancel();
        self.publishing.await.unwrap_or_else(|_| self.out.totals())
    }
}
