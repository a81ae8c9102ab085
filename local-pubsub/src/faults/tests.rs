//! Shares are hit, times are kept, and the same seed decides the same.

use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;

use super::{Decisions, Fault, FaultPlan, PlannedFault, Share};

const SUBSCRIPTION: &str = "projects/p/subscriptions/plays";
const OTHER: &str = "projects/p/subscriptions/other";
const MANY: u64 = 20_000;

fn share(share: f64) -> Share {
    Share::new(share).expect("a share")
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The faults of one fault on everything, at the beginning.
fn only(seed: u64, fault: Fault) -> Decisions {
    Decisions::at(&FaultPlan::seeded(seed).with(fault), Duration::ZERO).expect("a fault goes on")
}

fn fraction(hit: impl Fn(u64) -> bool) -> f64 {
    (0..MANY).filter(|number| hit(*number)).count() as f64 / MANY as f64
}

/// Within five standard deviations of what a fair coin of that weight shows in [`MANY`] throws.
fn assert_near(seen: f64, wanted: f64, what: &str) {
    let tolerance = 5.0 * (wanted * (1.0 - wanted) / MANY as f64).sqrt();
    assert!((seen - wanted).abs() <= tolerance, "{what}: {seen} instead of {wanted}");
}

#[test]
fn shares_are_hit_within_bounds() {
    for wanted in [0.0, 0.01, 0.2, 0.5, 0.99, 1.0] {
        let share = share(wanted);
        let lost = only(1, Fault::LoseMessages { share });
        assert_near(fraction(|id| lost.copies(SUBSCRIPTION, id).is_empty()), wanted, "lost messages");
        let doubled = only(2, Fault::Duplicate { share });
        assert_near(fraction(|id| doubled.copies(SUBSCRIPTION, id).len() == 2), wanted, "duplicates");
        let acks = only(3, Fault::LoseAcks { share });
        assert_near(fraction(|id| acks.loses_ack(SUBSCRIPTION, id)), wanted, "lost acks");
        let refused = only(4, Fault::RefusePublish { share });
        assert_near(fraction(|call| refused.refuses_publish("projects/p/topics/t", call)), wanted, "calls");
        let stalled = only(5, Fault::StallStreams { share });
        assert_near(fraction(|stream| stalled.stalls(SUBSCRIPTION, stream)), wanted, "streams");
        let held_back = only(6, Fault::Reorder { share, within: millis(50) });
        let overtaken = |id| held_back.copies(SUBSCRIPTION, id) != [Duration::ZERO];
        assert_near(fraction(overtaken), wanted, "overtaken messages");
    }
}

#[test]
fn delays_are_lognormal_with_stalls_and_a_limit() {
    let fault = Fault::DelayMessages {
        median: millis(100),
        sigma: 1.0,
        stalls: Share::NONE,
        at_most: millis(10_000),
    };
    let decisions = only(1, fault);
    let delay = |id| decisions.copies(SUBSCRIPTION, id)[0];
    // A lognormal of sigma 1 is below e times its median with the probability of one standard deviation.
    assert_near(fraction(|id| delay(id) < millis(100)), 0.5, "below the median");
    assert_near(
        fraction(|id| delay(id).as_secs_f64() < 0.1 * std::f64::consts::E),
        0.8413,
        "below e medians",
    );

    let fault =
        Fault::DelayMessages { median: millis(1), sigma: 0.0, stalls: share(0.25), at_most: millis(1000) };
    let decisions = only(1, fault);
    let delay = |id| decisions.copies(SUBSCRIPTION, id)[0];
    assert_near(fraction(|id| delay(id) > millis(1)), 0.25 * 0.999, "stalled");
    assert_near(fraction(|id| delay(id) > millis(500)), 0.125, "stalled for long");
}

#[test]
fn lives_of_streams_are_exponential() {
    let decisions = only(1, Fault::ResetStreams { mean_life: millis(1000) });
    let life = |stream| decisions.stream_life(SUBSCRIPTION, stream).expect("every stream is reset");
    assert_near(fraction(|stream| life(stream) > millis(1000)), (-1.0f64).exp(), "outlive the mean");
    assert!(only(1, Fault::RefuseConnections).stream_life(SUBSCRIPTION, 1).is_none());
}

#[test]
fn faults_keep_to_their_place() {
    for on in ["plays", SUBSCRIPTION, "pl*", "plays*", "projects/p/subscriptions/pl*"] {
        let plan = FaultPlan::seeded(1).with_on(on, Fault::LoseAcks { share: Share::ALL });
        let decisions = Decisions::at(&plan, Duration::ZERO).expect("a fault goes on");
        assert!(decisions.loses_ack(SUBSCRIPTION, 1), "{on}");
        assert!(!decisions.loses_ack(OTHER, 1), "{on}");
    }
    let denied = FaultPlan::seeded(1).with_on("plays", Fault::DenyPermission);
    let denied = Decisions::at(&denied, Duration::ZERO).expect("a fault goes on");
    assert_eq!([SUBSCRIPTION, OTHER].map(|name| denied.denies_permission(name)), [true, false]);
    let nobody = FaultPlan::seeded(1).with_on("pl", Fault::LoseAcks { share: Share::ALL });
    let decisions = Decisions::at(&nobody, Duration::ZERO).expect("a fault goes on");
    assert!(!decisions.loses_ack(SUBSCRIPTION, 1), "the beginning of a name is not a name");
}

#[test]
fn faults_keep_to_their_time() {
    let outage = PlannedFault {
        after: millis(100),
        lasts: Some(millis(50)),
        ..PlannedFault::new(Fault::RefuseConnections)
    };
    let plan = FaultPlan::seeded(1).with_planned(outage);
    let closed = |at| Decisions::at(&plan, millis(at)).is_some_and(|now| now.refuses_connections());
    assert_eq!([99, 100, 149, 150].map(closed), [false, true, true, false]);
    let changes = [0, 99, 100, 149, 150].map(|at| plan.next_change(millis(at)));
    let expected = [Some(100), Some(100), Some(150), Some(150), None].map(|at| at.map(millis));
    assert_eq!(changes, expected);
    assert_eq!(FaultPlan::default().next_change(Duration::ZERO), None);
}

#[test]
fn a_storm_breaks_out_once() {
    let storm = PlannedFault { after: millis(10), ..PlannedFault::new(Fault::RedeliverAll) };
    let plan = FaultPlan::seeded(1).with_planned(storm).with(Fault::RefuseConnections);
    let [calm, breaks, rages] = [0, 10, 20].map(|at| Decisions::at(&plan, millis(at)));
    let begins = |now: &Option<Decisions>, before: &Option<Decisions>| {
        now.as_ref().is_some_and(|now| now.begins_storm(before.as_ref(), SUBSCRIPTION))
    };
    assert_eq!(
        [begins(&calm, &None), begins(&breaks, &calm), begins(&rages, &breaks), begins(&breaks, &None)],
        [false, true, false, true]
    );
}

#[test]
fn a_plan_is_read_from_json() {
    let json = r#"{"seed": 7, "faults": [
        {"on": "plays-pipeline", "after_ms": 1000, "lasts_ms": 5000, "fault": {"lose_acks": {"share": 0.2}}},
        {"fault": {"delay_messages": {"median_ms": 20, "sigma": 0.5, "stalls": 0.01, "at_most_ms": 3000}}},
        {"fault": "refuse_connections"}]}"#;
    let delay =
        Fault::DelayMessages { median: millis(20), sigma: 0.5, stalls: share(0.01), at_most: millis(3000) };
    let acks = PlannedFault {
        fault: Fault::LoseAcks { share: share(0.2) },
        on: Some("plays-pipeline".to_owned()),
        after: millis(1000),
        lasts: Some(millis(5000)),
    };
    let plan = FaultPlan::seeded(7).with_planned(acks).with(delay).with(Fault::RefuseConnections);
    assert_eq!(serde_json::from_str::<FaultPlan>(json).expect("a plan"), plan);
    for wrong in [
        r#"{"sed": 7}"#,
        r#"{"faults": [{"fault": "burn"}]}"#,
        r#"{"faults": [{"fault": {"lose_acks": {"share": 1.1}}}]}"#,
        r#"{"faults": [{"fault": {"lose_acks": {"share": 0.1, "of": 3}}}]}"#,
        r#"{"faults": [{"fault": "refuse_connections", "lasts": 3}]}"#,
    ] {
        assert!(serde_json::from_str::<FaultPlan>(wrong).is_err(), "{wrong}");
    }
}

fn faults() -> impl Strategy<Value = Fault> {
    let shares = || (0.0..=1.0).prop_map(share);
    prop_oneof![
        shares().prop_map(|share| Fault::LoseMessages { share }),
        shares().prop_map(|share| Fault::Duplicate { share }),
        shares().prop_map(|share| Fault::Reorder { share, within: millis(500) }),
        (0..1000_u64, -1.0..10.0, shares()).prop_map(|(median, sigma, stalls)| Fault::DelayMessages {
            median: millis(median),
            sigma,
            stalls,
            at_most: millis(500)
        }),
    ]
}

proptest! {
    #[test]
    fn the_same_seed_decides_the_same_in_any_order(
        seed: u64,
        faults in prop::collection::vec(faults(), 1..5),
        mut ids in prop::collection::vec(any::<u64>(), 1..50),
    ) {
        let plan = faults.iter().fold(FaultPlan::seeded(seed), |plan, fault| plan.with(*fault));
        let decide = |ids: &[u64]| {
            let decisions = Decisions::at(&plan, Duration::ZERO).expect("a fault goes on");
            ids.iter().map(|id| (*id, decisions.copies(SUBSCRIPTION, *id))).collect::<HashSet<_>>()
        };
        let forwards = decide(&ids);
        ids.reverse();
        prop_assert_eq!(decide(&ids), forwards);
    }

    #[test]
    fn no_delay_is_longer_than_all_limits_together(
        seed: u64,
        faults in prop::collection::vec(faults(), 1..5),
        id: u64,
    ) {
        let plan = faults.iter().fold(FaultPlan::seeded(seed), |plan, fault| plan.with(*fault));
        let decisions = Decisions::at(&plan, Duration::ZERO).expect("a fault goes on");
        let limit = millis(500 * faults.len() as u64);
        prop_assert!(decisions.copies(SUBSCRIPTION, id).iter().all(|delay| *delay <= limit));
    }

    #[test]
    fn seeds_subscriptions_and_faults_decide_independently(seed: u64) {
        let lose = Fault::LoseMessages { share: share(0.5) };
        let pattern = |decisions: &Decisions, name| {
            (0..64).fold(0_u64, |bits, id| bits << 1 | u64::from(decisions.copies(name, id).is_empty()))
        };
        let one = only(seed, lose);
        let none = Fault::LoseMessages { share: Share::NONE };
        let second = Decisions::at(&FaultPlan::seeded(seed).with(none).with(lose), Duration::ZERO);
        let patterns = [
            pattern(&one, SUBSCRIPTION),
            pattern(&one, OTHER),
            pattern(&only(seed.wrapping_add(1), lose), SUBSCRIPTION),
            pattern(&second.expect("a fault goes on"), SUBSCRIPTION),
        ];
        prop_assert_eq!(patterns.iter().collect::<HashSet<_>>().len(), 4);
    }
}
