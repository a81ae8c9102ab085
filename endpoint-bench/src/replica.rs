//! session-api as a process on its core, with a broker that announces slots to it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bytes::Bytes;
use emulator_tests::brokers::LocalBroker;
use emulator_tests::services::{Service, free_address};
use emulator_tests::topology::{SESSIONS, Topology};
use google_cloud_pubsub::client::{BasePublisher, Publisher};
use google_cloud_pubsub::model::Message;
use listening_together_proto::Timestamp;
use prost::Message as _;
use tempfile::TempDir;

use crate::affinity::on_server_core;
use crate::answer::{self, Answer};
use crate::process::Memory;
use crate::update::Slots;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running replica.
#[derive(Debug)]
pub struct Replica {
    /// The process.
    pub service: Service,
    /// Where it answers.
    pub address: SocketAddr,
    /// What is announced to it.
    pub slots: Slots,
    topic: Publisher,
    _client: BasePublisher,
    _broker: LocalBroker,
}

impl Replica {
    /// Starts `program` with these settings beside those that say where everything is, and a broker in this process.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(
        program: &Path,
        directory: &TempDir,
        more_settings: &[(&'static str, &str)],
    ) -> anyhow::Result<Self> {
        let broker = LocalBroker::start().await?;
        let topology = Topology::create(&broker.endpoint(), "endpoint-bench").await?;
        let client = topology.pubsub.publisher().await?;
        let topic = client.publisher(topology.pubsub.topic(SESSIONS)).build();
        let address = free_address()?;
        let mut settings = topology.settings();
        settings.push(("BIND_ADDR", address.to_string()));
        settings.extend(more_settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        // Several replicas of a run have one directory.
        let log = directory.path().join(format!("session-api-{}.log", address.port()));
        let mut service = on_server_core(|| Service::start(program, &settings, &log))??;
        service.until_ready(PATIENCE).await?;
        Ok(Self { service, address, slots: Slots::new()?, topic, _client: client, _broker: broker })
    }

    /// The id of its process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.service.pid().context("session-api has ended")
    }

    /// An update whose newest slot has this number, as it is published.
    ///
    /// # Errors
    /// When the number is out of range.
    pub fn encoded(&self, newest: u64, length: Duration) -> anyhow::Result<Bytes> {
        Ok(self.slots.update(newest, length)?.encode_to_vec().into())
    }

    /// Publishes it.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn publish(&self, update: Bytes) -> anyhow::Result<()> {
        let published = self.topic.publish(Message::new().set_data(update));
        self.topic.flush().await;
        published.await?;
        Ok(())
    }

    /// Publishes the slot that is current now, and waits until it is shown.
    ///
    /// # Errors
    /// When it is not.
    pub async fn show(&self, length: Duration) -> anyhow::Result<()> {
        let number = current(length)?;
        self.publish(self.encoded(number, length)?).await?;
        let shows = format!("{{\"slot\":{number},");
        let start = std::time::Instant::now();
        loop {
            let answer = self.ask(&[]).await?;
            if String::from_utf8_lossy(&answer.body).contains(&shows) {
                return Ok(());
            }
            anyhow::ensure!(start.elapsed() < PATIENCE, "the slot {number} is not shown");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Publishes a slot ahead as well, and waits until what is made of both is there and both are shown.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn load(&self, length: Duration) -> anyhow::Result<Memory> {
        self.publish(self.encoded(current(length)? + 1, length)?).await?;
        tokio::time::sleep(2 * length).await;
        Memory::of(self.pid()?)
    }

    /// Its answer to a request for `/api/latest` with these headers.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ask(&self, headers: &[(&str, String)]) -> anyhow::Result<Answer> {
        answer::ask(self.address, "/api/latest", headers).await
    }
}

/// The number of the slot that is current now.
///
/// # Errors
/// When the clock is before 1970.
pub fn current(length: Duration) -> anyhow::Result<u64> {
    Ok(u64::try_from(Timestamp::from(SystemTime::now()).div_floor(length))?)
}
