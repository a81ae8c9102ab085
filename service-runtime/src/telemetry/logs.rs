//! Log lines.
//!
//! A line is a sentence that stands alone, in lower case, with its numbers as fields that bear their unit. In JSON, a line
//! that is written within a span bears the ids of its trace (`openTelemetry.traceId` and `.spanId`).

use tracing::Subscriber;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::settings::{CommonSettings, LogFormat, SettingError};

/// Writes log lines to standard error.
///
/// # Errors
/// When `RUST_LOG` is not a filter.
pub fn layer<S>(settings: &CommonSettings) -> Result<Box<dyn Layer<S> + Send + Sync>, SettingError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::try_new(&settings.rust_log).map_err(|_| {
        let problem = "expected a level such as info, or directives such as info,pipeline=debug";
        SettingError::new("RUST_LOG", problem)
    })?;
    Ok(match settings.log_format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            // Spans are for traces: a line would begin with all fields of those around it.
            .with_filter(filter.and(filter_fn(|metadata| metadata.is_event())))
            .boxed(),
        LogFormat::Json => json_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_opentelemetry_ids(true)
            .with_filter(filter)
            .boxed(),
    })
}
