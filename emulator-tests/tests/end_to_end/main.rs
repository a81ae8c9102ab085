//! The whole path as a user runs it: plays on a topic of Google's Pub/Sub emulator, the pipeline and replicas of the API
//! as processes, sessions on the second topic and over HTTP.
//!
//! What they must be is recomputed from the same plays by `emulator_tests::oracle`, which shares no code with the
//! pipeline.

mod explain;
mod lifecycle;
mod live;
mod sessions;
mod two_stages;

use emulator_tests::brokers::GoogleEmulator;
use tokio::sync::OnceCell;

/// Google's emulator, one for all tests of this program; each test has a project of its own in it.
pub(crate) async fn emulator() -> String {
    static EMULATOR: OnceCell<GoogleEmulator> = OnceCell::const_new();
    let emulator =
        EMULATOR.get_or_init(async || GoogleEmulator::start().await.expect("Google's emulator starts"));
    emulator.await.endpoint()
}
