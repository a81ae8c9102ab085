//! What was measured, as a table.

use std::fmt;
use std::fs::read_to_string;

use super::conditions::{
    CHURN_EVERY, CLOCK_OFFSET_MS, LATE, LEAD_MS, LONGEST_DELAY, LOST, MEDIAN_DELAY, REGIONS, REPLICAS,
    SLOT_MS,
};
use super::schedule::STEP_MS;
use super::tally::{Seen, Tally};

/// The share of slots that are to have one body.
pub const TARGET: f64 = 0.999;

/// Differences that a report tells of one by one.
const MOST_TOLD: usize = 20;

/// What was measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many slots were to be judged.
    pub slots_wanted: u32,
    /// The seed.
    pub seed: u64,
    /// What was seen.
    pub tally: Tally,
    /// How many different slots were current in the middles of slots.
    pub slots_shown: u64,
    /// A line for each slot that differed.
    pub differences: Vec<String>,
    /// How many replicas were killed; as many were added.
    pub killed: u32,
    /// How many milliseconds each replica took to be ready, shortest first.
    pub ready_after_ms: Vec<i64>,
    /// Subscriptions that were there when all replicas had ended: those of the killed.
    pub left_behind: u64,
    /// How many milliseconds before its start each slot was announced, shortest first.
    pub leads_ms: Vec<i64>,
    /// How busy the machine was.
    pub machine: Load,
}

impl Report {
    /// Whether enough slots were judged, and enough of them had one body.
    #[must_use]
    pub fn meets_target(&self) -> bool {
        let seen = &self.tally.replicas;
        seen.judged() >= u64::from(self.slots_wanted) && seen.share_alike() >= TARGET
    }
}

/// A moment in the machine's account of its processors.
#[derive(Clone, Debug)]
pub struct Machine {
    load: String,
    /// Clock ticks of all processors: idle, and all.
    ticks: (u64, u64),
}

/// How busy the machine was.
#[derive(Clone, Debug)]
pub struct Load {
    /// The load average of one minute, at the beginning and the end.
    pub averages: [String; 2],
    /// The share of the processors that was in use, 0 to 1.
    pub busy: f64,
}

impl Machine {
    /// The moment now; nothing where there is no /proc.
    #[must_use]
    pub fn now() -> Self {
        let load = read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        Self { load, ticks: ticks(&read_to_string("/proc/stat").unwrap_or_default()) }
    }

    /// What has become of the processors' time since.
    #[must_use]
    pub fn until(&self, end: &Self) -> Load {
        let idle = end.ticks.0.saturating_sub(self.ticks.0) as f64;
        let all = end.ticks.1.saturating_sub(self.ticks.1).max(1) as f64;
        Load { averages: [self.load.clone(), end.load.clone()], busy: 1.0 - idle / all }
    }
}

/// Idle and all ticks in `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
fn ticks(stat: &str) -> (u64, u64) {
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).take(8).map(|n| n.parse().unwrap_or(0)).collect();
    (fields.iter().skip(3).take(2).sum(), fields.iter().sum())
}

/// The value that so many of `sorted` do not exceed; 0 without any.
#[must_use]
pub fn percentile(sorted: &[i64], of: f64) -> i64 {
    let index = (sorted.len() as f64 * of).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or(0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.conditions(f)?;
        let Tally { replicas, naive, .. } = &self.tally;
        writeln!(f, "\n{:44}{:>18}{:>18}", "", "session-api", "newest received")?;
        let mut row = |what: &str, of: fn(&Seen) -> String| {
            writeln!(f, "{what:44}{:>18}{:>18}", of(replicas), of(naive))
        };
        row("slots judged, in their middles", |seen| seen.judged().to_string())?;
        row("  with one body", |seen| seen.alike().to_string())?;
        row("  share with one body", |seen| format!("{:.2} %", seen.share_alike() * 100.0))?;
        row("  bodies, mean / most", |seen| mean_and_most(&seen.slots_by_bodies))?;
        row("in the course of a slot, mean / most", |seen| mean_and_most(&seen.slots_by_bodies_in_course))?;
        row("polls of all at once", |seen| seen.rounds.to_string())?;
        row("  that differed", |seen| {
            let share = seen.rounds_differing as f64 / seen.rounds.max(1) as f64;
            format!("{} = {:.2} %", seen.rounds_differing, share * 100.0)
        })?;
        row("divergences", |seen| seen.episodes.lengths_ms().len().to_string())?;
        row("  lasted, median / longest, ms", |seen| {
            let lengths = seen.episodes.lengths_ms();
            if lengths.is_empty() {
                return "-".to_owned();
            }
            format!("{} / {}", percentile(&lengths, 0.5), percentile(&lengths, 1.0))
        })?;
        self.circumstances(f)?;
        for difference in self.differences.iter().take(MOST_TOLD) {
            writeln!(f, "  {difference}")?;
        }
        let verdict = if self.meets_target() { "met" } else { "MISSED" };
        write!(f, "target, one body in {:.1} % of slots: {verdict}", TARGET * 100.0)
    }
}

impl Report {
    fn conditions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{REPLICAS} replicas in {} regions, slots of {SLOT_MS} ms announced {LEAD_MS} ms ahead; seed {}",
            REGIONS.len(),
            self.seed
        )?;
        write!(
            f,
            "deliveries: median {} ms, {:.0} % up to {} s late, {:.0} % lost; clocks up to {} ms apart; one killed and one \
             added every {} s",
            MEDIAN_DELAY.as_millis(),
            LATE * 100.0,
            LONGEST_DELAY.as_secs(),
            LOST * 100.0,
            2 * CLOCK_OFFSET_MS,
            CHURN_EVERY.as_secs()
        )
    }

    fn circumstances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { unjudged, unjudged_differing, late_ms, answered_ms, unanswered, .. } = &self.tally;
        let reasons: Vec<_> = unjudged.iter().map(|(why, n)| format!("{} {n}", why.as_str())).collect();
        let (count, reasons) = (unjudged.values().sum::<u64>(), reasons.join(", "));
        writeln!(f, "\nslots not judged: {count} ({reasons}); {unjudged_differing} of them differed")?;
        writeln!(f, "different slots shown: {}; polls without an answer: {unanswered}", self.slots_shown)?;
        let spread = |values: &[i64]| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            let [median, p99, most] = [0.5, 0.99, 1.0].map(|of| percentile(&sorted, of));
            format!("{median} / {p99} / {most}")
        };
        writeln!(f, "polls were late by, median / p99 / most: {} ms, every {STEP_MS} ms", spread(late_ms))?;
        writeln!(f, "the last replica answered after, median / p99 / most: {} ms", spread(answered_ms))?;
        let [least, median] = [0.0, 0.5].map(|of| percentile(&self.leads_ms, of));
        writeln!(f, "slots were announced ahead by, least / median: {least} / {median} ms")?;
        let ready = spread(&self.ready_after_ms);
        writeln!(
            f,
            "replicas killed {}, started {}, ready after, median / p99 / most: {ready} ms; subscriptions left behind {}",
            self.killed,
            self.ready_after_ms.len(),
            self.left_behind
        )?;
        let Load { averages: [before, after], busy } = &self.machine;
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        writeln!(
            f,
            "machine: {:.0} % of the processors in use, load average {before} to {after}, {build} build",
            busy * 100.0
        )
    }
}

fn mean_and_most(slots_by_bodies: &std::collections::BTreeMap<usize, u64>) -> String {
    let slots: u64 = slots_by_bodies.values().sum();
    let bodies: u64 = slots_by_bodies.iter().map(|(bodies, slots)| *bodies as u64 * slots).sum();
    let most = slots_by_bodies.keys().last().copied().unwrap_or(0);
    format!("{:.2} / {most}", bodies as f64 / slots.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let values: Vec<_> = (1..=200).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|of| percentile(&values, of)), [1, 100, 198, 200]);
        assert_eq!(percentile(&[], 0.5), 0);
    }

    #[test]
    fn the_processors_account_is_read() {
        let begin = Machine { load: "1.00".to_owned(), ticks: ticks("cpu  10 0 10 70 10 0 0 0 5 0\ncpu0 1") };
        let end = Machine { load: "2.00".to_owned(), ticks: ticks("cpu  40 0 10 130 20 0 0 0 5 0\ncpu0 1") };
        assert_eq!(begin.ticks, (80, 100));
        let load = begin.until(&end);
        assert!((load.busy - 0.3).abs() < 1e-9, "{load:?}");
    }

    #[test]
    fn a_report_says_whether_the_target_is_met() {
        let report = |alike: u64, differing: u64| {
            let mut tally = Tally::default();
            tally.replicas.slots_by_bodies = [(1, alike), (2, differing)].into_iter().collect();
            let machine = Load { averages: ["1".to_owned(), "2".to_owned()], busy: 0.5 };
            let (ready_after_ms, leads_ms) = (vec![300], vec![1990]);
            let differences = vec!["slot 7: 11 x a; 1 x b".to_owned()];
            let (killed, left_behind, slots_shown) = (2, 2, 1000);
            Report {
                slots_wanted: 1000,
                seed: 1,
                tally,
                slots_shown,
                differences,
                killed,
                ready_after_ms,
                left_behind,
                leads_ms,
                machine,
            }
        };
        for (alike, differing, met) in [(1000, 0, true), (999, 1, true), (998, 2, false), (999, 0, false)] {
            let report = report(alike, differing);
            assert_eq!(report.meets_target(), met, "{alike} {differing}");
            let text = report.to_string();
            assert!(text.ends_with(if met { "slots: met" } else { "slots: MISSED" }), "{text}");
            assert!(text.contains("slot 7: 11 x a"), "{text}");
        }
    }
}
