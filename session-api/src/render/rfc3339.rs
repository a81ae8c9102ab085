//! Instants as RFC 3339 writes them: UTC, milliseconds, `Z`.

use std::fmt;

use listening_together_proto::Timestamp;
use serde::{Serialize, Serializer};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// An instant that is written as `2026-11-24T09:00:05.000Z`.
///
/// Own code, because the usual formatters refuse, or panic at, years before 1970, which a message may carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rfc3339(pub(super) Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let (year, month, day) = civil_from_days(millis.div_euclid(MILLIS_PER_DAY));
        let of_day = millis.rem_euclid(MILLIS_PER_DAY);
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, millis) = (of_day / 1000 % 60, of_day % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last of its year, in eras of 400 years, after which the
/// calendar repeats.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    const DAYS_FROM_0000_03_01: i64 = 719_468;
    const DAYS_PER_ERA: i64 = 146_097;
    let days = days + DAYS_FROM_0000_03_01;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn known_instants() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_510_805_000, "2026-11-24T09:00:05.000Z"),
            (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ];
        for (millis, expected) in cases {
            assert_eq!(Rfc3339(Timestamp::from_millis(millis)).to_string(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_humantime(millis in 0u32..u32::MAX, days in 0u64..2_900_000) {
            let millis = u64::from(millis) + days * 86_400_000;
            let expected = humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(millis));
            let time = Timestamp::from_millis(i64::try_from(millis).unwrap());
            proptest::prop_assert_eq!(Rfc3339(time).to_string(), expected.to_string());
        }
    }
}
