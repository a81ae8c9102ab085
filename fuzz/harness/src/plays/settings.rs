//! Settings of the pipeline, by number: 0 are the defaults.

use std::time::Duration;

use listening_together_proto::Kilometres;
use pipeline::curate::CurateRules;
use pipeline::engine::Rules;
use pipeline::matching::MatchRules;
use pipeline::sample::Sampler;
use pipeline::window::WindowRules;

/// Each setting is one of four, by two bits of `number`.
pub(super) fn rules(mut number: u16) -> Rules {
    let mut choice = || {
        let choice = usize::from(number & 3);
        number >>= 2;
        choice
    };
    let mut millis = |choices: [u64; 4]| Duration::from_millis(choices[choice()]);
    let length = millis([1000, 1, 10_000, 60_000]);
    let max_disorder = millis([500, 0, 3000, 10_000]);
    let allowed_lateness = millis([30_000, 0, 1, 3_600_000]);
    let slot = millis([5000, 1000, 60_000, 200]);
    let lead = millis([2000, 0, 100, 30_000]);
    let sample_rate = [1.0, 0.5, 0.0, 1.0][choice()];
    let sessions_per_slot = [Some(5), Some(1), None, Some(2)][choice()];
    let (min_listeners, max_places) = [(2, 8), (3, 2), (2, 64), (2, 3)][choice()];
    Rules {
        max_future_skew: Duration::from_secs(5),
        sampler: Sampler::new(sample_rate),
        window: WindowRules { length, max_disorder, allowed_lateness, idle_timeout: Duration::from_secs(1) },
        matching: MatchRules {
            min_listeners,
            min_distance: Kilometres::new(100.0).expect("100 km is a distance"),
            max_places,
        },
        curate: CurateRules {
            slot,
            // As far ahead as the pipeline lets it be set.
            lead: lead.min(slot * 53),
            max_session_age: Duration::from_secs(10).max(max_disorder),
            sessions_per_slot,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_are_the_defaults() {
        let rules = rules(0);
        assert_eq!(rules.window.length, Duration::from_secs(1));
        assert_eq!((rules.curate.slot, rules.curate.lead), (Duration::from_secs(5), Duration::from_secs(2)));
        assert_eq!(rules.curate.sessions_per_slot, Some(5));
    }
}
