//! Spans and instants, with the ranges that Google documents.

use std::{ops::RangeInclusive, time::Duration};

use crate::broker::{BrokerError, UnixMillis};

/// The ack deadline of a subscription or a stream.
const ACK_DEADLINE_SECONDS: RangeInclusive<u64> = 10..=600;

/// Reads the ack deadline of a subscription; 0 means the default of 10 s.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] outside 10 to 600 s.
pub(crate) fn ack_deadline(seconds: i32) -> Result<Duration, BrokerError> {
    if seconds == 0 {
        return Ok(Duration::from_secs(10));
    }
    in_range("ack_deadline_seconds", seconds, &ACK_DEADLINE_SECONDS)
}

/// Reads the ack deadline of a stream, which its first request must have.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] outside 10 to 600 s.
pub(crate) fn stream_deadline(seconds: i32) -> Result<Duration, BrokerError> {
    in_range("stream_ack_deadline_seconds", seconds, &ACK_DEADLINE_SECONDS)
}

/// Reads a span of a resource, checked against a range of seconds.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] outside the range, naming `field`.
pub(crate) fn span(
    field: &str,
    value: &prost_types::Duration,
    seconds: &RangeInclusive<u64>,
) -> Result<Duration, BrokerError> {
    let parsed = Duration::try_from(*value).ok();
    let valid = |span: &Duration| {
        *span >= Duration::from_secs(*seconds.start()) && *span <= Duration::from_secs(*seconds.end())
    };
    parsed.filter(valid).ok_or_else(|| out_of_range(field, value, seconds))
}

/// A span as the wire has it.
pub(crate) fn render_span(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default(),
    }
}

/// Reads an instant, rounded up to the milliseconds of publish times: what was published before it stays
/// before it.
pub(crate) fn unix_millis(at: &prost_types::Timestamp) -> UnixMillis {
    let millis = i64::from(at.nanos).saturating_add(999_999).div_euclid(1_000_000);
    UnixMillis::from_millis(at.seconds.saturating_mul(1000).saturating_add(millis))
}

fn in_range(field: &str, seconds: i32, range: &RangeInclusive<u64>) -> Result<Duration, BrokerError> {
    match u64::try_from(seconds) {
        Ok(valid) if range.contains(&valid) => Ok(Duration::from_secs(valid)),
        _ => Err(out_of_range(field, seconds, range)),
    }
}

fn out_of_range(field: &str, value: impl std::fmt::Display, range: &RangeInclusive<u64>) -> BrokerError {
    BrokerError::InvalidArgument(format!(
        "Invalid {field} given ({field}={value}): it must be between {} and {} seconds.",
        range.start(),
        range.end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ack_deadlines_have_a_default_and_a_range() {
        let cases = [(0, Some(10)), (10, Some(10)), (600, Some(600)), (9, None), (601, None), (-1, None)];
        for (seconds, expected) in cases {
            assert_eq!(ack_deadline(seconds).ok().map(|span| span.as_secs()), expected, "{seconds}");
        }
        assert!(stream_deadline(10).is_ok() && stream_deadline(0).is_err() && stream_deadline(9).is_err());
    }

    #[test]
    fn instants_round_up_to_milliseconds() {
        let cases =
            [((0, 0), 0), ((0, 1), 1), ((0, 1_000_000), 1), ((1, 999_000_001), 2000), ((-1, 0), -1000)];
        for ((seconds, nanos), expected) in cases {
            let at = prost_types::Timestamp { seconds, nanos };
            assert_eq!(unix_millis(&at).as_millis(), expected, "{at}");
        }
    }
}
