//! The track catalogue: CSV rows of track_id, title, artists joined by `;`, and artwork_url, under a header line.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use listening_together_proto::v1;

pub(super) type Catalog = BTreeMap<String, v1::Track>;

pub(super) fn read(path: &Path) -> anyhow::Result<Catalog> {
    let mut rows = csv::Reader::from_path(path).with_context(|| format!("open {}", path.display()))?;
    rows.deserialize()
        .map(|row| {
            let (track_id, title, artists, artwork_url): (String, String, String, String) =
                row.with_context(|| format!("read {}", path.display()))?;
            let artists =
                artists.split(';').filter(|artist| !artist.is_empty()).take(16).map(clean).collect();
            Ok((track_id.clone(), v1::Track { track_id, title: clean(&title), artists, artwork_url }))
        })
        .collect()
}

/// A text without control characters and what steers the direction of writing, in at most 200 characters.
fn clean(text: &str) -> String {
    let mut kept = Vec::new();
    for one in text.chars() {
        let steers = ('\u{2028}'..='\u{202e}').contains(&one) || ('\u{2066}'..='\u{2069}').contains(&one);
        if one.is_control() || steers {
            kept.extend(one.is_whitespace().then_some(' '));
        } else {
            kept.push(one);
        }
    }
    let text = String::from_iter(kept);
    let shown: Vec<char> = text.trim().chars().collect();
    if shown.len() > 200 { String::from_iter(&shown[..199]) + "…" } else { String::from_iter(shown) }
}

/// The track as sessions show it: only its id when the catalogue does not know it.
pub(super) fn track(catalog: &Catalog, track_id: &str) -> v1::Track {
    match catalog.get(track_id) {
        Some(track) => track.clone(),
        None => v1::Track { track_id: track_id.to_owned(), ..v1::Track::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_what_its_row_says() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "track_id,title,artists,artwork_url\n\
             duet,\"Yes, \"\"No\"\"\",Ann;Bob B.,https://art.example/1.jpg\n\
             noise,Noise,,\n",
        )
        .unwrap();
        let catalog = read(file.path()).unwrap();

        let duet = track(&catalog, "duet");
        assert_eq!(duet.track_id, "duet");
        assert_eq!(duet.title, "Yes, \"No\"");
        assert_eq!(duet.artists, ["Ann", "Bob B."]);
        assert_eq!(duet.artwork_url, "https://art.example/1.jpg");
        assert_eq!(
            track(&catalog, "noise"),
            v1::Track { track_id: "noise".into(), title: "Noise".into(), ..v1::Track::default() }
        );
        assert_eq!(
            track(&catalog, "unheard"),
            v1::Track { track_id: "unheard".into(), ..v1::Track::default() }
        );
    }
}
