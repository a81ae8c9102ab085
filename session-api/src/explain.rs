//! What would come of running with some settings: they, the site and Pub/Sub are looked at as [`crate::service`] looks at
//! them. A subscription is really made and deleted, for only so is it known that this is allowed.

use service_runtime::explain::{Check, Outcome};
use service_runtime::own_subscription::OwnSubscription;
use service_runtime::pubsub::PubSub;
use service_runtime::settings::SettingError;

use crate::config::Config;
use crate::site::Site;
use crate::subscription::subscription_id;

/// Looks at everything that the service needs.
pub async fn check(config: Config) -> Vec<Check> {
    let mut checks = vec![
        site(&config),
        Check::address("BIND_ADDR", config.bind_addr),
        Check::address("ADMIN_ADDR", config.admin_addr),
    ];
    match PubSub::from_settings(&config.common) {
        Ok(pubsub) => {
            checks.push(Check::new("Pub/Sub", Outcome::Fine(format!("is asked at {}", pubsub.endpoint()))));
            checks.push(subscription(&config, &pubsub).await);
        }
        Err(error) => checks.push(Check::setting("PUBSUB_EMULATOR_HOST", Err(error))),
    }
    checks
}

fn site(config: &Config) -> Check {
    let Some(directory) = &config.site_dir else {
        return Check::new("SITE_DIR", Outcome::Fine("unset: no site is served".to_owned()));
    };
    let site = Site::load(directory).map(|site| format!("{}: {} paths", directory.display(), site.len()));
    Check::setting("SITE_DIR", site.map_err(|error| SettingError::new("SITE_DIR", error)))
}

async fn subscription(config: &Config, pubsub: &PubSub) -> Check {
    let topic = pubsub.topic(&config.sessions_topic);
    let id = subscription_id(&config.region, &config.replica_id, rand::random());
    let tried = match OwnSubscription::new(pubsub, &id).await {
        Ok(own) => own.try_out(&topic).await,
        Err(error) => Err(error),
    };
    let outcome = match tried {
        Ok(None) => Outcome::Fine("subscriptions to it can be made and deleted".to_owned()),
        Ok(Some(error)) => Outcome::Attention(format!(
            "subscriptions cannot be deleted, and are left behind for a day: {error}"
        )),
        Err(error) => Outcome::Waits(error.to_string()),
    };
    Check::new(topic, outcome)
}
