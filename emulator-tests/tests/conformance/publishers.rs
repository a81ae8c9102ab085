//! The publishers of plays in `examples/`, which README.md shows: what they publish is a play, the pipeline takes it, and the
//! README shows the very files.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use emulator_tests::collect::until;
use emulator_tests::installation::{Installation, PATIENCE};
use google_cloud_googleapis::pubsub::v1::Subscription;
use listening_together_proto::v1::Play;
use prost::Message as _;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::broker::TestBroker;
use crate::client::{PullStream, acknowledge};
use crate::python_client::installed_client;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Python takes seconds to read the client, on a busy machine many.
const RUN: Duration = Duration::from_secs(180);

/// One of the publishers.
#[derive(Clone, Copy, Debug)]
enum Publisher {
    Python,
    Rust,
}

impl Publisher {
    /// Publishes one play.
    async fn publish(self, to: [(&str, &str); 2], [user, track, address]: [&str; 3]) -> anyhow::Result<()> {
        let mut command = match self {
            Self::Rust => Command::new(env!("CARGO_BIN_EXE_publish-play")),
            Self::Python => {
                let mut python = Command::new(installed_client().await?);
                python.arg(format!("{REPOSITORY}/examples/publish_play.py"));
                python.env("PYTHONPATH", generated().await?);
                python
            }
        };
        command.args([user, track, address]).envs(to).kill_on_drop(true);
        let output = timeout(RUN, command.output()).await.context("the publisher did not end")??;
        check(&output, &format!("{self:?}"))
    }
}

/// The directory of what is made of the message, as the README says.
async fn generated() -> anyhow::Result<&'static str> {
    static DIRECTORY: OnceCell<&str> = OnceCell::const_new();
    let make = async || {
        let directory = concat!(env!("CARGO_TARGET_TMPDIR"), "/python-messages");
        std::fs::create_dir_all(directory)?;
        let mut protoc = Command::new(installed_client().await?);
        protoc.args(["-m", "grpc_tools.protoc", "-I", "proto", "--python_out", directory]);
        protoc.arg("listening_together/v1/play.proto").current_dir(REPOSITORY).kill_on_drop(true);
        let output = timeout(RUN, protoc.output()).await.context("protoc did not end")??;
        check(&output, "protoc").map(|()| directory)
    };
    DIRECTORY.get_or_try_init(make).await.copied()
}

fn check(output: &Output, what: &str) -> anyhow::Result<()> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what} failed ({}):\n{told}", output.status);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plays_are_published_to_local_pubsub_as_they_were_given() -> anyhow::Result<()> {
    plays_are_published_as_they_were_given(&TestBroker::local().await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plays_are_published_to_googles_emulator_as_they_were_given() -> anyhow::Result<()> {
    plays_are_published_as_they_were_given(&TestBroker::emulator().await?).await
}

async fn plays_are_published_as_they_were_given(broker: &TestBroker) -> anyhow::Result<()> {
    let (_, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    let to = [("GOOGLE_CLOUD_PROJECT", &*broker.project), ("PUBSUB_EMULATOR_HOST", &*broker.endpoint)];
    let v6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let cases: [(Publisher, &str, &[u8]); 4] = [
        (Publisher::Python, "198.51.100.7", &[198, 51, 100, 7]),
        (Publisher::Rust, "198.51.100.7", &[198, 51, 100, 7]),
        (Publisher::Python, "2001:db8::7", &v6),
        (Publisher::Rust, "2001:db8::7", &v6),
    ];
    for (publisher, address, bytes) in cases {
        let before = SystemTime::now();
        publisher.publish(to, ["ann", "träck", address]).await?;
        let received = stream.receive(1).await?;
        acknowledge(broker, &subscription, &received).await?;
        let data = &received[0].message.as_ref().context("no message")?.data;
        let play = Play::decode(&data[..])?;
        assert_eq!((&*play.user_id, &*play.track_id), ("ann", "träck"), "{publisher:?}");
        assert_eq!(play.ip_address, Bytes::copy_from_slice(bytes), "{publisher:?}");
        let played_at = SystemTime::try_from(play.played_at.context("no time")?)?;
        assert!((before..=SystemTime::now()).contains(&played_at), "{publisher:?}: {played_at:?}");
    }
    Ok(())
}

/// One listener's play is published by each, until both happen to fall into one window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plays_of_both_become_a_session() -> anyhow::Result<()> {
    generated().await?;
    let broker = TestBroker::local().await?;
    let installation = Installation::create(&broker.endpoint).await?;
    let mut pipeline = installation.pipeline(&[("WINDOW", "5s"), ("MAX_DISORDER", "5s")])?;
    let mut replica = installation.replica("europe")?;
    pipeline.until_ready(PATIENCE).await?;
    replica.service.until_live(PATIENCE).await?;
    let settings = installation.topology.settings();
    let to = [0, 1].map(|index| (settings[index].0, &*settings[index].1));
    let mut shown = serde_json::Value::Null;
    let waiting = until("a session", RUN, async || {
        let (ann, bob) = (["ann", "track-1", "198.18.0.1"], ["bob", "track-1", "198.18.200.1"]);
        let (one, other) = tokio::join!(Publisher::Python.publish(to, ann), Publisher::Rust.publish(to, bob));
        if let Err(error) = one.and(other) {
            shown = format!("{error:#}").into();
            return false;
        }
        let Ok(answer) = reqwest::get(format!("{}/api/latest", replica.url)).await else { return false };
        shown = answer.json().await.unwrap_or_default();
        !shown["current"].is_null()
    });
    waiting.await.with_context(|| format!("{shown}"))?;
    let session = &shown["current"]["sessions"][0];
    assert_eq!((&session["track"]["id"], &session["listeners"]), (&"track-1".into(), &2.into()));
    Ok(())
}

#[test]
fn the_readme_shows_the_very_files() {
    let read = |path: &str| std::fs::read_to_string(Path::new(REPOSITORY).join(path)).unwrap();
    let readme = read("README.md");
    for (language, path) in [("python", "examples/publish_play.py"), ("rust", "examples/publish_play.rs")] {
        let block = format!("```{language}\n{}```\n", read(path));
        assert!(readme.contains(&block), "README.md does not show {path} as it is");
    }
}
