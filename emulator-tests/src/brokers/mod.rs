//! Brokers for tests and the demo: Google's emulator as a child process, or local-pubsub in this one.
//!
//! Both take a free port and are gone when they are dropped, whatever becomes of the test that started them.

mod emulator;
mod installation;
mod process_tree;

pub use emulator::GoogleEmulator;
pub use installation::{EmulatorInstallation, EmulatorMissing};

use anyhow::Context as _;
use local_pubsub::{LocalPubSub, Running};

/// local-pubsub in this process.
#[derive(Debug)]
pub struct LocalBroker(Running);

impl LocalBroker {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> anyhow::Result<Self> {
        let running = LocalPubSub::new().bind("127.0.0.1:0").await.context("cannot start local-pubsub")?;
        Ok(Self(running))
    }

    /// Where it listens, `127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.0.local_addr().to_string()
    }

    /// Ends it, and its streams.
    pub async fn stop(self) {
        self.0.shutdown().await;
    }
}

/// A broker of either kind.
#[derive(Debug)]
pub enum Broker {
    /// local-pubsub in this process.
    Local(LocalBroker),
    /// Google's emulator as a child process.
    Google(GoogleEmulator),
}

impl Broker {
    /// Starts local-pubsub.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn local() -> anyhow::Result<Self> {
        Ok(Self::Local(LocalBroker::start().await?))
    }

    /// Starts Google's emulator.
    ///
    /// # Errors
    /// When it is not installed (the text says what to install), or does not answer in time.
    pub async fn google() -> anyhow::Result<Self> {
        Ok(Self::Google(GoogleEmulator::start().await?))
    }

    /// Where it listens, `127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match self {
            Self::Local(broker) => broker.endpoint(),
            Self::Google(emulator) => emulator.endpoint(),
        }
    }

    /// Ends it.
    pub async fn stop(self) {
        match self {
            Self::Local(broker) => broker.stop().await,
            Self::Google(emulator) => emulator.stop().await,
        }
    }
}
