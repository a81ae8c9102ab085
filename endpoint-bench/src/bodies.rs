//! What the bodies of a slot cost: eight languages in four codings.

use std::time::Duration;

use anyhow::Context as _;
use listening_together_proto::{Programme, Slot};
use rustix::time::{ClockId, clock_gettime};
use session_api::snapshot::Snapshot;

use crate::process::CpuTime;
use crate::replica::{Replica, current};
use crate::statistics::Spread;
use crate::update::{Slots, start_of};

/// How often they are made.
const TIMES: u64 = 50;
/// How many slots a replica without clients is watched for.
const WATCHED: u64 = 10;

/// Milliseconds of CPU that making the bodies takes; each time of another slot.
///
/// # Errors
/// When there are no bodies.
pub fn measure(slots: &Slots, length: Duration) -> anyhow::Result<Spread> {
    let first = current(length)?;
    let times = (first..first + TIMES).map(|number| {
        let (mut programme, now) = (Programme::default(), start_of(number, length)?);
        // The newest is announced, the one before it is current.
        for slot in &slots.update(number + 1, length)?.slots {
            programme.insert(Slot::try_from(slot)?, now);
        }
        let before = cpu_ms();
        std::hint::black_box(Snapshot::render(&programme, now)).context("no slot is current")?;
        Ok(cpu_ms() - before)
    });
    Spread::of(times.collect::<anyhow::Result<Vec<_>>>()?).context("nothing was measured")
}

/// Milliseconds of CPU a slot that a replica uses to which no request comes: receiving, decoding, bodies, events.
///
/// # Errors
/// When the replica has ended.
pub async fn of_a_replica(replica: &Replica, length: Duration) -> anyhow::Result<f64> {
    let before = CpuTime::of(replica.pid()?)?;
    let first = current(length)? + 1;
    for number in first..first + WATCHED {
        replica.publish(replica.encoded(number, length)?).await?;
        let end = start_of(number, length)?.since(std::time::SystemTime::now().into());
        tokio::time::sleep(end).await;
    }
    let used = CpuTime::of(replica.pid()?)?.since(&before);
    Ok(used.as_secs_f64() * 1e3 / WATCHED as f64)
}

/// What this thread has used.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
