//! Log lines, metrics and traces.
//!
//! - [`logs`]: sentences to standard error, as text or JSON
//! - [`messaging`]: spans of messages that are published and received
//! - [`metrics`]: scraped by Prometheus, and pushed by OTLP where an endpoint is set
//! - [`otlp`]: what of OpenTelemetry's standard settings is on, and the exporters
//! - [`trace_context`]: a trace that goes on through a Pub/Sub message
//!
//! Nothing of it carries an IP address, a user id or a message's payload.

pub mod logs;
pub mod messaging;
pub mod metrics;
pub mod otlp;
pub mod trace_context;

use std::sync::mpsc;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

pub use metrics::Metrics;
pub use otlp::Traces;

use crate::explain::Check;
use crate::settings::{CommonSettings, SettingError};

/// How long a collector that does not answer may keep a service from ending.
const LAST_EXPORT: Duration = Duration::from_secs(1);

/// Starts the log and, where an endpoint is set, the export of traces of the service called `service`. Needs a tokio
/// runtime to be entered. Spans are sent until what is returned is dropped.
///
/// # Errors
/// When a setting is wrong, or when the process has a log already.
pub fn start(settings: &CommonSettings, service: &str) -> Result<Option<Traces>, SettingError> {
    let traces = Traces::from_environment(service)?;
    let started: Result<(), TryInitError> = tracing_subscriber::registry()
        .with(traces.as_ref().map(Traces::layer))
        .with(logs::layer(settings)?)
        .try_init();
    started.map_err(|error| SettingError::new("LOG_FORMAT", error))?;
    Ok(traces)
}

/// What would come of [starting](start) the log and the exports. Needs a tokio runtime to be entered. Whether a collector
/// answers is not asked: a service works without one.
#[must_use]
pub fn check(settings: &CommonSettings) -> Vec<Check> {
    let lines = logs::levels(&settings.rust_log).map(|_| "log lines are chosen by it".to_owned());
    vec![Check::setting("RUST_LOG", lines), Check::setting("OTEL_EXPORTER_OTLP_ENDPOINT", otlp::check())]
}

/// Waits for a last export, but not for long. The SDK's own limit is not kept by its meter provider, which waits for
/// the whole time-out of a request.
fn finish(export: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || {
        export();
        let _nobody_waits = done.send(());
    });
    let _late = finished.recv_timeout(LAST_EXPORT);
}
