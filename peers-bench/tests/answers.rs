//! Our answers are those of a plain recount.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use peers_bench::{core, plays};

#[test]
fn answers_are_those_of_a_recount() {
    let directory = tempfile::TempDir::new().unwrap();
    let [plays, answers] = ["plays.csv", "answers.csv"].map(|name| directory.path().join(name));
    plays::write(100_000, &plays).unwrap();
    let mut firsts = 0;
    let outcome = core::run(&plays, &answers, || firsts += 1).unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap();

    let mut groups: BTreeMap<(i64, String), (HashSet<String>, HashSet<String>)> = BTreeMap::new();
    for line in read(&plays).lines().skip(1) {
        let [played_at, user, track, city] = *line.split(',').collect::<Vec<_>>() else { panic!("{line}") };
        let window = played_at.parse::<i64>().unwrap() / 1000 * 1000;
        let (users, cities) = groups.entry((window, track.to_owned())).or_default();
        users.insert(user.to_owned());
        cities.insert(city.to_owned());
    }
    groups.retain(|_, (users, cities)| users.len() > 1 && cities.len() > 1);
    let expected: BTreeSet<_> = groups
        .iter()
        .map(|((window, track), (users, cities))| {
            format!("{window},{track},{},{}", users.len(), cities.len())
        })
        .collect();
    let found: BTreeSet<_> = read(&answers).lines().map(str::to_owned).collect();
    assert!(expected.len() > 1000, "{} answers", expected.len());
    assert_eq!(found, expected);
    assert_eq!((outcome.plays, outcome.answers, firsts), (100_000, expected.len() as u64, 1));
}
