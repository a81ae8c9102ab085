//! The parts put together: what runs beside what, and in which order it ends.
//!
//! At shutdown readiness goes red; SHUTDOWN_DELAY later streams end, requests that are under way finish, the subscription
//! is deleted, and the admin port closes last. Each of these steps has a deadline of its own; at the default delay all
//! of them together stay below 10 s. A part that ends on its own takes the service with it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use actix_web::dev::Server;
use service_runtime::admin::{self, Readiness};
use service_runtime::pubsub::PubSub;
use service_runtime::service::ServiceError;
use service_runtime::settings::SettingError;
use service_runtime::telemetry::Metrics;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::feed::{self, Feed};
use crate::health::{self, Status};
use crate::leaving::Leaving;
use crate::presenter;
use crate::routes::AppState;
use crate::server;
use crate::site::Site;
use crate::snapshot::Screen;
use crate::subscription::Subscriber;
use crate::telemetry::Telemetry;

/// Updates that may wait for the presenter; there is one a slot, and the largest are very large.
const UPDATE_QUEUE: usize = 2;

/// The longest that the shutdown may take beside SHUTDOWN_DELAY: at the default, less than 10 s in all.
const DRAIN_LIMIT: Duration = Duration::from_secs(7);

/// session-api with its ports bound, ready to run.
pub struct Service {
    config: Config,
    pubsub: PubSub,
    screen: Screen,
    feed: Feed,
    readiness: Readiness,
    telemetry: Telemetry,
    leaving: Leaving,
    api: Server,
    api_address: SocketAddr,
    close_api: CancellationToken,
    admin: Server,
    stop: CancellationToken,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Service {
    /// Checks the settings against the world and binds the ports. Cancelling `stop` asks the running service to end.
    ///
    /// # Errors
    /// When a port is taken or a setting is wrong.
    pub fn bind(config: Config, stop: CancellationToken) -> Result<Self, ServiceError> {
        let pubsub = PubSub::from_settings(&config.common)?;
        let metrics = Metrics::new("session-api")?;
        let telemetry = Telemetry::new(&metrics.meter());
        let (screen, readiness) = (Screen::default(), Readiness::default());
        let feed = Feed::new(config.max_streams);
        let (leaving, close_api) = (Leaving::default(), CancellationToken::new());
        let state = AppState {
            screen: screen.clone(),
            feed: feed.clone(),
            max_stream_age: config.max_stream_age,
            clock: Clock::ahead_by(config.clock_offset),
            telemetry: telemetry.clone(),
            site: config.site_dir.as_deref().map(load_site).transpose()?,
            leaving: leaving.clone(),
        };
        let admin = admin::server(config.admin_addr, readiness.clone(), metrics)?;
        let (api, api_address) =
            server::bind(config.bind_addr, config.max_connections, state, close_api.clone())?;
        Ok(Self {
            config,
            pubsub,
            screen,
            feed,
            readiness,
            telemetry,
            leaving,
            api,
            api_address,
            close_api,
            admin,
            stop,
        })
    }

    /// Where the API is served.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// Runs until told to stop, and ends in order.
    ///
    /// # Errors
    /// When a part failed or ended on its own.
    pub async fn run(self) -> Result<(), ServiceError> {
        tracing::info!(api = %self.api_address, admin = %self.config.admin_addr, "serving");
        let (updates, received) = mpsc::channel(UPDATE_QUEUE);
        let (status, seen) = watch::channel(Status::default());
        let drained = CancellationToken::new();
        let clock = Clock::ahead_by(self.config.clock_offset);
        let subscriber = Subscriber {
            pubsub: self.pubsub,
            topic: self.config.sessions_topic,
            region: self.config.region,
            replica: self.config.replica_id,
            clock,
            updates,
            status: status.clone(),
            telemetry: self.telemetry.clone(),
        };
        let presenter =
            presenter::run(received, clock, self.screen, self.feed.clone(), status, self.telemetry.clone());
        let health =
            health::watch(seen, self.readiness, self.telemetry, self.config.stale_after, self.stop.clone());
        let (admin, api) = (self.admin, self.api);
        let admin_handle = admin.handle();

        let mut parts = JoinSet::new();
        parts.spawn(part("the admin port", admin));
        parts.spawn(part("the health watch", async {
            health.await;
            Ok(())
        }));
        let (delay, close_api) = (self.config.shutdown_delay, self.close_api);
        let streams = feed::run(self.feed, close_api.clone());
        parts.spawn(part("the streams", async {
            streams.await;
            Ok(())
        }));
        let leaving = self.leaving.run(self.stop.clone(), delay, close_api);
        parts.spawn(part("leaving", async {
            leaving.await;
            Ok(())
        }));
        let drain = drained.clone();
        parts.spawn(part("the subscription", async move {
            let ((), presented) = tokio::join!(subscriber.run(drain), presenter);
            admin_handle.stop(false).await;
            presented.map_err(std::io::Error::other)
        }));
        parts.spawn(part("the API", async move {
            let outcome = api.await;
            drained.cancel();
            outcome
        }));
        supervise(parts, self.stop, delay + DRAIN_LIMIT).await
    }
}

fn load_site(directory: &Path) -> Result<Site, SettingError> {
    let site = Site::load(directory).map_err(|error| SettingError::new("SITE_DIR", error))?;
    tracing::info!(paths = site.len(), "the site has been read");
    Ok(site)
}

/// A part of the service by its name, and how it ended.
type Ended = (&'static str, std::io::Result<()>);

async fn part(name: &'static str, running: impl Future<Output = std::io::Result<()>>) -> Ended {
    (name, running.await)
}

/// Waits until told to stop or until a part ends on its own; then for all of them to end.
async fn supervise(
    mut parts: JoinSet<Ended>,
    stop: CancellationToken,
    drain_limit: Duration,
) -> Result<(), ServiceError> {
    let first = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        Some(ended) = parts.join_next() => Err(ended_early(ended)),
    };
    stop.cancel();
    let drain = async {
        let mut outcome = first;
        while let Some(ended) = parts.join_next().await {
            outcome = outcome.and(checked(ended).map(drop));
        }
        outcome
    };
    let late = || Err(ServiceError::part("the shutdown", "it took too long"));
    timeout(drain_limit, drain).await.unwrap_or_else(|_| late())
}

/// The name of a part that ended well.
fn checked(ended: Result<Ended, JoinError>) -> Result<&'static str, ServiceError> {
    let (name, outcome) = ended.map_err(|error| ServiceError::part("a task", error))?;
    outcome.map(|()| name).map_err(|error| ServiceError::part(name, error))
}

fn ended_early(ended: Result<Ended, JoinError>) -> ServiceError {
    checked(ended).map_or_else(|error| error, |name| ServiceError::part(name, "it ended on its own"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(stop: &CancellationToken, first: std::io::Result<()>) -> JoinSet<Ended> {
        let stopped = stop.clone().cancelled_owned();
        let mut parts = JoinSet::new();
        parts.spawn(part("one", async move { first }));
        parts.spawn(part("other", async move {
            stopped.await;
            Ok(())
        }));
        parts
    }

    #[tokio::test]
    async fn a_part_that_ends_on_its_own_takes_the_service_with_it() {
        for first in [Ok(()), Err(std::io::ErrorKind::AddrInUse.into())] {
            let stop = CancellationToken::new();
            let error = supervise(parts(&stop, first), stop.clone(), DRAIN_LIMIT).await.unwrap_err();
            assert_eq!(error.to_string(), "one failed");
            assert!(stop.is_cancelled());
        }
    }

    #[tokio::test]
    async fn told_to_stop_all_parts_end() {
        let stop = CancellationToken::new();
        stop.cancel();
        supervise(parts(&stop, Ok(())), stop, DRAIN_LIMIT).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_does_not_end_is_not_waited_for() {
        let (stop, mut parts) = (CancellationToken::new(), JoinSet::new());
        stop.cancel();
        parts.spawn(part("stuck", std::future::pending()));
        assert_eq!(supervise(parts, stop, DRAIN_LIMIT).await.unwrap_err().to_string(), "the shutdown failed");
    }
}
