//! Requests per CPU-second of each server, round by round.

use std::time::Duration;

use rand::seq::SliceRandom as _;

use crate::contestant::{Asked, Contestant, Server};
use crate::machine::Busy;
use crate::process::{CpuTime, children};
use crate::statistics::Spread;
use crate::wrk;

/// How long a server is asked at a time.
pub const SLICE: Duration = Duration::from_secs(1);

/// A slice is quiet when others had no more than this share of the two cores.
pub const QUIET: f64 = 0.05;

/// What came of one slice.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// Answers for each second of the server's processor time.
    pub per_cpu_second: f64,
    /// 99 of a hundred answers took no longer.
    pub p99: Duration,
    /// The share of the two cores that others had meanwhile.
    pub foreign: f64,
}

/// All rounds: in each, a slice for every contestant in their order.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Vec<Vec<Slice>>);

impl Rounds {
    /// Measures so many rounds. In each, chance decides the order.
    ///
    /// # Errors
    /// When a server or wrk fails.
    pub async fn measure(contestants: &[Contestant], count: usize) -> anyhow::Result<Self> {
        let mut rounds = Self::default();
        let mut order: Vec<_> = (0..contestants.len()).collect();
        for _ in 0..count {
            order.shuffle(&mut rand::rng());
            let mut round = Vec::new();
            for index in &order {
                round.push((*index, slice(&contestants[*index]).await?));
            }
            round.sort_by_key(|(index, _)| *index);
            rounds.0.push(round.into_iter().map(|(_, slice)| slice).collect());
        }
        Ok(rounds)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The slices of one contestant.
    pub fn of(&self, contestant: usize) -> impl Iterator<Item = &Slice> {
        self.0.iter().map(move |round| &round[contestant])
    }

    /// How many times as many requests per CPU-second one contestant answers as another does, in the same round.
    #[must_use]
    pub fn ratio(&self, one: usize, other: usize) -> Option<Spread> {
        Spread::of(self.0.iter().map(|round| round[one].per_cpu_second / round[other].per_cpu_second))
    }

    /// The p99 of a contestant's quiet slices in milliseconds, and how many these are.
    #[must_use]
    pub fn quiet_p99_ms(&self, contestant: usize) -> (Option<Spread>, usize) {
        let quiet: Vec<_> = self.of(contestant).filter(|slice| slice.foreign <= QUIET).collect();
        (Spread::of(quiet.iter().map(|slice| slice.p99.as_secs_f64() * 1e3)), quiet.len())
    }
}

/// Where the contestant of this kind is.
#[must_use]
pub fn position(contestants: &[Contestant], server: Server, asked: Asked) -> Option<usize> {
    contestants.iter().position(|contestant| (contestant.server, contestant.asked) == (server, asked))
}

async fn slice(contestant: &Contestant) -> anyhow::Result<Slice> {
    let this = std::process::id();
    let before = (CpuTime::of(contestant.pid)?, CpuTime::of(this)?, children()?, Busy::now()?);
    let count = wrk::ask(&contestant.url, &contestant.headers, SLICE).await?;
    let (server, own) = (CpuTime::of(contestant.pid)?.since(&before.0), CpuTime::of(this)?.since(&before.1));
    let (wrk, busy) = (children()? - before.2, Busy::now()?);
    let all = busy.server_core_since(before.3) + busy.load_core_since(before.3);
    let foreign = all.saturating_sub(server + own + wrk);
    Ok(Slice {
        per_cpu_second: count.requests as f64 / server.as_secs_f64(),
        p99: count.p99,
        foreign: foreign.as_secs_f64() / (2.0 * SLICE.as_secs_f64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(per_cpu_second: f64, foreign: f64) -> Slice {
        Slice { per_cpu_second, p99: Duration::from_millis(1), foreign }
    }

    #[test]
    fn ratios_are_made_within_rounds() {
        let rounds = Rounds(vec![
            vec![slice(100.0, 0.0), slice(50.0, 0.0)],
            vec![slice(10.0, 0.0), slice(10.0, 0.5)],
            vec![slice(30.0, 0.0), slice(20.0, 0.0)],
        ]);
        let ratio = rounds.ratio(0, 1).unwrap();
        assert_eq!((ratio.least, ratio.median, ratio.most), (1.0, 1.5, 2.0));
        assert_eq!(rounds.quiet_p99_ms(1).1, 2);
        assert_eq!(rounds.quiet_p99_ms(0).0.unwrap().median, 1.0);
    }
}
