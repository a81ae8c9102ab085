//! Milliseconds since the epoch and protobuf timestamps.

use prost_types::Timestamp;

/// The range that protobuf gives a timestamp: from the year 1 to the year 9999, with nanoseconds that count forward.
pub(super) fn is_valid(timestamp: &Timestamp) -> bool {
    (-62_135_596_800..=253_402_300_799).contains(&timestamp.seconds)
        && (0..1_000_000_000).contains(&timestamp.nanos)
}

/// Floored: nanoseconds count forward from the second, also before the epoch.
pub(super) fn to_ms(timestamp: &Timestamp) -> i64 {
    timestamp.seconds * 1_000 + i64::from(timestamp.nanos) / 1_000_000
}

pub(super) fn from_ms(ms: i64) -> Timestamp {
    Timestamp { seconds: ms.div_euclid(1_000), nanos: (ms.rem_euclid(1_000) * 1_000_000) as i32 }
}

/// As in the HTTP answers: `2026-11-24T09:00:05.000Z`.
pub(super) fn to_text(ms: i64) -> String {
    let whole_seconds = from_ms(ms.div_euclid(1_000) * 1_000).to_string();
    format!("{}.{:03}Z", whole_seconds.trim_end_matches('Z'), ms.rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_floored_milliseconds() {
        for (name, seconds, nanos, ms, text) in [
            ("epoch", 0, 0, 0, "1970-01-01T00:00:00.000Z"),
            ("last nanosecond of a millisecond", 1, 499_999_999, 1_499, "1970-01-01T00:00:01.499Z"),
            ("last millisecond before the epoch", -1, 999_000_000, -1, "1969-12-31T23:59:59.999Z"),
            ("today", 1_795_510_805, 0, 1_795_510_805_000, "2026-11-24T09:00:05.000Z"),
        ] {
            let timestamp = Timestamp { seconds, nanos };
            assert_eq!(to_ms(&timestamp), ms, "{name}");
            assert_eq!(to_ms(&from_ms(ms)), ms, "{name}");
            assert_eq!(to_text(ms), text, "{name}");
            assert!(is_valid(&timestamp), "{name}");
        }
    }

    #[test]
    fn what_is_no_timestamp() {
        for (name, seconds, nanos) in [
            ("negative nanoseconds", 1, -1),
            ("a second of nanoseconds", 1, 1_000_000_000),
            ("year 10000", 253_402_300_800, 0),
            ("year 0", -62_135_596_801, 0),
        ] {
            assert!(!is_valid(&Timestamp { seconds, nanos }), "{name}");
        }
    }
}
