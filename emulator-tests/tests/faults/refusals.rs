//! What Pub/Sub refuses: which right is lacking, or what does not exist, and what to do is told in the log and by
//! /readyz?verbose.

use anyhow::{Result, ensure};
use emulator_tests::collect::until;
use emulator_tests::installation::PATIENCE;
use emulator_tests::services::Service;
use emulator_tests::topology::{DEAD_LETTERS, PLAYS_SUBSCRIPTION, SESSIONS};
use local_pubsub::{Fault, FaultPlan};

use crate::scene::{END, Scene};

fn denied_on(resource: &str) -> FaultPlan {
    FaultPlan::seeded(1).with_on(resource, Fault::DenyPermission)
}

/// The answer of /readyz?verbose; empty while there is none.
async fn verdict(service: &Service) -> String {
    let Ok(answer) = reqwest::get(format!("http://{}/readyz?verbose", service.admin())).await else {
        return String::new();
    };
    answer.text().await.unwrap_or_default()
}

/// Waits until a service says all of this in its log and in its verdict.
async fn until_told(service: &Service, log: &[&str], readyz: &[&str]) -> Result<()> {
    let mut last = String::new();
    let told = until("it says what is lacking", PATIENCE, async || {
        last = verdict(service).await;
        let said = service.log();
        log.iter().all(|text| said.contains(text)) && readyz.iter().all(|text| last.contains(text))
    });
    let outcome = told.await;
    ensure!(outcome.is_ok(), "expected {log:?} in the log and {readyz:?} in {last:?}:\n{}", service.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_says_what_it_lacks_and_goes_on_once_it_has_it() -> Result<()> {
    let scene = Scene::set().await?;
    let mut pipeline = scene.installation.pipeline(&[])?;
    let cases = [
        (PLAYS_SUBSCRIPTION, "pubsub.subscriptions.get", "subscriptions"),
        (SESSIONS, "pubsub.topics.get", "topics"),
    ];
    for (resource, right, collection) in cases {
        scene.broker.set_faults(denied_on(resource));
        pipeline.until_live(PATIENCE).await?;
        let name = format!("projects/{}/{collection}/{resource}", scene.installation.topology.project);
        let lacks = format!("permission denied: the service account of this process lacks {right} on {name}");
        let advice = "grant it roles/pubsub.viewer there, as deploy/terraform does";
        until_told(&pipeline, &[], &["not ready", &lacks, advice]).await?;
    }
    // A log line for all that is lacking within half a minute.
    ensure!(pipeline.log().contains("waiting for Pub/Sub: permission denied"), "{}", pipeline.log());
    scene.broker.set_faults(FaultPlan::default());
    pipeline.until_ready(PATIENCE).await?;
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_whose_rights_are_taken_away_says_so() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&[]).await?;
    let plan = denied_on(PLAYS_SUBSCRIPTION).with_on(DEAD_LETTERS, Fault::DenyPermission);
    scene.broker.set_faults(plan);
    let told = ["lacks pubsub.subscriptions.consume on projects/", "grant it roles/pubsub.subscriber there"];
    until_told(&pipeline, &told, &["not ready", "permission denied"]).await?;

    scene.broker.set_faults(denied_on(DEAD_LETTERS));
    until_told(&pipeline, &[], &["ok: receiving plays; rejected messages wait: permission denied"]).await?;
    scene.installation.publish(&[bytes::Bytes::from_static(b"no play")]).await?;
    let told = ["cannot publish, trying again", "lacks pubsub.topics.publish on projects/"];
    until_told(&pipeline, &told, &[]).await?;
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_says_what_it_lacks_and_goes_on_once_it_has_it() -> Result<()> {
    let scene = Scene::set().await?;
    scene.broker.set_faults(denied_on(SESSIONS));
    let mut replica = scene.installation.replica("denied")?;
    replica.service.until_live(PATIENCE).await?;
    let attach = format!(
        "pubsub.topics.attachSubscription on projects/{}/topics/sessions; grant it roles that have them",
        scene.installation.topology.project
    );
    let told = ["not subscribed", "permission denied", "pubsub.subscriptions.create on projects/", &attach];
    until_told(&replica.service, &told, &["not ready", &attach]).await?;
    scene.broker.set_faults(FaultPlan::default());
    replica.service.until_ready(PATIENCE).await?;
    replica.service.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_is_named() -> Result<()> {
    let scene = Scene::set().await?;
    let wrong = [("SESSIONS_TOPIC", "no-such-topic")];
    let pipeline = scene.installation.pipeline(&wrong)?;
    let replica =
        scene.installation.replica_with("missing", &wrong.map(|(name, id)| (name, id.to_owned())))?;
    let project = &scene.installation.topology.project;
    let told = format!(
        "projects/{project}/topics/no-such-topic does not exist: create it (deploy/terraform does), or correct its name"
    );
    until_told(&pipeline, &["waiting for Pub/Sub", &told], &["not ready", &told]).await?;
    until_told(&replica.service, &["not subscribed", &told], &["not ready", &told]).await?;
    pipeline.terminate(END).await?;
    replica.service.terminate(END).await?;
    Ok(())
}
