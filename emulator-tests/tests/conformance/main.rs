//! The same cases against local-pubsub and against Google's Pub/Sub emulator.
//!
//! What a case asserts is what Google's documentation says of the service; where a broker differs from it,
//! the case says which one and how, and asserts the difference, so that a change of either side shows. Raw
//! `google.pubsub.v1` over gRPC is used for the protocol, and Google's own clients where their behaviour is
//! at stake.
//!
//! One emulator serves all cases; every case has a project of its own, and a local-pubsub of its own. Without
//! an emulator its half fails, and says what to install.

mod broker;
mod client;

mod dead_letters;
mod delivery;
mod flow_control;
mod official_client;
mod ordering;
mod publishers;
mod publishing;
mod python_client;
mod resources;
mod retention;
mod rest;
mod streams;

/// Makes two tests of each case, one a broker. A case is an `async fn(&TestBroker) -> anyhow::Result<()>`.
macro_rules! conformance {
    ($($case:ident),+ $(,)?) => {
        mod local_pubsub {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() -> anyhow::Result<()> {
                crate::broker::run(crate::broker::Kind::Local, super::$case).await
            })+
        }
        mod googles_emulator {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() -> anyhow::Result<()> {
                crate::broker::run(crate::broker::Kind::Emulator, super::$case).await
            })+
        }
    };
}
pub(crate) use conformance;
