//! Tracks that nobody has recorded, by artists that do not exist.

use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::Distribution as _;
use rand_distr::weighted::WeightedAliasIndex;
use serde::Serialize;

use super::words::{LEXICONS, Lexicon};

/// What ids are made of.
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Length of an id.
const TRACK_ID_LENGTH: usize = 22;
/// An artist has this many tracks on average.
const TRACKS_OF_ARTIST: usize = 6;

/// One track, as a line of a `TRACK_CATALOG` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogueTrack {
    /// 22 letters and digits.
    pub track_id: String,
    /// In one of several languages.
    pub title: String,
    /// Joined by `;`.
    pub artists: String,
    /// Empty: nothing is drawn for invented tracks.
    pub artwork_url: String,
}

/// Invented tracks, the most popular first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue(Vec<CatalogueTrack>);

impl Catalogue {
    /// Invents `size` tracks, the same ones for the same seed.
    #[must_use]
    pub fn invent(size: usize, seed: u64) -> Self {
        let mut inventor = Inventor::new(size, seed);
        Self((0..size).map(|_| inventor.track()).collect())
    }

    /// The tracks, the most popular first.
    #[must_use]
    pub fn tracks(&self) -> &[CatalogueTrack] {
        &self.0
    }

    /// Writes a `TRACK_CATALOG` file: CSV with a line that names the columns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_path(path)?;
        for track in &self.0 {
            writer.serialize(track)?;
        }
        writer.flush()?;
        Ok(())
    }
}

struct Inventor {
    rng: Xoshiro256PlusPlus,
    /// The artists of each lexicon.
    artists: Vec<Vec<String>>,
    lexicon: WeightedAliasIndex<u32>,
}

impl Inventor {
    fn new(tracks: usize, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let weights = LEXICONS.map(|(weight, _)| weight);
        let total: u32 = weights.iter().sum();
        let artists = LEXICONS
            .map(|(weight, lexicon)| {
                let count = tracks * weight as usize / (total as usize * TRACKS_OF_ARTIST) + 2;
                (0..count).map(|_| artist(lexicon, &mut rng)).collect()
            })
            .into();
        let lexicon =
            WeightedAliasIndex::new(weights.into()).expect("the weights of the lexicons are positive");
        Self { rng, artists, lexicon }
    }

    fn track(&mut self) -> CatalogueTrack {
        let lexicon = self.lexicon.sample(&mut self.rng);
        let title = title(LEXICONS[lexicon].1, &mut self.rng);
        // Most tracks are by one artist, some by two, a few by three.
        let others = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2].choose(&mut self.rng).copied().unwrap_or_default();
        let mut artists: Vec<&str> = Vec::new();
        for _ in 0..=others {
            let one = self.artists[lexicon].choose(&mut self.rng).map_or("", String::as_str);
            if !artists.contains(&one) {
                artists.push(one);
            }
        }
        let artists = artists.join(";");
        CatalogueTrack { track_id: track_id(&mut self.rng), title, artists, artwork_url: String::new() }
    }
}

fn track_id(rng: &mut Xoshiro256PlusPlus) -> String {
    (0..TRACK_ID_LENGTH).map(|_| char::from(BASE_62[rng.random_range(0..BASE_62.len())])).collect()
}

fn title(lexicon: &Lexicon, rng: &mut Xoshiro256PlusPlus) -> String {
    let mut nouns = lexicon.nouns.sample(rng, 2).copied();
    let (first, second) = (nouns.next().unwrap_or_default(), nouns.next().unwrap_or_default());
    let joint = lexicon.joints.choose(rng).copied().unwrap_or_default();
    // One title in six is a single word.
    if rng.random_ratio(1, 6) { first.to_owned() } else { format!("{first}{joint}{second}") }
}

fn artist(lexicon: &Lexicon, rng: &mut Xoshiro256PlusPlus) -> String {
    if rng.random_ratio(1, 3) {
        let group = lexicon.groups.choose(rng).copied().unwrap_or_default();
        group.replace('*', &invented_word(lexicon, rng))
    } else {
        format!("{}{}{}", invented_word(lexicon, rng), lexicon.name_joint, invented_word(lexicon, rng))
    }
}

/// A word of no language, with a capital where the script has them.
fn invented_word(lexicon: &Lexicon, rng: &mut Xoshiro256PlusPlus) -> String {
    let mut word = String::new();
    // Chinese syllables are characters, of which a name has few.
    let syllables = if lexicon.name_joint.is_empty() { 1..=2 } else { 2..=3 };
    let mut last = "";
    for _ in 0..rng.random_range(syllables) {
        let syllable = lexicon.syllables.choose(rng).copied().unwrap_or_default();
        // A syllable said twice is baby talk in many languages.
        if syllable != last {
            word.push_str(syllable);
        }
        last = syllable;
    }
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
