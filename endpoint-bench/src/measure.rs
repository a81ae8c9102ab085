//! Everything in its order.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::process::Command;

use crate::affinity::{LOAD_CORE, stay_on};
use crate::contestant::{Asked, Contest, Server};
use crate::machine::{load_averages, processor};
use crate::process::Memory;
use crate::replica::{Replica, current};
use crate::report::Report;
use crate::throughput::{Rounds, position};
use crate::{bodies, boundary, streams, wrk};

/// SLOT, as it is by default.
const SLOT: Duration = Duration::from_secs(5);
/// Slots of which the boundary is looked at.
const BOUNDARIES: u64 = 200;

/// Measures so many rounds and everything else; `program` is one that runs a constant server on demand. `tell` is told
/// what goes on.
///
/// # Errors
/// When a server does not start, does not answer alike, or fails.
pub async fn measure(rounds: usize, program: &Path, tell: fn(&str)) -> anyhow::Result<Report> {
    let load_before = load_averages();
    let directory = TempDir::new()?;
    let replica = start(&directory).await?;
    // What is announced ahead is part of what is loaded.
    replica.publish(replica.encoded(current(SLOT)? + 1, SLOT)?).await?;
    tokio::time::sleep(2 * SLOT).await;
    let loaded = Memory::of(replica.pid()?)?;

    tell("comparing servers");
    let contest = Contest::prepare(&replica, directory.path(), program).await?;
    let rounds = Rounds::measure(&contest.contestants, rounds).await?;
    let busy = Memory::of(replica.pid()?)?;
    let contestants = contest.contestants.clone();
    drop(contest);

    tell("making bodies");
    let bodies_ms = bodies::measure(&replica.slots, SLOT)?;
    let replica_ms = bodies::of_a_replica(&replica, Duration::from_secs(1)).await?;
    tell("watching the starts of slots");
    let boundary_ms = boundary::measure(&replica, BOUNDARIES).await?;
    let own =
        position(&contestants, Server::SessionApi, Asked::Identity).context("session-api takes part")?;
    let load = keep_asking(&contestants[own].url)?;
    let loaded_boundary_ms = boundary::measure(&replica, BOUNDARIES).await?;
    drop(load);
    drop(replica);

    tell("opening streams");
    // Another one, in whose memory nothing has been.
    let replica = start(&directory).await?;
    let streams = streams::measure(&replica, SLOT).await?;
    Ok(Report {
        processor: processor(),
        load: [load_before, load_averages()],
        contestants,
        rounds,
        loaded,
        busy,
        bodies_ms,
        replica_ms,
        boundary_ms,
        loaded_boundary_ms,
        streams,
    })
}

/// Starts a replica that shows a slot, tells where it is, and leaves it alone until standard input ends.
///
/// # Errors
/// When it does not start.
pub async fn hold(tell: fn(&str)) -> anyhow::Result<()> {
    let directory = TempDir::new()?;
    let replica = start(&directory).await?;
    tell(&format!("pid {}, http://{}/api/latest", replica.pid()?, replica.address));
    let waiting = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    waiting.await??;
    Ok(())
}

/// On its core; everything else is on the other one from now on.
async fn start(directory: &TempDir) -> anyhow::Result<Replica> {
    stay_on(LOAD_CORE).context("this needs two cores, 0 and 1")?;
    let replica = Replica::start(directory).await?;
    replica.show(SLOT).await?;
    Ok(replica)
}

/// wrk at work until this is dropped.
fn keep_asking(url: &str) -> anyhow::Result<tokio::process::Child> {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &wrk::CONNECTIONS.to_string(), "--duration", "1h", url]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command.spawn().context("wrk cannot be started")
}
