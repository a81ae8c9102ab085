//! What visitors notice when replicas are replaced, or die: the real binaries as processes, on a local-pubsub.

mod announcer;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use emulator_tests::collect::until;
use emulator_tests::installation::{Installation, PATIENCE};
use emulator_tests::rollout::{Deployment, Pace, Proxy, Routing, Visitors};
use local_pubsub::{LocalPubSub, Running};

use announcer::Announcer;

const REPLICAS: usize = 3;
const VISITORS: usize = 16;
const LISTENERS: usize = 8;
const EVERY: Duration = Duration::from_millis(10);

fn pace() -> Pace {
    Pace::CHART.faster(50)
}

/// A broker with a programme that goes on.
struct Scene {
    installation: Installation,
    broker: Running,
    _announcer: Announcer,
}

impl Scene {
    async fn set() -> Result<Self> {
        let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
        let installation = Installation::create(&broker.local_addr().to_string()).await?;
        let announcer = Announcer::start(&installation.topology).await?;
        Ok(Self { installation, broker, _announcer: announcer })
    }

    /// The names of the replicas that have a subscription, each as often as it has one.
    async fn subscribed(&self) -> Result<Vec<String>> {
        let subscriptions = self.installation.topology.session_subscriptions().await?;
        let replica = |id: &String| {
            let name = id.strip_prefix("session-api-europe-")?.rsplit_once('-')?.0;
            Some(name.to_owned())
        };
        let mut names: Vec<_> = subscriptions.iter().filter_map(replica).collect();
        names.sort();
        Ok(names)
    }
}

/// Waits until so many more requests have been answered.
async fn until_answered(visitors: &Visitors, more: u64) -> Result<()> {
    let so_far = visitors.tally().answered;
    until("answers", PATIENCE, async || visitors.tally().answered >= so_far + more).await
}

async fn replace_all(pace: Pace, routing: Routing) -> Result<()> {
    let scene = Scene::set().await?;
    let mut deployment = Deployment::start(&scene.installation, Vec::new(), pace, REPLICAS).await?;
    let proxy = Proxy::start(deployment.endpoints(), routing).await?;
    let visitors = Visitors::come(proxy.address(), VISITORS, EVERY, LISTENERS);
    until_answered(&visitors, 500).await?;
    deployment.roll().await?;
    until_answered(&visitors, 500).await?;
    let tally = visitors.tally();
    assert_eq!(tally.lost, BTreeMap::new(), "{tally:?}");
    assert!(tally.streams_ended >= LISTENERS as u64, "each stream has to change: {tally:?}");
    assert_eq!(scene.subscribed().await?, ["pod-4", "pod-5", "pod-6"]);
    drop(visitors);
    scene.broker.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_replicas_behind_a_service_are_replaced() -> Result<()> {
    replace_all(pace(), Routing::Connections).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_replicas_behind_a_load_balancer_are_replaced() -> Result<()> {
    replace_all(pace(), Routing::Requests).await
}

/// Where there is no preStop, SHUTDOWN_DELAY has to last until requests follow readiness.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_replicas_are_told_to_stop_at_once() -> Result<()> {
    replace_all(Pace { pre_stop: Duration::ZERO, ..pace() }, Routing::Connections).await
}

/// Also shows that what visitors lose is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_costs_requests_and_leaves_what_expires() -> Result<()> {
    let scene = Scene::set().await?;
    let mut deployment = Deployment::start(&scene.installation, Vec::new(), pace(), 2).await?;
    let proxy = Proxy::start(deployment.endpoints(), Routing::Requests).await?;
    let visitors = Visitors::come(proxy.address(), VISITORS, EVERY, LISTENERS);
    until_answered(&visitors, 500).await?;
    let killed = deployment.kill_one().await?;
    // Whatever was still sent to it has been answered by then.
    until_answered(&visitors, 500).await?;
    let lost = visitors.tally().lost;
    assert!(lost.contains_key("status 502"), "{lost:?}");
    // From now on the other one answers everything.
    until_answered(&visitors, 500).await?;
    assert_eq!(visitors.tally().lost, lost);

    assert_eq!(scene.subscribed().await?, ["pod-1", "pod-2"]);
    let pubsub = &scene.installation.topology.pubsub;
    let left = scene.installation.topology.session_subscriptions().await?;
    let left = left.iter().find(|id| id.contains(&killed)).context("it is left behind")?;
    let admin = pubsub.subscription_admin().await?;
    let left = admin.get_subscription().set_subscription(pubsub.subscription(left)).send().await?;
    let ttl = left.expiration_policy.and_then(|policy| policy.ttl).map(|ttl| ttl.seconds());
    assert_eq!(ttl, Some(86_400), "it expires after a day without use");
    drop(visitors);
    scene.broker.shutdown().await;
    Ok(())
}
