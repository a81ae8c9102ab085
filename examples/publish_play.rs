//! `publish-play USER TRACK ADDRESS`: someone pressed play just now.

use std::{env, net::IpAddr, time::SystemTime};

use anyhow::Context as _;
use google_cloud_pubsub::model::Message;
use listening_together_proto::v1::Play;
use prost::Message as _;
use service_runtime::pubsub::PubSub;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = |name: &str| arguments.next().with_context(|| format!("no {name}"));
    let (user_id, track_id) = (next("user")?, next("track")?);
    let ip_address = match next("address")?.parse()? {
        IpAddr::V4(v4) => v4.octets().to_vec().into(),
        IpAddr::V6(v6) => v6.octets().to_vec().into(),
    };
    let play = Play { user_id, track_id, ip_address, played_at: Some(SystemTime::now().into()) };

    let emulator = env::var("PUBSUB_EMULATOR_HOST").ok();
    let pubsub = PubSub::new(&env::var("GOOGLE_CLOUD_PROJECT")?, emulator.as_deref());
    let client = pubsub.publisher().await?;
    let topic = client.publisher(pubsub.topic("plays")).build();
    topic.publish(Message::new().set_data(play.encode_to_vec())).await?;
    Ok(())
}
