//! A replica whose clock is wrong.

use std::time::Duration;

use crate::broker::Broker;
use crate::fixtures::slot_from;
use crate::replica::Replica;
use session_api::clock::Clock;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_is_told_of_loudly() {
    for (offset, sign) in [("-900ms", "-"), ("20ms", "")] {
        let broker = Broker::start().await;
        let mut replica = Replica::start(broker.address, &[("CLOCK_OFFSET", offset)]).await;
        let gauge = format!("session_api_clock_ahead_seconds {sign}0.");
        let mut number = 20;
        loop {
            broker.announce(&[slot_from(Clock::default().now() - Duration::from_secs(2), number)]).await;
            replica.until_latest_has(&format!("\"current\":{{\"slot\":{number},")).await;
            let metrics = replica.metrics().await;
            if metrics.lines().any(|line| line.starts_with(&gauge)) {
                break;
            }
            number += 1;
            assert!(number < 1000, "no {gauge} in {metrics}");
        }
        // On a busy machine messages may take so long that a good clock is complained of too.
        let is_told = replica.log().contains("the clock of this machine is off");
        assert!(is_told || sign.is_empty(), "{offset}: {}", replica.log());
        let health = replica.health().await;
        assert!(health.contains("clock ahead by"), "{offset}: {health}");
    }
}
