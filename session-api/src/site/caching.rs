//! How long a file of the site may be kept.

use actix_web::http::header::HeaderValue;

/// A file whose name changes with what it holds.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Any other: it is asked for each time, and mostly answered 304.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

/// Length of the hash that Vite puts into names: `assets/NAME-HASH.EXTENSION`.
const HASH: usize = 8;

/// For the file at this path.
pub(super) fn of(path: &str) -> HeaderValue {
    if has_hash(path) { FOR_EVER } else { ASK }
}

fn has_hash(path: &str) -> bool {
    let Some((directory, name)) = path.rsplit_once('/') else { return false };
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let Some((start, hash)) = stem.split_at_checked(stem.len().saturating_sub(HASH)) else { return false };
    directory.split('/').any(|part| part == "assets")
        && start.ends_with('-')
        && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        // A word, as in theme-darkmode.css, is no hash; a hash that looks like one only costs a question.
        && !hash.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        let cases = [
            ("/assets/index-DiwrgTda.js", true),
            ("/assets/index-B-x3_K1a.css", true),
            ("/assets/index-12345678.js.map", true),
            ("/site/assets/globe.worker-Ab3dEf9h.js", false),
            ("/site/assets/globe-Ab3dEf9h.js", true),
            ("/assets/theme-darkmode.css", false),
            ("/assets/short-Ab3.css", false),
            ("/assets/Ab3dEf9h.css", false),
            ("/assets/index.js", false),
            ("/index-DiwrgTda.js", false),
            ("/index.html", false),
            ("/assets/é-öüäßñçøå.js", false),
            ("/assets/", false),
            ("", false),
        ];
        for (path, expected) in cases {
            assert_eq!(has_hash(path), expected, "{path}");
        }
    }
}
