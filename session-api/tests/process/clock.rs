//! A replica whose clock is wrong.

use std::time::Duration;

use crate::broker::Broker;
use crate::fixtures::slot_from;
use crate::replica::Replica;
use session_api::clock::Clock;

/// Seconds by which a clock may seem to be off before this is told.
const TOLERATED: f64 = 0.25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_is_told_of_loudly_and_a_good_one_is_not() {
    for (offset, expected) in [("-900ms", -0.9..0.0), ("20ms", 0.02..TOLERATED)] {
        let broker = Broker::start().await;
        let mut replica = Replica::start(broker.address, &[("CLOCK_OFFSET", offset)]).await;
        let (mut seemed, mut most) = (f64::NAN, 0.0_f64);
        for number in 20.. {
            broker.announce(&[slot_from(Clock::default().now() - Duration::from_secs(2), number)]).await;
            replica.until_latest_has(&format!("\"current\":{{\"slot\":{number},")).await;
            seemed = replica.value("session_api_clock_ahead_seconds").await;
            most = most.max(seemed.abs());
            if expected.contains(&seemed) {
                break;
            }
            assert!(number < 1000, "{offset}: it still seems to be ahead by {seemed} s");
        }
        // On a busy machine messages may take so long that a good clock seems to be off at first.
        let is_told = replica.log().contains("the clock of this machine is off");
        assert_eq!(is_told, most > TOLERATED, "{offset}, at most {most} s, {seemed} s: {}", replica.log());
        let health = replica.health().await;
        assert!(health.contains("clock ahead by"), "{offset}: {health}");
    }
}
