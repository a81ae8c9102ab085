//! Log lines.
//!
//! A line is a sentence that stands alone, in lower case, with its numbers as fields that bear their unit. In JSON, a line
//! that is written within a span bears the ids of its trace (`openTelemetry.traceId` and `.spanId`).

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::settings::{CommonSettings, LogFormat, SettingError};

/// Writes log lines to standard error.
///
/// # Errors
/// When `RUST_LOG` is not a filter.
pub fn layer<S>(settings: &CommonSettings) -> Result<Box<dyn Layer<S> + Send + Sync>, SettingError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = levels(&settings.rust_log)?;
    Ok(match settings.log_format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            // Spans are for traces: a line would begin with all fields of those around it.
            .with_filter(filter.and(filter_fn(|metadata| metadata.is_event())))
            .boxed(),
        LogFormat::Json => {
            let mut layer = json_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_opentelemetry_ids(true);
            let severity = |event: &Event<'_>, _: &Context<'_, S>| Some(severity(*event.metadata().level()));
            layer.inner_layer_mut().add_dynamic_field("severity", severity);
            layer.with_filter(filter).boxed()
        }
    })
}

/// The level as Google's Cloud Logging calls it, which takes a line on standard error without one for an error.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// Which lines are written. tracing-subscriber's `EnvFilter` could also choose by spans and what is in their fields, which
/// no line of ours needs, for the price of a library of regular expressions in memory.
pub(super) fn levels(rust_log: &str) -> Result<Targets, SettingError> {
    rust_log.parse().map_err(|_| {
        let problem = "expected a level such as info, or levels by target such as info,pipeline=debug";
        SettingError::new("RUST_LOG", problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_chosen_by_level_and_target() {
        let cases = [
            ("warn", "pipeline", Level::INFO, false),
            ("info,h2=debug", "h2::codec", Level::DEBUG, true),
            ("info,h2=debug", "pipeline", Level::DEBUG, false),
            ("info,actix_http=off", "actix_http::h1", Level::ERROR, false),
            ("off", "pipeline", Level::ERROR, false),
        ];
        for (rust_log, target, level, expected) in cases {
            assert_eq!(
                levels(rust_log).unwrap().would_enable(target, &level),
                expected,
                "{rust_log}: {target}"
            );
        }
        for rust_log in ["info,h2=loud", "a=b=c"] {
            let error = levels(rust_log).unwrap_err().to_string();
            assert!(
                error.contains("RUST_LOG") && error.contains("info,pipeline=debug"),
                "{rust_log}: {error}"
            );
        }
    }
}
