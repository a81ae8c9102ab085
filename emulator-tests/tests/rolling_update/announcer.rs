//! Slots that are announced all the time: a pipeline on a busy machine may have none for a while, and a replica that has
//! never heard of one answers 503.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use emulator_tests::topology::{SESSIONS, Topology};
use google_cloud_pubsub::model::Message;
use listening_together_proto::v1;
use prost::Message as _;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Announces a slot of a second every second, until it is dropped.
pub(crate) struct Announcer(#[expect(dead_code, reason = "it is there to be dropped")] DropGuard);

impl Announcer {
    pub(crate) async fn start(topology: &Topology) -> Result<Self> {
        let client = topology.pubsub.publisher().await?;
        let publisher = client.publisher(topology.pubsub.topic(SESSIONS)).build();
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            let _client = client;
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            loop {
                seconds.tick().await;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
                // The one that is current, and the next.
                let slots = [now + 1, now].map(slot).into();
                let data = v1::SessionsUpdate { slots }.encode_to_vec();
                let published = publisher.publish(Message::new().set_data(data));
                publisher.flush().await;
                published.await.expect("the broker takes it");
            }
        }));
        Ok(Self(stop.drop_guard()))
    }
}

/// The slot of the second `number`.
fn slot(number: u64) -> v1::Slot {
    let seconds = i64::try_from(number).expect("it is before the year 292,000,000,000");
    let at = |offset| Some(prost_types::Timestamp { seconds: seconds + offset, nanos: 0 });
    let place = |geoname_id, latitude, longitude| v1::Place {
        geoname_id,
        city_names: [("en".to_owned(), format!("City {geoname_id}"))].into(),
        country_code: "DE".into(),
        country_names: [("en".to_owned(), "Germany".to_owned())].into(),
        latitude,
        longitude,
        accuracy_radius_km: 20,
        listener_count: 1,
        time_zone: "Europe/Berlin".into(),
    };
    let session = v1::Session {
        session_id: format!("{number:032x}"),
        track: Some(v1::Track { track_id: format!("track-{number}"), ..v1::Track::default() }),
        window_start: at(-3),
        window_end: at(-2),
        listener_count: 2,
        places: vec![place(1, 52.5, 13.4), place(2, -23.5, -46.6)],
        distance_km: 10_236.0,
        pane: 0,
    };
    v1::Slot { number, starts_at: at(0), ends_at: at(1), sessions: vec![session] }
}
