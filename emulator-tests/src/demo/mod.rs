//! The demo: the whole system on this machine, in one command.
//!
//! ```text
//! simulated listeners -> broker -> pipeline -> broker -> three session-api replicas -> this reporter
//! ```
//!
//! Broker, listeners and reporter live in this process; the services are the real binaries, as processes. It needs no
//! network, no cloud account and no licensed database.

mod conclusion;
mod console;
mod installation;
mod reporter;
mod settings;

use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use installation::Installation;
use reporter::Reporter;
pub use settings::DemoSettings;

/// How long the last plays may take to be accounted for after the listeners have stopped.
const LAST_PLAYS: Duration = Duration::from_secs(12);

/// Runs until `stop` is cancelled, or for as long as the settings say.
///
/// # Errors
/// When something cannot be started, or a service ends by itself.
pub async fn run(settings: DemoSettings, stop: CancellationToken) -> anyhow::Result<()> {
    let mut installation = tokio::select! {
        installation = Installation::start(&settings) => installation?,
        () = stop.cancelled() => return Ok(()),
    };
    console::welcome(&settings, &installation);
    let listeners = installation.start_listeners(&settings)?;
    let mut reporter = Reporter::new(&installation);
    let outcome = tokio::select! {
        outcome = reporter.report(&mut installation) => outcome,
        () = stop.cancelled() => Ok(()),
        () = after(settings.duration) => Ok(()),
    };
    console::say("stopping the listeners, waiting for the last plays to be accounted for");
    let totals = listeners.stop().await;
    conclusion::conclude(&installation, &reporter, &totals, LAST_PLAYS).await;
    installation.stop().await.context("a service did not end in order")?;
    outcome
}

/// Ends after `duration`, or never.
async fn after(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}
