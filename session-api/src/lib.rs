//! session-api: every replica holds the latest sessions in memory and answers a slot with the same bytes.
//!
//! ```text
//! subscription -> presenter (programme -> render -> snapshot) -> screen and feed -> routes
//! ```
//!
//! - [`subscription`]: a Pub/Sub subscription of the replica's own; messages in, [`presenter::Update`]s out
//! - [`presenter`]: holds the programme; renders ahead, and swaps at the start of a slot
//! - [`render`]: (programme, instant, language) to JSON, a pure function
//! - [`snapshot`]: the bodies of one moment, and the screen that requests read them from
//! - [`feed`]: what is pushed to the clients that listen
//! - [`leaving`]: how clients are sent elsewhere before the end
//! - [`routes`]: `/api/latest`, `/api/stream`, `/api/time` and the site; the rules are in [`negotiate`] and [`etag`]
//! - [`site`]: the files of SITE_DIR
//! - [`explain`]: what would come of running, without doing it
//! - [`service`]: all of it together, from bound ports to an orderly end
//!
//! Only the presenter changes what is shown, and only screen and feed are shared: a request takes no lock, makes no body, and
//! asks nobody.

pub mod clock;
pub mod clock_check;
pub mod coding;
pub mod config;
pub mod etag;
pub mod explain;
pub mod feed;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod leaving;
pub mod negotiate;
pub mod presenter;
pub mod problem;
pub mod render;
pub mod routes;
pub mod server;
pub mod service;
pub mod site;
pub mod snapshot;
pub mod subscription;
pub mod telemetry;

pub use config::Config;
pub use service::Service;

use service_runtime::service::ServiceError;
use tokio_util::sync::CancellationToken;

/// Runs session-api until `stop` is cancelled.
///
/// # Errors
/// When a port is taken, a setting is wrong, or a part failed.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), ServiceError> {
    Service::bind(config, stop)?.run().await
}
