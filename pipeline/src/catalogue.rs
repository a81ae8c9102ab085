//! The track catalogue: what title, artists and artwork a track id stands for.
//!
//! Its texts come from other people and are shown to everybody. Where they are read, what could turn the text around them
//! is taken out, and what is longer than a page has room for is cut: one odd title keeps no pipeline from starting.

use std::borrow::Cow;
use std::path::Path;

use hashbrown::HashMap;
use listening_together_proto::{Track, TrackId};

/// The most characters of a title or an artist's name that are shown; the last of them is an ellipsis where there were
/// more.
pub const MAX_TEXT_CHARS: usize = 200;

/// The most artists of a track that are shown: the first.
pub const MAX_ARTISTS: usize = 16;

/// The longest address of a picture that is passed on, in bytes.
pub const MAX_URL_BYTES: usize = 2000;

/// Tracks by id. A track that it does not know is shown by its id alone.
#[derive(Debug, Default)]
pub struct Catalogue {
    tracks: HashMap<Box<str>, Entry>,
    altered: usize,
}

#[derive(Debug)]
struct Entry {
    title: Box<str>,
    /// Joined by `;`, as in the file.
    artists: Box<str>,
    artwork_url: Box<str>,
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read {path} ({source}); expected CSV in UTF-8: track_id,title,artists joined by ;,artwork_url"
)]
pub struct CatalogueError {
    path: String,
    source: csv::Error,
}

impl Catalogue {
    /// Reads a CSV file of `track_id,title,artists,artwork_url`, artists joined by `;`. Columns after the first may be
    /// left out; a first line that names the columns is passed over; of two lines with one id the later stands.
    ///
    /// Titles and names lose control characters and those that override, embed or isolate a direction of writing, and are
    /// cut to [`MAX_TEXT_CHARS`]; there are at most [`MAX_ARTISTS`]. A picture's address stays if it has no other scheme than
    /// http or https and at most [`MAX_URL_BYTES`] bytes.
    ///
    /// # Errors
    /// When the file cannot be read or is no CSV.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        let read = || {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path)?;
            let mut catalogue = Self::default();
            for record in reader.records() {
                let record = record?;
                let field = |index: usize| record.get(index).unwrap_or_default().trim();
                // The line that names the columns, if there is one.
                if field(0) != "track_id" {
                    let (entry, is_altered) = Entry::of(field(1), field(2), field(3));
                    catalogue.altered += usize::from(is_altered);
                    catalogue.tracks.insert(field(0).into(), entry);
                }
            }
            Ok(catalogue)
        };
        read().map_err(|source| CatalogueError { path: path.display().to_string(), source })
    }

    /// The track called `id`, described as far as it is known.
    #[must_use]
    pub fn describe(&self, id: &TrackId) -> Track {
        let entry = self.tracks.get(id.as_str());
        let artists = entry.map_or("", |entry| &entry.artists);
        Track {
            id: id.clone(),
            title: entry.map(|entry| entry.title.clone()).unwrap_or_default(),
            artists: names(artists).map(Into::into).collect(),
            artwork_url: entry.map(|entry| entry.artwork_url.clone()).unwrap_or_default(),
        }
    }

    /// How many tracks it knows.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether it is empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    /// How many lines of the file are not shown quite as they are written.
    #[must_use]
    pub const fn altered(&self) -> usize {
        self.altered
    }
}

impl Entry {
    /// What is shown of a line, and whether that differs from what is written there.
    fn of(title: &str, artists: &str, artwork_url: &str) -> (Self, bool) {
        let is_own = |text: &Cow<'_, str>| matches!(text, Cow::Owned(_));
        let title = shown(title);
        let shown_names: Vec<_> = names(artists).take(MAX_ARTISTS).map(shown).collect();
        let has_shown_picture = is_shown_url(artwork_url);
        let is_altered = is_own(&title)
            || shown_names.iter().any(is_own)
            || names(artists).nth(MAX_ARTISTS).is_some()
            || !has_shown_picture;
        let artwork_url = if has_shown_picture { artwork_url } else { "" };
        let entry = Self {
            title: title.into(),
            artists: shown_names.join(";").into(),
            artwork_url: artwork_url.into(),
        };
        (entry, is_altered)
    }
}

fn names(artists: &str) -> impl Iterator<Item = &str> {
    artists.split(';').map(str::trim).filter(|name| !name.is_empty())
}

/// A text as it is shown.
fn shown(text: &str) -> Cow<'_, str> {
    let is_long = text.chars().nth(MAX_TEXT_CHARS).is_some();
    if !is_long && !text.contains(is_unshown) {
        return Cow::Borrowed(text);
    }
    // A line break parts words.
    let spaced =
        text.replace(|one: char| is_unshown(one) && one.is_whitespace(), " ").replace(is_unshown, "");
    let spaced = spaced.trim();
    match spaced.char_indices().nth(MAX_TEXT_CHARS - 1) {
        Some((end, _)) if spaced.chars().nth(MAX_TEXT_CHARS).is_some() => {
            format!("{}…", &spaced[..end]).into()
        }
        _ => spaced.to_owned().into(),
    }
}

/// Control characters, line and paragraph separators, and those that override, embed or isolate a direction: an isolate that is
/// ended in a title would end the one that a page puts around it.
const fn is_unshown(one: char) -> bool {
    matches!(one, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether an address can be passed on: readers of the API may put it where a browser follows it, and a `javascript:` would
/// be run there.
fn is_shown_url(url: &str) -> bool {
    let before_path = url.split(['/', '?', '#']).next().unwrap_or_default();
    let is_web = ["https:", "http:"].iter().any(|scheme| before_path.eq_ignore_ascii_case(scheme));
    url.len() <= MAX_URL_BYTES
        && !url.contains(|one: char| is_unshown(one) || one.is_whitespace())
        && (is_web || !before_path.contains(':'))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(text: &[u8]) -> Result<Catalogue, CatalogueError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        Catalogue::read(file.path())
    }

    fn describe(catalogue: &Catalogue, id: &str) -> (String, Vec<String>, String) {
        let track = catalogue.describe(&TrackId::new(id).unwrap());
        let artists = track.artists.iter().map(ToString::to_string).collect();
        (track.title.to_string(), artists, track.artwork_url.to_string())
    }

    #[test]
    fn tracks_are_described_as_far_as_they_are_known() {
        let text = "track_id,title,artists,artwork_url\n\
                    a,\"Harbour, Lights\",The Tides; Ana,https://example.org/a.png\n\
                    b,Dunes\n";
        let catalogue = read(text.as_bytes()).unwrap();
        assert_eq!(catalogue.len(), 2);
        let artists = vec!["The Tides".into(), "Ana".into()];
        let artwork = "https://example.org/a.png".to_owned();
        assert_eq!(describe(&catalogue, "a"), ("Harbour, Lights".into(), artists, artwork));
        assert_eq!(describe(&catalogue, "b"), ("Dunes".into(), vec![], String::new()));
        assert_eq!(describe(&catalogue, "c"), (String::new(), vec![], String::new()));
    }

    #[test]
    fn texts_are_shown_without_what_would_turn_a_page_around() {
        let long = "é".repeat(MAX_TEXT_CHARS + 1);
        let cut = format!("{}…", "é".repeat(MAX_TEXT_CHARS - 1));
        let longest = "é".repeat(MAX_TEXT_CHARS);
        let cases = [
            ("as it is", "Beyoncé & ‘نجمة’ 👩\u{200d}🚀", "Beyoncé & ‘نجمة’ 👩\u{200d}🚀"),
            ("an override", "Harbour \u{202e}sthgiL", "Harbour sthgiL"),
            ("the end of an isolate", "\u{2069}Lights\u{2066}", "Lights"),
            ("control characters", "Har\0bour\x1b[1m Lights\u{9b}", "Harbour[1m Lights"),
            ("breaks of lines", "Harbour\nLights\u{2028}Live", "Harbour Lights Live"),
            ("nothing else", "\u{202e}\0", ""),
            ("the longest", &longest, &longest),
            ("too long", &long, &cut),
            ("too long, but for what is not shown", &format!("{longest}\0"), &longest),
        ];
        for (name, text, expected) in cases {
            let catalogue = read(format!("a,\"{text}\",\"{text}\"\n").as_bytes()).unwrap();
            let artists = Vec::from_iter((!expected.is_empty()).then(|| expected.to_owned()));
            assert_eq!(describe(&catalogue, "a"), (expected.into(), artists, String::new()), "{name}");
            assert_eq!(catalogue.altered(), usize::from(text != expected), "{name}");
        }
    }

    #[test]
    fn a_track_has_so_many_artists() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        for (given, kept, altered) in [(MAX_ARTISTS, MAX_ARTISTS, 0), (MAX_ARTISTS + 1, MAX_ARTISTS, 1)] {
            let catalogue = read(format!("a,T,{}\n", names(given).join(" ; ")).as_bytes()).unwrap();
            assert_eq!(describe(&catalogue, "a").1, names(kept));
            assert_eq!(catalogue.altered(), altered);
        }
    }

    #[test]
    fn pictures_are_on_the_web() {
        let longest = format!("/{}", "a".repeat(MAX_URL_BYTES - 1));
        let (too_long, is_shown) = (format!("{longest}a"), true);
        let cases = [
            ("https://example.org/a:b.png?c=d:e", is_shown),
            ("HTTP://example.org", is_shown),
            ("/art/a.png", is_shown),
            ("art/a.png", is_shown),
            ("", is_shown),
            (&longest, is_shown),
            (&too_long, false),
            ("javascript:alert(1)", false),
            ("data:image/svg+xml,x", false),
            ("java\nscript:alert(1)", false),
            ("https://example.org/a b.png", false),
            ("https://example.org/\u{202e}gnp.a", false),
        ];
        for (url, is_shown) in cases {
            let catalogue = read(format!("a,T,,\"{url}\"\n").as_bytes()).unwrap();
            assert_eq!(describe(&catalogue, "a").2, if is_shown { url } else { "" });
            assert_eq!(catalogue.altered(), usize::from(!is_shown), "{url}");
        }
    }

    #[test]
    fn a_file_that_is_no_csv_is_refused() {
        let error = read(b"a,\xff\xfe\n").unwrap_err().to_string();
        assert!(error.contains("expected CSV in UTF-8"), "{error}");
    }
}
