//! Replicas that are started, replaced and ended as a Deployment's are.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;

use super::{Endpoints, Pace};
use crate::collect::until;
use crate::installation::{Installation, PATIENCE, Replica};

/// What the chart gives a replica from SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(25);

/// Replicas of session-api in one region.
#[derive(Debug)]
pub struct Deployment<'a> {
    installation: &'a Installation,
    settings: Vec<(&'static str, String)>,
    pace: Pace,
    endpoints: Endpoints,
    running: Vec<Pod>,
    /// Those that have to go, until they have ended.
    leaving: JoinSet<anyhow::Result<()>>,
    started: usize,
}

#[derive(Debug)]
struct Pod {
    name: String,
    api: SocketAddr,
    replica: Replica,
}

impl<'a> Deployment<'a> {
    /// Starts `count` replicas with these settings beside the usual ones, and waits until they are sent requests.
    ///
    /// # Errors
    /// When one is not ready in time.
    pub async fn start(
        installation: &'a Installation,
        settings: Vec<(&'static str, String)>,
        pace: Pace,
        count: usize,
    ) -> anyhow::Result<Self> {
        let endpoints = Endpoints::new(pace);
        let (running, leaving) = (Vec::new(), JoinSet::new());
        let mut deployment = Self { installation, settings, pace, endpoints, running, leaving, started: 0 };
        for _ in 0..count {
            deployment.add().await?;
        }
        deployment.until_routed(count).await?;
        Ok(deployment)
    }

    /// Where requests go.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints.clone()
    }

    /// The names of the replicas that need not go, which are part of those of their subscriptions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.running.iter().map(|pod| pod.name.as_str())
    }

    /// Replaces every replica, with one more than usual at a time (`maxSurge: 1`, `maxUnavailable: 0`), and waits until
    /// the old ones have ended and the new ones are sent requests.
    ///
    /// # Errors
    /// When a new one is not ready in time, or an old one does not end in order within its grace period.
    pub async fn roll(&mut self) -> anyhow::Result<()> {
        let count = self.running.len();
        for _ in 0..count {
            self.add().await?;
            let oldest = self.running.remove(0);
            self.leaving.spawn(retire(oldest, self.endpoints.clone(), self.pace.pre_stop));
        }
        while let Some(ended) = self.leaving.join_next().await {
            ended??;
        }
        self.until_routed(count).await
    }

    /// Kills the oldest replica, which nobody is told of, and waits until it is sent nothing more. Gives its name.
    ///
    /// # Errors
    /// When there is none, or it does not die.
    pub async fn kill_one(&mut self) -> anyhow::Result<String> {
        ensure!(!self.running.is_empty(), "there is no replica");
        let Pod { name, replica, .. } = self.running.remove(0);
        replica.service.kill(GRACE).await?;
        self.until_routed(self.running.len()).await?;
        Ok(name)
    }

    async fn add(&mut self) -> anyhow::Result<()> {
        self.started += 1;
        let name = format!("pod-{}", self.started);
        let mut settings = self.settings.clone();
        settings.push(("REPLICA_ID", name.clone()));
        let mut replica = self.installation.replica_with("europe", &settings)?;
        let api = replica.url.trim_start_matches("http://").parse().context("an address")?;
        self.endpoints.add(api, replica.service.admin());
        replica.service.until_ready(PATIENCE).await?;
        self.running.push(Pod { name, api, replica });
        Ok(())
    }

    async fn until_routed(&self, count: usize) -> anyhow::Result<()> {
        let mut expected: Vec<_> = self.running.iter().map(|pod| pod.api).collect();
        expected.sort();
        until(&format!("{count} replicas that are sent requests"), PATIENCE, async || {
            let mut routed = self.endpoints.routed();
            routed.sort();
            routed == expected
        })
        .await
    }
}

/// What Kubernetes does with a pod that is deleted: its endpoint goes while it is still left alone.
async fn retire(pod: Pod, endpoints: Endpoints, pre_stop: Duration) -> anyhow::Result<()> {
    endpoints.leave(pod.api);
    tokio::time::sleep(pre_stop).await;
    let ended = pod.replica.service.terminate(GRACE).await?;
    endpoints.remove(pod.api);
    ensure!(ended.status.success(), "{} ended with {}", pod.name, ended.status);
    Ok(())
}
