//! The replicas: who comes, who goes, and what all of them answer at one moment.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::task::JoinSet;

use super::conditions::{REGIONS, clock_offset_ms};
use super::round::ReplicaNumber;
use super::verdict::ANSWERED_WITHIN_MS;
use crate::installation::{Installation, PATIENCE, Replica, now_ms};

/// What every replica is asked.
const PATH: &str = "/api/latest?lang=en";

/// A replica that does not answer for so long, in milliseconds, does not answer.
const TIMEOUT_MS: u64 = ANSWERED_WITHIN_MS.unsigned_abs() + 100;

/// How long a replica may take to end.
const END: Duration = Duration::from_secs(12);

/// One replica.
#[derive(Debug)]
pub struct Member {
    /// The number that tells it from the others.
    pub number: ReplicaNumber,
    /// One of [`REGIONS`].
    pub region: &'static str,
    /// By how many milliseconds its clock is ahead.
    pub offset_ms: i64,
    replica: Replica,
    started: Instant,
    /// When it first said that it was ready, after its start.
    ready_after: Duration,
}

/// What came of asking all at once; times are milliseconds since the epoch.
#[derive(Debug)]
pub struct Answers {
    /// When the last of them was asked.
    pub sent_ms: i64,
    /// When the last of them had answered.
    pub done_ms: i64,
    /// The bodies; `None` without an answer of status 200 in time.
    pub bodies: Vec<(ReplicaNumber, Option<Bytes>)>,
}

/// All replicas.
#[derive(Debug)]
pub struct Fleet {
    chance: StdRng,
    started: u32,
    /// Those that take part.
    members: Vec<Member>,
    starting: JoinSet<anyhow::Result<Member>>,
    killing: JoinSet<anyhow::Result<()>>,
    killed: u32,
    ready_after_ms: Vec<i64>,
    client: reqwest::Client,
}

impl Fleet {
    /// No replicas yet.
    #[must_use]
    pub fn new(chance: StdRng) -> Self {
        Self {
            chance,
            started: 0,
            members: Vec::new(),
            starting: JoinSet::new(),
            killing: JoinSet::new(),
            killed: 0,
            ready_after_ms: Vec::new(),
            client: reqwest::Client::new(),
        }
    }

    /// Starts a replica; it takes part once it is ready.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add(&mut self, installation: &Installation) -> anyhow::Result<()> {
        let number = self.started;
        self.started += 1;
        let region = REGIONS[number as usize % REGIONS.len()];
        let offset_ms = clock_offset_ms(number, &mut self.chance);
        let settings = [("REPLICA_ID", number.to_string()), ("CLOCK_OFFSET", format!("{offset_ms}ms"))];
        let (started, mut replica) = (Instant::now(), installation.replica_with(region, &settings)?);
        self.starting.spawn(async move {
            replica.service.until_ready(PATIENCE).await?;
            let ready_after = started.elapsed();
            Ok(Member { number, region, offset_ms, replica, started, ready_after })
        });
        Ok(())
    }

    /// Waits until a replica that was started is ready, and lets it take part; waits for ever when none was.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn joined(&mut self) -> anyhow::Result<()> {
        let Some(member) = self.starting.join_next().await else { return std::future::pending().await };
        let member = member?.context("a replica does not become ready")?;
        self.ready_after_ms.push(i64::try_from(member.ready_after.as_millis())?);
        self.members.push(member);
        Ok(())
    }

    /// Waits until all that were started are ready.
    ///
    /// # Errors
    /// When one is not in time.
    pub async fn all_joined(&mut self) -> anyhow::Result<()> {
        while !self.starting.is_empty() {
            self.joined().await?;
        }
        Ok(())
    }

    /// Kills one of those that take part, whichever chance says.
    pub fn kill_one(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let index = self.chance.random_range(0..self.members.len());
        let service = self.members.swap_remove(index).replica.service;
        self.killed += 1;
        self.killing.spawn(async move {
            service.kill(END).await?;
            Ok(())
        });
    }

    /// Asks all that take part, at one moment and over connections that are kept.
    pub fn ask_all(&self) -> impl Future<Output = Answers> + Send + use<> {
        let mut asking = JoinSet::new();
        for member in &self.members {
            let (client, number) = (self.client.clone(), member.number);
            let url = format!("{}{PATH}", member.replica.url);
            asking.spawn(async move { (number, now_ms(), ask(&client, &url).await) });
        }
        async move {
            let now = now_ms();
            let mut answers = Answers { sent_ms: now, done_ms: now, bodies: Vec::new() };
            while let Some(Ok((number, sent_ms, body))) = asking.join_next().await {
                answers.sent_ms = answers.sent_ms.max(sent_ms);
                answers.bodies.push((number, body));
            }
            answers.done_ms = now_ms();
            answers
        }
    }

    /// The replica of this number, if it takes part.
    #[must_use]
    pub fn member(&self, number: ReplicaNumber) -> Option<&Member> {
        self.members.iter().find(|member| member.number == number)
    }

    /// How many were killed.
    #[must_use]
    pub const fn killed(&self) -> u32 {
        self.killed
    }

    /// How many milliseconds each took to be ready.
    #[must_use]
    pub fn ready_after_ms(&self) -> &[i64] {
        &self.ready_after_ms
    }

    /// Fails when a replica has ended that was not killed.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check_running(&mut self) -> anyhow::Result<()> {
        for member in &mut self.members {
            member.replica.service.check_running()?;
        }
        Ok(())
    }

    /// Asks all to stop, and waits until they have.
    ///
    /// # Errors
    /// When one fails to, or ends with an error.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.all_joined().await?;
        let mut ending = self.killing;
        for member in self.members {
            ending.spawn(async move {
                let ended = member.replica.service.terminate(END).await?;
                anyhow::ensure!(ended.status.success(), "replica {} {ended:?}", member.number);
                Ok(())
            });
        }
        while let Some(ended) = ending.join_next().await {
            ended??;
        }
        Ok(())
    }
}

impl Member {
    /// For how long it has been running.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

async fn ask(client: &reqwest::Client, url: &str) -> Option<Bytes> {
    let answer = client.get(url).timeout(Duration::from_millis(TIMEOUT_MS)).send().await.ok()?;
    answer.error_for_status().ok()?.bytes().await.ok()
}
