//! The fuzz targets over the committed corpus: what a fuzzer has found stays found, and the targets go on to reach what
//! they are for.

use std::path::Path;
use std::{fs, io};

use fuzz_harness::plays::Plays;
use fuzz_harness::{seeds, updates};
use pipeline::ledger::DropReason;
use proptest::prelude::*;

/// The stories of a target, and their names.
fn stories(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = seeds::corpus(target);
    let mut stories = read(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    stories.sort_unstable();
    stories
}

fn read(directory: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let story = |file: io::Result<fs::DirEntry>| {
        let file = file?;
        Ok((file.file_name().to_string_lossy().into_owned(), fs::read(file.path())?))
    };
    fs::read_dir(directory)?.map(story).collect()
}

#[test]
fn the_seeds_are_in_the_corpus() {
    for (target, seeds) in [("plays", seeds::plays()), ("sessions_updates", seeds::updates())] {
        let stories = stories(target);
        for seed in seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)) {
            let name = &seed.0;
            assert!(stories.contains(&seed), "{target}/{name}: run the example write-seeds of this package");
        }
    }
}

#[test]
fn every_story_of_plays_is_survived_and_some_reach_every_end() {
    let plays = Plays::new().unwrap();
    let (mut dropped, mut settled, mut late_panes) = (DropReason::ALL.map(|_| 0), 0, 0);
    for (name, data) in stories("plays") {
        println!("plays/{name}");
        let outcome = plays.run(&data);
        for (sum, reason) in dropped.iter_mut().zip(DropReason::ALL) {
            *sum += outcome.ledger.dropped(reason);
        }
        settled += outcome.ledger.settled();
        late_panes += outcome.late_panes;
    }
    for (count, reason) in dropped.into_iter().zip(DropReason::ALL) {
        assert!(count > 0, "no play is dropped as {reason:?}");
    }
    assert!(settled > 0 && late_panes > 0, "{settled} plays settled, {late_panes} late panes");
}

#[test]
fn every_story_of_updates_is_survived_and_some_reach_every_end() {
    let mut sum = updates::Outcome::default();
    for (name, data) in stories("sessions_updates") {
        println!("sessions_updates/{name}");
        let outcome = updates::run(&data);
        sum.updates += outcome.updates;
        sum.rejected += outcome.rejected;
        sum.looks += outcome.looks;
        sum.shown += outcome.shown;
        sum.slots.iter_mut().zip(outcome.slots).for_each(|(sum, count)| *sum += count);
    }
    let ends = [sum.updates, sum.rejected, sum.looks, sum.shown];
    assert!(ends.iter().all(|count| *count > 0), "{sum:?}");
    assert!(sum.slots.iter().all(|count| *count > 0), "{sum:?}");
}

/// A story of the corpus with some bytes changed, left out or doubled: what a fuzzer begins with, for a moment.
fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> {
    let stories: Vec<_> = stories(target).into_iter().map(|(_, data)| data).collect();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    (prop::sample::select(stories), prop::collection::vec(change, 1..8)).prop_map(|(mut data, changes)| {
        for (at, byte, change) in changes {
            let at = at.index(data.len() + 1);
            match (change, data.get_mut(at)) {
                (0, Some(place)) => *place = byte,
                (1, Some(_)) => drop(data.remove(at)),
                _ => data.insert(at, byte),
            }
        }
        data
    })
}

proptest! {
    // Each case is a story of some hundred steps.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn mutated_stories_of_plays_are_survived(data in mutated("plays")) {
        let plays = Plays::new()?;
        let _ = plays.run(&data);
    }

    #[test]
    fn mutated_stories_of_updates_are_survived(data in mutated("sessions_updates")) {
        let _ = updates::run(&data);
    }
}
