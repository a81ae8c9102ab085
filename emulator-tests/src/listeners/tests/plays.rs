use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use listening_together_proto::v1::Play;
use maxminddb::{Reader, geoip2};
use proptest::prelude::*;

use super::*;

fn ip(play: &Play) -> IpAddr {
    match play.ip_address.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(&play.ip_address[..]).unwrap()),
        _ => IpAddr::from(<[u8; 16]>::try_from(&play.ip_address[..]).unwrap()),
    }
}

fn played_at_ms(play: &Play) -> u64 {
    let at = play.played_at.unwrap();
    u64::try_from(at.seconds).unwrap() * 1000 + u64::try_from(at.nanos).unwrap() / 1_000_000
}

/// The rule by which a pipeline rejects a play as malformed.
fn is_well_formed(play: &GeneratedPlay) -> bool {
    let id = |id: &str| (1..=128).contains(&id.len());
    play.decode().is_some_and(|play| {
        id(&play.user_id)
            && id(&play.track_id)
            && matches!(play.ip_address.len(), 4 | 16)
            && play.played_at.is_some()
    })
}

fn locates(city: &Reader<Vec<u8>>, address: IpAddr) -> bool {
    let record: Option<geoip2::City> = city.lookup(address).unwrap().decode().unwrap();
    record.is_some_and(|record| {
        let location = record.location;
        record.city.geoname_id.is_some()
            && location.latitude.and(location.longitude).is_some()
            && location.accuracy_radius.is_none_or(|radius| radius <= 200)
    })
}

#[test]
fn tracks_follow_zipfs_law() {
    let catalogue = Catalogue::invent(1000, 1);
    let ranks: BTreeMap<&str, usize> =
        catalogue.tracks().iter().enumerate().map(|(rank, track)| (track.track_id.as_str(), rank)).collect();
    let addresses = demo_addresses();
    for exponent in [0.0, 0.8, 1.0, 1.4] {
        let wanted = PlaySpec { zipf_exponent: exponent, ..spec(Shares::NONE) };
        let mut source = PlaySource::new(wanted, &catalogue, Arc::clone(&addresses), 5).unwrap();
        let mut counts = vec![0; 1000];
        for play in plays(&mut source, 50_000) {
            counts[ranks[play.decode().unwrap().track_id.as_str()]] += 1;
        }
        let weight = |rank: usize| ((rank + 1) as f64).powf(-exponent);
        let total: f64 = (0..1000).map(weight).sum();
        for rank in [0, 1, 2, 9, 99, 999] {
            assert_share(&format!("rank {rank} at {exponent}"), counts[rank], 50_000, weight(rank) / total);
        }
    }
}

#[test]
fn kinds_have_their_shares() {
    let shares = Shares {
        duplicate: 0.1,
        anonymous: 0.08,
        unlocatable: 0.06,
        late: 0.05,
        future: 0.04,
        malformed: 0.03,
    };
    let plays = plays(&mut source(spec(shares), &demo_addresses(), 9), 50_000);
    let originals: Vec<_> = plays.iter().filter(|play| !play.duplicate).collect();
    assert_share("duplicates", plays.len() - originals.len(), 50_000, 0.1);
    for (kind, share) in [
        (PlayKind::Anonymous, 0.08),
        (PlayKind::Unlocatable, 0.06),
        (PlayKind::Late, 0.05),
        (PlayKind::Future, 0.04),
        (PlayKind::Malformed, 0.03),
        (PlayKind::Located, 0.64),
    ] {
        let found = originals.iter().filter(|play| play.kind == kind).count();
        assert_share(kind.name(), found, 50_000, share);
    }
}

#[test]
fn duplicates_are_the_bytes_of_a_recent_play() {
    let shares = Shares { duplicate: 0.3, ..Shares::default() };
    let plays = plays(&mut source(spec(shares), &demo_addresses(), 2), 5000);
    for (at, play) in plays.iter().enumerate().filter(|(_, play)| play.duplicate) {
        // 64 originals back, among which there are other duplicates.
        let earlier = plays[at.saturating_sub(300)..at].iter().rev().find(|one| one.bytes == play.bytes);
        assert_eq!(earlier.map(|one| one.kind), Some(play.kind));
    }
    let originals = plays.iter().filter(|play| !play.duplicate && play.kind == PlayKind::Located);
    let distinct: BTreeSet<_> = originals.clone().map(|play| &play.bytes).collect();
    assert_eq!(distinct.len(), originals.count(), "nothing else is sent twice");
}

#[test]
fn the_seed_decides() {
    let addresses = demo_addresses();
    let bytes = |seed| {
        let made = plays(&mut source(PlaySpec::default(), &addresses, seed), 2000);
        made.into_iter().map(|play| play.bytes).collect::<Vec<_>>()
    };
    assert!(bytes(1) == bytes(1));
    assert!(bytes(1) != bytes(2));
    let (first, other): (BTreeSet<_>, BTreeSet<_>) =
        (bytes(1).into_iter().collect(), bytes(2).into_iter().collect());
    // Those that hold nothing but garbage are alike.
    assert!(first.intersection(&other).count() <= 1);
}

#[test]
fn listeners_are_at_home_unless_they_roam() {
    for (roaming_share, distinct) in [(0.0, 1..=1), (1.0, 50..=1000)] {
        let wanted = PlaySpec { users: 1, roaming_share, ..spec(Shares::NONE) };
        let made = plays(&mut source(wanted, &demo_addresses(), 4), 100);
        let homes: BTreeSet<IpAddr> = made.iter().map(|play| ip(&play.decode().unwrap())).collect();
        let users: BTreeSet<String> = made.iter().map(|play| play.decode().unwrap().user_id).collect();
        assert!(distinct.contains(&homes.len()), "{} homes", homes.len());
        assert_eq!(users.len(), 1);
    }
}

#[test]
fn users_are_as_many_as_are_set() {
    let wanted = PlaySpec { users: 50, ..spec(Shares::NONE) };
    let made = plays(&mut source(wanted, &demo_addresses(), 4), 5000);
    let users: BTreeSet<String> = made.iter().map(|play| play.decode().unwrap().user_id).collect();
    assert_eq!(users.len(), 50);
    assert!(users.iter().all(|user| user.len() == 22));
}

#[test]
fn every_way_to_be_malformed_occurs() {
    let shares = Shares { malformed: 1.0, ..Shares::NONE };
    let made = plays(&mut source(spec(shares), &demo_addresses(), 4), 900);
    assert!(made.iter().all(|play| !is_well_formed(play)));
    let seen = |problem: fn(&Play) -> bool| {
        made.iter().filter(|play| play.decode().is_some_and(|play| problem(&play))).count()
    };
    assert_eq!(made.iter().filter(|play| play.decode().is_none()).count(), 200);
    assert_eq!(seen(|play| play.user_id.is_empty()), 100);
    assert_eq!(seen(|play| play.track_id.is_empty()), 100);
    assert_eq!(seen(|play| play.user_id.len() > 128), 100);
    assert_eq!(seen(|play| play.track_id.len() > 128), 100);
    assert_eq!(seen(|play| play.ip_address.is_empty()), 100);
    assert_eq!(seen(|play| play.ip_address.len() == 5), 100);
    assert_eq!(seen(|play| play.played_at.is_none()), 100);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let (_, addresses) = skewed();
    let catalogue = Catalogue::invent(10, 1);
    let refused = |spec: PlaySpec, catalogue: &Catalogue| {
        PlaySource::new(spec, catalogue, Arc::clone(&addresses), 1).unwrap_err().to_string()
    };
    let some = |name: &str| format!("{name} is out of range; accepted: 0 to 1");
    let (share, none) = (|share| Shares { late: share, ..Shares::NONE }, spec(Shares::NONE));
    assert_eq!(refused(spec(share(1.5)), &catalogue), some("late"));
    assert_eq!(refused(spec(share(f64::NAN)), &catalogue), some("late"));
    assert_eq!(
        refused(spec(Shares { future: 0.6, ..share(0.6) }), &catalogue),
        some("the sum of the shares")
    );
    assert_eq!(refused(PlaySpec { ipv6_share: -0.1, ..none.clone() }, &catalogue), some("ipv6_share"));
    assert!(refused(PlaySpec { users: 0, ..none.clone() }, &catalogue).contains("at least 1"));
    assert!(refused(PlaySpec { zipf_exponent: -1.0, ..none.clone() }, &catalogue).contains("zipf_exponent"));
    assert!(refused(none, &Catalogue::invent(0, 1)).contains("empty"));
    assert!(
        refused(spec(Shares { unlocatable: 0.1, ..Shares::NONE }), &catalogue).contains("without a city")
    );
}

#[test]
fn without_a_database_of_them_no_play_is_anonymous() {
    let shares = Shares { anonymous: 0.5, ..Shares::NONE };
    let made = plays(&mut source(spec(shares), &skewed().1, 4), 1000);
    assert!(made.iter().all(|play| play.kind == PlayKind::Located));
}

#[test]
fn nothing_personal_is_printed() {
    let mut source = source(spec(Shares::NONE), &demo_addresses(), 4);
    let play = source.next(NOW_MS);
    let user = play.decode().unwrap().user_id;
    assert!(!format!("{play:?}").contains(&user));
    assert_eq!(format!("{play:?}"), "GeneratedPlay { kind: Located, duplicate: false, .. }");
}

fn any_shares() -> impl Strategy<Value = Shares> {
    let share = || 0.0..0.15;
    (share(), share(), share(), share(), share(), share()).prop_map(
        |(duplicate, anonymous, unlocatable, late, future, malformed)| Shares {
            duplicate,
            anonymous,
            unlocatable,
            late,
            future,
            malformed,
        },
    )
}

/// Every play is what its kind says, by the rules of a pipeline with the settings of [`Timing`].
#[test]
fn every_play_is_of_its_kind() {
    let city = demo_city().unwrap().reader().unwrap();
    let addresses = demo_addresses();
    let now_ms = 1_000_000_000_000_u64..3_000_000_000_000;
    proptest!(|(shares in any_shares(), seed in any::<u64>(), ipv6_share in 0.0..1.0, now_ms in now_ms)| {
        let mut source = source(PlaySpec { ipv6_share, ..spec(shares) }, &addresses, seed);
        for _ in 0..100 {
            let generated = source.next(now_ms);
            prop_assert_eq!(is_well_formed(&generated), generated.kind != PlayKind::Malformed);
            if generated.kind == PlayKind::Malformed {
                continue;
            }
            let play = generated.decode().unwrap();
            let address = ip(&play);
            prop_assert_eq!(addresses.hides(address), generated.kind == PlayKind::Anonymous);
            if generated.kind != PlayKind::Anonymous {
                prop_assert_eq!(locates(&city, address), generated.kind != PlayKind::Unlocatable);
            }
            let age = i128::from(now_ms) - i128::from(played_at_ms(&play));
            let expected = match generated.kind {
                PlayKind::Late => 33_000..=66_000,
                PlayKind::Future => -130_000..=-65_000,
                _ => 0..=500,
            };
            prop_assert!(expected.contains(&age), "{:?}: {} ms", generated.kind, age);
        }
    });
}
