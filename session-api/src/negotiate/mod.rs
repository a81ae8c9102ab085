//! What a client is answered in, of what we have: plain rules, without HTTP types.

pub mod coding;
pub mod language;

/// So many elements of a header's list are looked at; browsers send a handful. A header costs no more than its length.
const MAX_ELEMENTS: usize = 100;

/// One element of a list with weights, `name;q=0.5`: the name, and the weight in thousandths (1000 without one).
fn weighted(element: &str) -> Option<(&str, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let Some(weight) = parts.next() else { return Some((name, 1000)) };
    let (key, value) = weight.split_once('=')?;
    if parts.next().is_some() || !key.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    Some((name, thousandths(value.trim())?))
}

/// `0`, `1`, or a fraction between them with at most three digits, in thousandths.
fn thousandths(value: &str) -> Option<u16> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let places = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let fraction = places.fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_three_decimals_at_most() {
        let cases = [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.123", Some(123)),
            ("1.000", Some(1000)),
            ("1.001", None),
            ("0.1234", None),
            ("2", None),
            (".5", None),
            ("", None),
            ("NaN", None),
            ("1e0", None),
        ];
        for (text, expected) in cases {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}
