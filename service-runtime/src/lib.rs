//! What both services need around their core, and nothing of what they exist for.
//!
//! - [`settings`]: flags and environment variables into one typed `Config`, with errors that name the setting
//! - [`pubsub`]: the connection to Google Cloud Pub/Sub or to an emulator, and full resource names
//! - [`permission`]: what a refusal by Pub/Sub means to whoever has to mend it
//! - [`own_subscription`]: a subscription that lives as long as its process needs it
//! - [`telemetry`]: log lines, metrics and traces, by Prometheus and OTLP
//! - [`admin`]: `/livez`, `/readyz` and `/metrics` on a port of their own
//! - [`backoff`]: waits between tries, and log lines that do not flood
//! - [`explain`]: what a service would do with its settings, without doing it
//! - [`service`]: the frame of a `main`: start, run until told to stop, end with an exit code

pub mod admin;
pub mod backoff;
pub mod explain;
pub mod own_subscription;
pub mod permission;
pub mod pubsub;
pub mod service;
pub mod settings;
pub mod telemetry;
