//! What would come of running with some settings: they, the files and Pub/Sub are looked at as [`crate::run`] looks at them,
//! and nothing is received or published.

use listening_together_proto::Timestamp;
use service_runtime::explain::{Check, Outcome};
use service_runtime::pubsub::PubSub;
use service_runtime::settings::SettingError;

use crate::catalogue::Catalogue;
use crate::config::{Config, Stage};
use crate::drive::now;
use crate::locate::Databases;
use crate::publish::is_retained;
use crate::run::Resources;

/// Looks at everything that the stage needs.
pub async fn check(config: Config) -> Vec<Check> {
    let mut checks = vec![rules(&config)];
    checks.extend(databases(&config));
    match config.stage {
        Stage::Locate => {
            let users = config.user_hash().map(|_| "users are told apart by it".to_owned());
            checks.push(Check::setting("USER_HASH_KEY", users));
        }
        Stage::All | Stage::Curate => checks.push(catalogue(&config)),
    }
    checks.push(Check::address("ADMIN_ADDR", config.admin_addr));
    match PubSub::from_settings(&config.common) {
        Ok(pubsub) => checks.extend(resources(&config, &pubsub).await),
        Err(error) => checks.push(Check::setting("PUBSUB_EMULATOR_HOST", Err(error))),
    }
    checks
}

fn rules(config: &Config) -> Check {
    let agree = |_| "they go with one another".to_owned();
    match config.rules().map(agree) {
        Ok(found) => Check::new("the rules' settings", Outcome::Fine(found)),
        // The text names the setting.
        Err(error) => Check::new("the rules' settings", Outcome::Refuses(error.to_string())),
    }
}

fn databases(config: &Config) -> Vec<Check> {
    let settings = config.databases();
    let anonymous = match &settings.anonymous_ip {
        None if config.stage == Stage::Curate => None,
        None => {
            let kept = "unset: plays from anonymised addresses are kept".to_owned();
            Some(Outcome::Attention(kept))
        }
        Some(path) => Some(Outcome::Fine(format!("{} can be used", path.display()))),
    };
    let anonymous = anonymous.map(|outcome| Check::new("GEOIP_ANONYMOUS_IP_DB", outcome));
    match settings.open() {
        Ok(databases) => {
            let found = format!("{}{} can be used", settings.city.display(), age(&databases, now()));
            let city = Check::new("GEOIP_CITY_DB", Outcome::Fine(found));
            std::iter::once(city).chain(anonymous).collect()
        }
        Err(error) => {
            let setting = error.kind().setting();
            vec![Check::setting(setting, Err(SettingError::new(setting, error)))]
        }
    }
}

/// How old the city database is, for a sentence.
fn age(databases: &Databases, now: Timestamp) -> String {
    let days = databases.built_at().map(|built| now.since(built).as_secs() / 86_400);
    days.map_or_else(String::new, |days| format!(", built {days} days ago,"))
}

fn catalogue(config: &Config) -> Check {
    let Some(path) = &config.track_catalog else {
        let shown = "unset: tracks are shown by their id".to_owned();
        return Check::new("TRACK_CATALOG", Outcome::Fine(shown));
    };
    let read = Catalogue::read(path);
    match read {
        Ok(catalogue) if catalogue.altered() > 0 => {
            let (altered, of) = (catalogue.altered(), catalogue.len());
            let told = format!("{}: {altered} of {of} tracks are not shown quite as written", path.display());
            Check::new("TRACK_CATALOG", Outcome::Attention(told))
        }
        read => {
            let told = read.map(|catalogue| format!("{}: {} tracks", path.display(), catalogue.len()));
            Check::setting("TRACK_CATALOG", told.map_err(|error| SettingError::new("TRACK_CATALOG", error)))
        }
    }
}

async fn resources(config: &Config, pubsub: &PubSub) -> Vec<Check> {
    let Resources { source, output, dead_letters } = Resources::of(config, pubsub);
    let dead_letters_problem = pubsub.find_topic(&dead_letters).await.problem(&dead_letters);
    let dead_letters_outcome = match dead_letters_problem {
        None => Outcome::Fine("is there, and may be used".to_owned()),
        // The service is ready without it.
        Some(problem) => Outcome::Attention(format!("rejected messages would wait: {problem}")),
    };
    let mut checks = vec![
        Check::new("Pub/Sub", Outcome::Fine(format!("is asked at {}", pubsub.endpoint()))),
        Check::resource(&source, &pubsub.find_subscription(&source).await),
        Check::resource(&output, &pubsub.find_topic(&output).await),
        Check::new(dead_letters, dead_letters_outcome),
    ];
    if config.stage != Stage::Locate {
        checks.push(programme(pubsub, &output).await);
    }
    checks
}

/// What was announced before, with which a pipeline that starts goes on. It starts without as well.
async fn programme(pubsub: &PubSub, topic: &str) -> Check {
    let outcome = match is_retained(pubsub, topic).await {
        Ok(true) => Outcome::Fine("what was announced before can be read back".to_owned()),
        Ok(false) => {
            let lost = "the topic retains nothing: after each start the programme is empty";
            Outcome::Attention(lost.to_owned())
        }
        Err(error) => Outcome::Attention(format!("after each start the programme is empty: {error}")),
    };
    Check::new("the programme", outcome)
}
