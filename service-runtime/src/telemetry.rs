//! Log lines and metrics.
//!
//! A log line is a sentence that stands alone, in lower case, with its numbers as fields that bear their unit. No line
//! and no metric carries an IP address, a user id or a message's payload.

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, TextEncoder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::settings::{CommonSettings, LogFormat, SettingError};

/// Writes log lines to standard error from now on.
///
/// # Errors
/// When `RUST_LOG` is not a filter, or when the process has a log already.
pub fn start_logs(settings: &CommonSettings) -> Result<(), SettingError> {
    let filter = EnvFilter::try_new(&settings.rust_log).map_err(|_| {
        let problem = "expected a level such as info, or directives such as info,pipeline=debug";
        SettingError::new("RUST_LOG", problem)
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started: Result<(), TryInitError> = match settings.log_format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| SettingError::new("LOG_FORMAT", error))
}

/// The metrics of a service: instruments are made from [`Metrics::meter`], and [`Metrics::render`] is what Prometheus
/// scrapes.
#[derive(Clone, Debug)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: prometheus::Registry,
    service: &'static str,
}

impl Metrics {
    /// The metrics of the service called `service`.
    ///
    /// # Errors
    /// When the exporter cannot register itself.
    pub fn new(service: &'static str) -> Result<Self, opentelemetry_sdk::error::OTelSdkError> {
        let registry = prometheus::Registry::new();
        // The exporter would otherwise put labels of the scope on every series.
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()?;
        let resource = Resource::builder().with_service_name(service).build();
        let provider = SdkMeterProvider::builder().with_reader(exporter).with_resource(resource).build();
        Ok(Self { provider, registry, service })
    }

    /// Makes instruments.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.provider.meter(self.service)
    }

    /// All series in Prometheus' text format.
    ///
    /// # Errors
    /// When a series cannot be encoded.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruments_are_rendered_with_their_help() {
        let metrics = Metrics::new("test").unwrap();
        let plays = metrics.meter().u64_counter("plays_received").with_description("Plays").build();
        plays.add(3, &[]);
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(text.contains("# HELP plays_received_total Plays"), "{text}");
        assert!(text.contains("plays_received_total 3"), "{text}");
        assert!(!text.contains("otel_scope"), "{text}");
    }
}
