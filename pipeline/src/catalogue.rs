//! The track catalogue: what title, artists and artwork a track id stands for.

use std::path::Path;

use hashbrown::HashMap;
use listening_together_proto::{Track, TrackId};

/// Tracks by id. A track that it does not know is shown by its id alone.
#[derive(Debug, Default)]
pub struct Catalogue(HashMap<Box<str>, Entry>);

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
    /// # Errors
    /// When the file cannot be read or is no CSV.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        let read = || {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path)?;
            let mut tracks = HashMap::new();
            for record in reader.records() {
                let record = record?;
                let field = |index: usize| record.get(index).unwrap_or_default().trim();
                tracks.insert(
                    field(0).into(),
                    Entry { title: field(1).into(), artists: field(2).into(), artwork_url: field(3).into() },
                );
            }
            // The line that names the columns, if there is one.
            tracks.remove("track_id");
            Ok(Self(tracks))
        };
        read().map_err(|source| CatalogueError { path: path.display().to_string(), source })
    }

    /// The track called `id`, described as far as it is known.
    #[must_use]
    pub fn describe(&self, id: &TrackId) -> Track {
        let entry = self.0.get(id.as_str());
        let artists = entry.map_or("", |entry| &entry.artists).split(';');
        Track {
            id: id.clone(),
            title: entry.map(|entry| entry.title.clone()).unwrap_or_default(),
            artists: artists.map(str::trim).filter(|name| !name.is_empty()).map(Into::into).collect(),
            artwork_url: entry.map(|entry| entry.artwork_url.clone()).unwrap_or_default(),
        }
    }

    /// How many tracks it knows.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether it is empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
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
    fn a_file_that_is_no_csv_is_refused() {
        let error = read(b"a,\xff\xfe\n").unwrap_err().to_string();
        assert!(error.contains("expected CSV in UTF-8"), "{error}");
    }
}
