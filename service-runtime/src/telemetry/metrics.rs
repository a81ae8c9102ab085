//! Metrics: one set of instruments, scraped by Prometheus and pushed by OTLP.

use std::sync::Arc;

use opentelemetry::metrics::{Counter, Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus::{Encoder, TextEncoder};

use super::{finish, otlp};
use crate::service::ServiceError;

/// The metrics of a service: instruments are made from [`Metrics::meter`], and [`Metrics::render`] is what Prometheus
/// scrapes. Where an endpoint is set they are pushed too, for the last time when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Metrics {
    provider: Arc<Provider>,
    registry: prometheus::Registry,
    service: &'static str,
}

/// Ends the export with itself.
#[derive(Debug)]
struct Provider(SdkMeterProvider);

impl Metrics {
    /// The metrics of the service called `service`. Needs a tokio runtime where an endpoint is set.
    ///
    /// # Errors
    /// When a setting of the export is wrong.
    pub fn new(service: &'static str) -> Result<Self, ServiceError> {
        let part = |error| ServiceError::part("metrics", error);
        let registry = prometheus::Registry::new();
        // The exporter would otherwise put labels of the scope on every series.
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(part)?;
        let mut provider =
            SdkMeterProvider::builder().with_reader(exporter).with_resource(otlp::resource(service));
        if let Some(exporter) = otlp::metric_exporter()? {
            provider = provider.with_reader(PeriodicReader::builder(exporter).build());
        }
        Ok(Self { provider: Arc::new(Provider(provider.build())), registry, service })
    }

    /// Makes instruments.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.provider.0.meter(self.service)
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

/// Shows a counter from the start: one that first appears with a 1 has no rate for Prometheus, which has not seen it rise.
#[must_use]
pub fn from_zero(counter: Counter<u64>) -> Counter<u64> {
    counter.add(0, &[]);
    counter
}

impl Drop for Provider {
    fn drop(&mut self) {
        let provider = self.0.clone();
        finish(move || {
            let _best_effort = provider.shutdown();
        });
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
