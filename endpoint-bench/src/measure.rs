//! Everything in its order.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::process::Command;

use crate::affinity::{LOAD_CORE, stay_on};
use crate::contestant::Contest;
use crate::machine::{load_averages, processor};
use crate::process::Memory;
use crate::replica::Replica;
use crate::report::{Others, Report};
use crate::throughput::Rounds;
use crate::{bodies, boundary, streams, wrk};

/// SLOT, as it is by default.
const SLOT: Duration = Duration::from_secs(5);
/// Slots of which the boundary is looked at.
const BOUNDARIES: u64 = 200;

/// Tells glibc to give memory back that making bodies needed for a moment, instead of keeping it for the next slot.
pub const THRIFTY: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_TRIM_THRESHOLD_", "131072"), ("MALLOC_MMAP_THRESHOLD_", "65536")];

/// Measures so many rounds, and everything else unless `servers_only`; `program` is one that runs a constant server on
/// demand. `tell` is told what goes on.
///
/// # Errors
/// When a server does not start, does not answer alike, or fails.
pub async fn measure(
    rounds: usize,
    servers_only: bool,
    program: &Path,
    tell: fn(&str),
) -> anyhow::Result<Report> {
    let load_before = load_averages();
    let directory = TempDir::new()?;
    let replica = start(&directory, &[]).await?;
    let loaded = replica.load(SLOT).await?;

    tell("comparing servers");
    let contest = Contest::prepare(&replica, directory.path(), program).await?;
    let rounds = Rounds::measure(&contest.contestants, rounds).await?;
    let busy = Memory::of(replica.pid()?)?;
    let contestants = contest.contestants.clone();
    drop(contest);
    let others = if servers_only { None } else { Some(others(replica, &directory, tell).await?) };
    Ok(Report {
        processor: processor(),
        load: [load_before, load_averages()],
        contestants,
        rounds,
        loaded,
        busy,
        others,
    })
}

async fn others(replica: Replica, directory: &TempDir, tell: fn(&str)) -> anyhow::Result<Others> {
    tell("looking at memory");
    let thrifty = start(directory, &THRIFTY).await?.load(SLOT).await?;
    tell("making bodies");
    let bodies_ms = bodies::measure(&replica.slots, SLOT)?;
    let replica_ms = bodies::of_a_replica(&replica, Duration::from_secs(1)).await?;
    tell("watching the starts of slots");
    let boundary_ms = boundary::measure(&replica, BOUNDARIES).await?;
    let load = keep_asking(&format!("http://{}/api/latest", replica.address))?;
    let loaded_boundary_ms = boundary::measure(&replica, BOUNDARIES).await?;
    drop(load);
    drop(replica);

    tell("opening streams");
    // Another one, in whose memory nothing has been.
    let replica = start(directory, &[]).await?;
    let streams = streams::measure(&replica, SLOT).await?;
    Ok(Others { thrifty, bodies_ms, replica_ms, boundary_ms, loaded_boundary_ms, streams })
}

/// Starts a replica that shows a slot, tells where it is, and leaves it alone until standard input ends.
///
/// # Errors
/// When it does not start.
pub async fn hold(tell: fn(&str)) -> anyhow::Result<()> {
    let directory = TempDir::new()?;
    let replica = start(&directory, &[]).await?;
    tell(&format!("pid {}, http://{}/api/latest", replica.pid()?, replica.address));
    let waiting = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    waiting.await??;
    Ok(())
}

/// On its core; everything else is on the other one from now on.
async fn start(directory: &TempDir, settings: &[(&'static str, &str)]) -> anyhow::Result<Replica> {
    stay_on(LOAD_CORE).context("this needs two cores, 0 and 1")?;
    let replica = Replica::start(directory, settings).await?;
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
