//! Entity tags: making them, and comparing them with what a client already has (RFC 9110, sections 8.8.3 and 13.1.2).

use xxhash_rust::xxh3::xxh3_128;

/// The strong tag of a representation: a hash of its bytes as they are sent, so that it is the same on every replica,
/// and what else tells it from the others (language and coding, since two languages may well have the same bytes).
#[must_use]
pub fn strong(body: &[u8], variant: &str) -> String {
    format!("\"{:032x}-{variant}\"", xxh3_128(body))
}

/// Whether one of the values of `If-None-Match` names `etag`, so that the client need not be sent it again.
///
/// The comparison is weak: proxies that recompress an answer mark its tag as weak. `*` matches everything. From the
/// first malformed place of a value on, it is not looked at.
pub fn none_match<'a>(mut values: impl Iterator<Item = &'a str>, etag: &str) -> bool {
    values.any(|value| value.trim() == "*" || opaque_tags(value).any(|tag| tag == etag))
}

/// The tags of a list, in their quotes, without the marks of weakness. A comma may also stand inside a tag.
fn opaque_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let start = rest.trim_start_matches([' ', '\t', ',']);
        let start = start.strip_prefix("W/").unwrap_or(start);
        let end = start.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = start.split_at(end);
        let after = after.trim_start_matches([' ', '\t']);
        rest = if after.starts_with(',') { after } else { "" };
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_depend_on_bytes_and_variant_only() {
        let tag = strong(b"body", "pt-BR-br");
        assert_eq!(tag, strong(b"body", "pt-BR-br"));
        assert!(tag.starts_with('"') && tag.ends_with("-pt-BR-br\""), "{tag}");
        assert_ne!(tag, strong(b"body", "en-br"));
        assert_ne!(tag, strong(b"other", "pt-BR-br"));
    }

    #[test]
    fn if_none_match() {
        let cases: [(&str, &[&str], bool); 16] = [
            ("absent", &[], false),
            ("the same", &[r#""a""#], true),
            ("another", &[r#""b""#], false),
            ("weak", &[r#"W/"a""#], true),
            ("anything", &["*"], true),
            ("anything, with spaces", &[" * "], true),
            ("a list", &[r#""x", "a""#], true),
            ("a list of weak ones without spaces", &[r#"W/"x",W/"a""#], true),
            ("a list without it", &[r#""x", "y""#], false),
            ("several lines", &[r#""x""#, r#""a""#], true),
            ("a comma inside a tag", &[r#""x,"a",y""#], false),
            ("a comma inside another tag", &[r#""x,y", "a""#], true),
            ("without quotes", &["a"], false),
            ("a star in a list is a tag without quotes", &[r#""x", *"#], false),
            ("unclosed", &[r#""a"#], false),
            ("small w", &[r#"w/"a""#], false),
        ];
        for (name, values, expected) in cases {
            assert_eq!(none_match(values.iter().copied(), r#""a""#), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_survived(text in "[ ,W/\"*a-c]{0,30}|\\PC{0,20}") {
            none_match(std::iter::once(text.as_str()), "\"a\"");
        }

        #[test]
        fn a_tag_is_found_wherever_it_stands(
            mut tags in prop::collection::vec("(W/)?\"[a-z,]{0,5}\"", 0..6), position in 0usize..6,
        ) {
            tags.insert(position.min(tags.len()), "W/\"needle\"".to_owned());
            prop_assert!(none_match(std::iter::once(tags.join(", ").as_str()), "\"needle\""));
        }
    }
}
