//! Which language a client is answered in.
//!
//! This is RFC 4647's lookup over [`Language::ALL`] with English as the default. Each of those is the only one of its
//! primary language, and one that we have in a regional form serves its whole family (`pt` and `pt-PT` get `pt-BR`,
//! `zh-TW` gets `zh-CN`); cutting a range's subtags from the right until something matches is therefore the same as
//! comparing primary subtags.

use actix_web::http::header::LanguageTag;
use listening_together_proto::Language;

use super::{MAX_ELEMENTS, weighted};

/// What a client gets that names no language of ours.
pub const DEFAULT_LANGUAGE: Language = Language::En;

/// The longest tag that is looked at. RFC 5646 (4.4.1) asks for 35; registered and extended ones stay far below this.
const MAX_TAG_BYTES: usize = 100;

/// A text is not a well-formed language tag (BCP 47).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "lang must be a well-formed BCP 47 language tag of at most {MAX_TAG_BYTES} bytes, such as en or pt-BR"
)]
pub struct MalformedTag;

/// The language for an explicit tag; the default one for a well-formed tag of a language that we do not have.
///
/// The grammar has room for languages of four to eight letters, of which there are none; `null` and `true` are no tags.
///
/// # Errors
/// When the tag is malformed.
pub fn language_for_tag(tag: &str) -> Result<Language, MalformedTag> {
    if let Some(language) = Language::from_tag(tag) {
        return Ok(language);
    }
    let is_word = tag.bytes().take_while(u8::is_ascii_alphabetic).count() > 3;
    if tag.len() > MAX_TAG_BYTES || is_word || LanguageTag::parse(tag).is_err() {
        return Err(MalformedTag);
    }
    Ok(lookup(tag).unwrap_or(DEFAULT_LANGUAGE))
}

/// The language for the values of `Accept-Language`: the first of those that the client likes best.
///
/// `*` stands for whatever we choose, so that it changes nothing. What `q=0` excludes is not chosen for another range,
/// but the default is: an answer in the wrong language is better than none. Malformed parts are passed over, and so is
/// what stands after the first 100: a header costs no more than its length.
pub fn language_for_accept<'a>(values: impl Iterator<Item = &'a str> + Clone) -> Language {
    let ranges = values.flat_map(|value| value.split(',')).take(MAX_ELEMENTS).filter_map(weighted);
    // Hardly anyone excludes anything: nobody else pays for it.
    let excludes = ranges.clone().any(|(_, q)| q == 0);
    let is_excluded = |language| {
        excludes && ranges.clone().filter(|(_, q)| *q == 0).any(|(range, _)| covers(range, language))
    };
    let mut best = (0, DEFAULT_LANGUAGE);
    for (range, q) in ranges.clone() {
        // A strict comparison: of equals, the first wins.
        if q > best.0
            && let Some(language) = lookup(range)
            && !is_excluded(language)
        {
            best = (q, language);
        }
    }
    best.1
}

/// The language of ours whose primary subtag is that of `range`.
fn lookup(range: &str) -> Option<Language> {
    let primary = |tag: &'static str| tag.split('-').next().unwrap_or(tag);
    let wanted = range.split('-').next()?;
    Language::ALL.into_iter().find(|language| primary(language.tag()).eq_ignore_ascii_case(wanted))
}

/// Whether `language` is `range` or a part of it (basic filtering, RFC 4647 section 3.3.1).
fn covers(range: &str, language: Language) -> bool {
    let tag = language.tag();
    let start = tag.get(..range.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(range))
        && matches!(tag.as_bytes().get(range.len()), None | Some(b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tag_gets_its_language_its_family_or_the_default() {
        let cases = [
            ("pt-BR", "pt-BR"),
            ("PT-br", "pt-BR"),
            ("pt", "pt-BR"),
            ("pt-PT", "pt-BR"),
            ("zh", "zh-CN"),
            ("zh-TW", "zh-CN"),
            ("zh-Hant-HK", "zh-CN"),
            ("es-419", "es"),
            ("de-AT-1996", "de"),
            ("en-x-twain", "en"),
            ("ja-u-ca-japanese", "ja"),
            ("nl", "en"),
            ("pap", "en"),
            ("x-de", "en"),
            ("i-klingon", "en"),
        ];
        for (tag, expected) in cases {
            assert_eq!(language_for_tag(tag).map(Language::tag), Ok(expected), "{tag}");
        }
    }

    #[test]
    fn malformed_tags_are_refused() {
        let long = format!("en-x-{}", ["twain"; 20].join("-"));
        for tag in [
            "null",
            "true",
            "german-DE",
            "",
            "*",
            "e",
            "en-",
            "-en",
            "en--GB",
            "en_GB",
            "12",
            "en;q=1",
            "en-abcdefghi",
            "dé",
            " en",
            &long,
        ] {
            assert_eq!(language_for_tag(tag), Err(MalformedTag), "{tag:?}");
        }
    }

    #[test]
    fn accept_language() {
        let cases = [
            ("nothing", vec![], "en"),
            ("one", vec!["fr"], "fr"),
            ("a browser's", vec!["de-CH,de;q=0.9,en;q=0.8"], "de"),
            ("order does not matter", vec!["en;q=0.5, ja;q=0.9"], "ja"),
            ("of equals the first", vec!["ru, fr"], "ru"),
            ("the first that we have", vec!["nl, da;q=0.9, ru;q=0.3"], "ru"),
            ("families", vec!["zh-TW, en;q=0.9"], "zh-CN"),
            ("european portuguese", vec!["pt-PT"], "pt-BR"),
            ("latin american spanish", vec!["es-419,es;q=0.9"], "es"),
            ("anything", vec!["*"], "en"),
            ("anything is passed over", vec!["*, fr;q=0.1"], "fr"),
            ("several lines", vec!["nl", "fr;q=0.4, ja;q=0.6"], "ja"),
            ("excluded", vec!["de;q=0, de-AT, fr;q=0.1"], "fr"),
            ("an excluded family", vec!["pt;q=0, pt-PT, fr;q=0.1"], "fr"),
            ("an excluded region is another", vec!["de-AT;q=0, de;q=0.5, fr;q=0.1"], "de"),
            ("all excluded", vec!["en;q=0, *;q=0"], "en"),
            ("spaces and capitals", vec!["  NL , FR ; Q=0.7 ,"], "fr"),
            (
                "malformed weights",
                vec!["de;q=2, fr;q=0.0001, ja;q=-1, es;level=1, ru;q=0.1;x=y, zh;q=0.001"],
                "zh-CN",
            ),
            ("nonsense", vec![",;=,,q=1;;"], "en"),
        ];
        for (name, values, expected) in cases {
            assert_eq!(language_for_accept(values.into_iter()).tag(), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_survived(text in "[\\x00-\\x7f]{0,40}|\\PC{0,20}|([a-z*-]{1,5};q=[01.]{1,5},){0,6}") {
            language_for_accept(std::iter::once(text.as_str()));
            // A tag that is accepted is one that RFC 5646 could have produced.
            if language_for_tag(&text).is_ok() {
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
            }
        }

        #[test]
        fn a_language_of_ours_gets_itself(language in prop::sample::select(&Language::ALL)) {
            prop_assert_eq!(language_for_tag(&language.tag().to_ascii_lowercase()), Ok(language));
            prop_assert_eq!(language_for_accept(std::iter::once(language.tag())), language);
        }
    }
}
