//! Which content coding a client is answered in (RFC 9110, section 12.5.3).

use super::{MAX_ELEMENTS, weighted};
use crate::coding::Coding;

/// The coding for the values of `Accept-Encoding`: of those that there are and that the client likes best, the first of
/// [`Coding::ALL`].
///
/// A body that is not coded will do unless it is excluded, by `identity;q=0` or by `*;q=0`; it is liked least when the
/// client does not mention it, and is what a client gets that sends no such header. `None` when nothing will do: that
/// is 406.
pub fn coding_for_accept<'a>(
    values: impl Iterator<Item = &'a str>,
    is_there: impl Fn(Coding) -> bool,
) -> Option<Coding> {
    let (mut weights, mut any) = ([None; Coding::ALL.len()], None);
    for (token, q) in values.flat_map(|value| value.split(',')).take(MAX_ELEMENTS).filter_map(weighted) {
        if token == "*" {
            any = any.max(Some(q));
        } else if let Some(coding) = Coding::from_token(token) {
            let weight = &mut weights[coding as usize];
            *weight = (*weight).max(Some(q));
        }
    }
    let weight = |coding: Coding| weights[coding as usize].or(any);
    // Of equals `max_by_key` gives the last.
    let liked = Coding::ALL.into_iter().rev().filter(|coding| is_there(*coding) && weight(*coding) > Some(0));
    let unmentioned = || weight(Coding::Identity).is_none().then_some(Coding::Identity);
    liked.max_by_key(|coding| weight(*coding)).or_else(unmentioned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_client_gets_what_it_likes_best() {
        let cases: [(&str, &[&str], Option<&str>); 27] = [
            ("no header", &[], Some("identity")),
            ("an empty header", &[""], Some("identity")),
            ("a browser", &["gzip, deflate, br, zstd"], Some("br")),
            ("an older browser", &["gzip, deflate"], Some("gzip")),
            ("curl --compressed", &["deflate, gzip, br, zstd"], Some("br")),
            ("one", &["zstd"], Some("zstd")),
            ("of equals ours", &["gzip;q=0.5, zstd;q=0.5"], Some("zstd")),
            ("a better one", &["br;q=0.8, gzip;q=1.0"], Some("gzip")),
            ("several lines", &["br;q=0.1", "gzip;q=0.2"], Some("gzip")),
            ("an unknown one", &["compress, deflate"], Some("identity")),
            ("identity is liked best", &["gzip;q=0.5, identity"], Some("identity")),
            ("identity is liked less", &["gzip;q=0.5, identity;q=0.1"], Some("gzip")),
            ("unmentioned is least", &["gzip;q=0.001"], Some("gzip")),
            ("anything", &["*"], Some("br")),
            ("anything but one", &["*, br;q=0"], Some("zstd")),
            ("anything else", &["gzip, *;q=0.5"], Some("gzip")),
            ("anything, identity less", &["*;q=0.5, identity;q=0.1"], Some("br")),
            ("nothing else", &["gzip, *;q=0"], Some("gzip")),
            ("only identity", &["identity, *;q=0"], Some("identity")),
            ("one is excluded", &["br;q=0"], Some("identity")),
            ("identity is excluded", &["identity;q=0"], None),
            ("identity is excluded, one will do", &["identity;q=0, gzip;q=0.1"], Some("gzip")),
            ("everything is excluded", &["*;q=0"], None),
            ("an unknown one and nothing else", &["deflate, *;q=0"], None),
            ("another case and spaces", &[" GZIP ; Q=0.5 , Br;q=0.4 "], Some("gzip")),
            ("the old name", &["x-gzip"], Some("gzip")),
            ("a malformed weight is passed over", &["br;q=2, gzip"], Some("gzip")),
        ];
        for (name, values, expected) in cases {
            let coding = coding_for_accept(values.iter().copied(), |_| true);
            assert_eq!(coding.map(Coding::token), expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_there_is_chosen() {
        let plain_or_gzip = |coding| matches!(coding, Coding::Gzip | Coding::Identity);
        for (accepted, expected) in
            [("br, gzip;q=0.1", Some("gzip")), ("br", Some("identity")), ("br, identity;q=0", None)]
        {
            let coding = coding_for_accept(std::iter::once(accepted), plain_or_gzip);
            assert_eq!(coding.map(Coding::token), expected, "{accepted}");
        }
    }

    proptest! {
        #[test]
        fn what_is_excluded_is_not_sent(
            text in "((br|zstd|gzip|identity|\\*|deflate)(;q=(0|1|0\\.[0-9]{1,3}))?, ?){0,6}|\\PC{0,20}",
        ) {
            let chosen = coding_for_accept(std::iter::once(text.as_str()), |_| true);
            for excluded in Coding::ALL {
                let last_word = format!("{text},{}", excluded.token());
                let alone = format!("{};q=0", excluded.token());
                prop_assert_ne!(coding_for_accept(std::iter::once(alone.as_str()), |_| true), Some(excluded));
                prop_assert!(coding_for_accept(std::iter::once(last_word.as_str()), |_| true).is_some());
            }
            if !text.contains("q=0") {
                prop_assert!(chosen.is_some(), "nothing is excluded");
            }
        }
    }
}
