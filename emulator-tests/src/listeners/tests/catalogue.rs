use std::collections::BTreeSet;

use super::*;

#[test]
fn tracks_are_invented_in_several_scripts() {
    let catalogue = Catalogue::invent(10_000, 7);
    assert_eq!(catalogue.tracks().len(), 10_000);
    let ids: BTreeSet<&str> = catalogue.tracks().iter().map(|track| track.track_id.as_str()).collect();
    assert_eq!(ids.len(), 10_000, "ids are unique");
    for track in catalogue.tracks() {
        assert_eq!(track.track_id.len(), 22);
        assert!(track.track_id.bytes().all(|letter| letter.is_ascii_alphanumeric()));
        assert!(!track.title.trim().is_empty());
        let artists: Vec<&str> = track.artists.split(';').collect();
        assert!((1..=3).contains(&artists.len()), "{artists:?}");
        assert!(
            artists.iter().all(|artist| !artist.trim().is_empty() && !artist.contains('*')),
            "{artists:?}"
        );
        assert_eq!(artists.iter().collect::<BTreeSet<_>>().len(), artists.len(), "{artists:?}");
    }
    let titles = || catalogue.tracks().iter().map(|track| &track.title);
    for (script, range) in [
        ("Latin", 'a'..='z'),
        ("Cyrillic", '\u{410}'..='\u{44f}'),
        ("kana", '\u{3041}'..='\u{30ff}'),
        ("Han", '\u{4e00}'..='\u{9fff}'),
    ] {
        let count = titles().filter(|title| title.chars().any(|letter| range.contains(&letter))).count();
        assert!(count > 100, "{script}: {count}");
    }
    assert!(titles().collect::<BTreeSet<_>>().len() > 5000, "few titles are used twice");
}

#[test]
fn the_seed_decides() {
    assert_eq!(Catalogue::invent(100, 1), Catalogue::invent(100, 1));
    assert_ne!(Catalogue::invent(100, 1), Catalogue::invent(100, 2));
}

#[test]
fn the_file_has_one_line_a_track() {
    let catalogue = Catalogue::invent(500, 3);
    let file = tempfile::NamedTempFile::new().unwrap();
    catalogue.write_csv(file.path()).unwrap();
    let mut reader = csv::Reader::from_path(file.path()).unwrap();
    assert_eq!(reader.headers().unwrap(), vec!["track_id", "title", "artists", "artwork_url"]);
    for (record, track) in reader.records().zip(catalogue.tracks()) {
        assert_eq!(record.unwrap(), vec![track.track_id.as_str(), &track.title, &track.artists, ""]);
    }
    assert_eq!(std::fs::read_to_string(file.path()).unwrap().lines().count(), 501);
}
