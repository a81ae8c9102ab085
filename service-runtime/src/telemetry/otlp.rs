//! The export by OTLP, by OpenTelemetry's standard settings.
//!
//! Off unless `OTEL_EXPORTER_OTLP_ENDPOINT`, or that of a signal (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`,
//! `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`), is set; `OTEL_SDK_DISABLED=true` turns all of it off, and
//! `OTEL_TRACES_EXPORTER=none` and `OTEL_METRICS_EXPORTER=none` a signal. gRPC is the one protocol spoken. Headers,
//! time-outs, sampling (`OTEL_TRACES_SAMPLER`), intervals (`OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_BSP_*`), the service's name
//! (`OTEL_SERVICE_NAME`) and `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK itself, from the environment alone: they are
//! standard, and no settings of ours.

use std::ffi::OsString;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use super::finish;
use crate::explain::{EffectiveSetting, SettingSource};
use crate::settings::{NOT_SHOWN, SettingError};

/// What spans are of: our own crates. The clients of Pub/Sub and of the collector make spans of every step of a
/// connection; those of the collector's would make new ones when they are sent, for ever.
const OURS: [&str; 3] = ["pipeline", "session_api", "service_runtime"];

/// A kind of telemetry, as the standard settings name it.
#[derive(Clone, Copy, Debug)]
enum Signal {
    Traces,
    Metrics,
}

/// The export of spans; ends when it is dropped.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// `None` when traces are not to be sent.
    pub(super) fn from_environment(service: &str) -> Result<Option<Self>, SettingError> {
        if !is_on(Signal::Traces, variable)? {
            return Ok(None);
        }
        let exporter = SpanExporter::builder().with_tonic().build().map_err(wrong_endpoint)?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource(service))
            .build();
        Ok(Some(Self { provider }))
    }

    /// Makes spans of `tracing` into those that are sent.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer: Tracer = self.provider.tracer("listening-together");
        // Threads and lines of the source would be half of each span.
        OpenTelemetryLayer::new(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(FilterFn::new(is_ours).with_max_level_hint(LevelFilter::INFO))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let provider = self.provider.clone();
        finish(move || {
            let _best_effort = provider.shutdown();
        });
    }
}

/// `None` when metrics are not to be pushed.
pub(super) fn metric_exporter() -> Result<Option<MetricExporter>, SettingError> {
    if !is_on(Signal::Metrics, variable)? {
        return Ok(None);
    }
    MetricExporter::builder().with_tonic().build().map(Some).map_err(wrong_endpoint)
}

/// OpenTelemetry's settings among these variables of the environment, by name; all of them are set. The values of headers, which
/// may be credentials, are not told.
pub(crate) fn settings(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<EffectiveSetting> {
    let text = |text: &OsString| text.to_string_lossy().into_owned();
    let variables = variables.into_iter().map(|(name, value)| (text(&name), text(&value)));
    let mut settings: Vec<_> = variables
        .filter(|(name, _)| name.starts_with("OTEL_"))
        .map(|(name, value)| {
            let value = if name.ends_with("_HEADERS") { NOT_SHOWN.to_owned() } else { value };
            EffectiveSetting { name, value: Some(value), source: SettingSource::Environment }
        })
        .collect();
    settings.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    settings
}

/// What would be sent; nobody is spoken to.
pub(super) fn check() -> Result<String, SettingError> {
    let traces = is_on(Signal::Traces, variable)?;
    if traces {
        let _well_formed = SpanExporter::builder().with_tonic().build().map_err(wrong_endpoint)?;
    }
    let metrics = metric_exporter()?.is_some();
    Ok(match (traces, metrics) {
        (true, true) => "traces and metrics are sent",
        (true, false) => "traces are sent",
        (false, true) => "metrics are sent",
        (false, false) => "nothing is sent, metrics are served on /metrics alone",
    }
    .to_owned())
}

/// Who sends: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over `service`.
pub(super) fn resource(service: &str) -> Resource {
    let told = Resource::builder().build();
    let named = variable("OTEL_SERVICE_NAME").is_some()
        || variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|text| text.contains("service.name="));
    if named { told } else { Resource::builder().with_service_name(service.to_owned()).build() }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    let crate_of = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO && OURS.contains(&crate_of)
}

/// An empty variable counts as unset.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_on(signal: Signal, variable: impl Fn(&str) -> Option<String>) -> Result<bool, SettingError> {
    let name = match signal {
        Signal::Traces => "TRACES",
        Signal::Metrics => "METRICS",
    };
    let is_disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let exporter = format!("OTEL_{name}_EXPORTER");
    let is_chosen = match variable(&exporter).as_deref() {
        None | Some("otlp") => true,
        Some("none") => false,
        Some(_) => return Err(SettingError::new(&exporter, "expected otlp or none")),
    };
    let of_signal = |what: &str| format!("OTEL_EXPORTER_OTLP_{name}_{what}");
    let of_all = |what: &str| format!("OTEL_EXPORTER_OTLP_{what}");
    let is_set = ["ENDPOINT"]
        .iter()
        .any(|what| [of_signal(what), of_all(what)].iter().any(|it| variable(it).is_some()));
    if is_disabled || !is_chosen || !is_set {
        return Ok(false);
    }
    for setting in [of_signal("PROTOCOL"), of_all("PROTOCOL")] {
        if variable(&setting).is_some_and(|value| value != "grpc") {
            return Err(SettingError::new(&setting, "expected grpc, the one protocol that is spoken here"));
        }
    }
    Ok(true)
}

fn wrong_endpoint(error: ExporterBuildError) -> SettingError {
    let hint = "expected a collector's gRPC endpoint, such as http://localhost:4317";
    SettingError::new("OTEL_EXPORTER_OTLP_ENDPOINT", format_args!("{error}; {hint}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn export_is_off_until_there_is_where_to() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4317");
        let cases: [(&str, &[(&str, &str)], Result<[bool; 2], &str>); 10] = [
            ("nothing set", &[], Ok([false, false])),
            ("an endpoint for all", &[endpoint], Ok([true, true])),
            ("one for traces alone", &[of_traces], Ok([true, false])),
            ("the SDK disabled", &[endpoint, ("OTEL_SDK_DISABLED", "TRUE")], Ok([false, false])),
            ("no metrics", &[endpoint, ("OTEL_METRICS_EXPORTER", "none")], Ok([true, false])),
            ("no traces", &[endpoint, ("OTEL_TRACES_EXPORTER", "none")], Ok([false, true])),
            ("gRPC", &[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], Ok([true, true])),
            (
                "a protocol that is not spoken",
                &[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
                Err("OTEL_EXPORTER_OTLP_PROTOCOL: expected grpc"),
            ),
            (
                "of no account while it is off",
                &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
                Ok([false, false]),
            ),
            (
                "an exporter that is not here",
                &[endpoint, ("OTEL_TRACES_EXPORTER", "zipkin")],
                Err("OTEL_TRACES_EXPORTER: expected otlp or none"),
            ),
        ];
        for (name, set, expected) in cases {
            let set: HashMap<_, _> = set.iter().copied().collect();
            let lookup = |name: &str| set.get(name).map(ToString::to_string);
            let found = [Signal::Traces, Signal::Metrics].map(|signal| is_on(signal, lookup));
            match (found, expected) {
                ([Ok(traces), Ok(metrics)], Ok(expected)) => {
                    assert_eq!([traces, metrics], expected, "{name}")
                }
                ([Err(error), _], Err(expected)) => {
                    assert!(error.to_string().starts_with(expected), "{name}: {error}")
                }
                (found, expected) => panic!("{name}: {found:?} instead of {expected:?}"),
            }
        }
    }
}
