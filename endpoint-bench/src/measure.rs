//! Everything in its order.

use std::path::{Path, PathBuf};
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

/// The environment of session-api's image: tells glibc to give memory back that making bodies needed for a moment, instead
/// of keeping it for the next slot.
pub const OF_THE_IMAGE: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_TRIM_THRESHOLD_", "131072"), ("MALLOC_MMAP_THRESHOLD_", "65536")];

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often every server is asked for a second.
    pub rounds: usize,
    /// Nothing else.
    pub servers_only: bool,
    /// session-api.
    pub session_api: PathBuf,
    /// One that runs [`crate::constant_server`] when its arguments are `serve-constant FRAMEWORK FILE ADDRESS`.
    pub constant_server: PathBuf,
}

/// Measures what is planned. `tell` is told what goes on.
///
/// # Errors
/// When a server does not start, does not answer alike, or fails.
pub async fn measure(plan: &Plan, tell: fn(&str)) -> anyhow::Result<Report> {
    let load_before = load_averages();
    let directory = TempDir::new()?;
    let replica = start(&plan.session_api, &directory, &OF_THE_IMAGE).await?;
    let loaded = replica.load(SLOT).await?;

    tell("comparing servers");
    let contest = Contest::prepare(&replica, directory.path(), &plan.constant_server).await?;
    let rounds = Rounds::measure(&contest.contestants, plan.rounds).await?;
    let busy = Memory::of(replica.pid()?)?;
    let contestants = contest.contestants.clone();
    drop(contest);
    let others = if plan.servers_only { None } else { Some(others(plan, replica, &directory, tell).await?) };
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

async fn others(
    plan: &Plan,
    replica: Replica,
    directory: &TempDir,
    tell: fn(&str),
) -> anyhow::Result<Others> {
    tell("looking at memory");
    let as_glibc_likes = start(&plan.session_api, directory, &[]).await?.load(SLOT).await?;
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
    let replica = start(&plan.session_api, directory, &OF_THE_IMAGE).await?;
    let streams = streams::measure(&replica, SLOT).await?;
    Ok(Others { as_glibc_likes, bodies_ms, replica_ms, boundary_ms, loaded_boundary_ms, streams })
}

/// Starts `session_api` with all bodies, tells where it is, and leaves it alone until standard input ends.
///
/// # Errors
/// When it does not start.
pub async fn hold(session_api: &Path, tell: fn(&str)) -> anyhow::Result<()> {
    let directory = TempDir::new()?;
    let replica = start(session_api, &directory, &OF_THE_IMAGE).await?;
    tell(&replica.load(SLOT).await?.to_string());
    tell(&format!("pid {}, http://{}/api/latest", replica.pid()?, replica.address));
    let waiting = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    waiting.await??;
    Ok(())
}

/// On its core; everything else is on the other one from now on.
async fn start(
    session_api: &Path,
    directory: &TempDir,
    settings: &[(&'static str, &str)],
) -> anyhow::Result<Replica> {
    stay_on(LOAD_CORE).context("this needs two cores, 0 and 1")?;
    let replica = Replica::start(session_api, directory, settings).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_what_the_image_has() {
        let image = include_str!("../../deploy/images/Dockerfile");
        let of_the_image: Vec<_> =
            image.split_whitespace().filter(|word| word.starts_with("MALLOC_")).collect();
        assert_eq!(of_the_image, OF_THE_IMAGE.map(|(name, value)| format!("{name}={value}")));
    }
}
