//! `/livez`, `/readyz` and `/metrics` on a port of their own, which no load balancer exposes.
//!
//! `/livez` answers as long as the process turns and depends on nothing else. `/readyz` answers 200 while the service
//! says so through its [`Readiness`], 503 before and after; with `?verbose` it says why.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Server;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::settings::SettingError;
use crate::telemetry::Metrics;

/// Whether a service can do its work, and in a few words why or why not. Clones share one state.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<(bool, String)>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((false, "starting".to_owned()))))
    }
}

impl Readiness {
    /// From now on ready.
    pub fn ready(&self, why: &str) {
        self.set(true, why);
    }

    /// From now on not ready.
    pub fn not_ready(&self, why: &str) {
        self.set(false, why);
    }

    /// Whether it is ready, and why.
    #[must_use]
    pub fn get(&self) -> (bool, String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, ready: bool, why: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 != ready || state.1 != why {
            *state = (ready, why.to_owned());
        }
    }
}

/// Starts to answer on `address`; the server has to be awaited to run, and is stopped by its handle.
///
/// # Errors
/// When the address cannot be bound.
pub fn server(address: SocketAddr, readiness: Readiness, metrics: Metrics) -> Result<Server, SettingError> {
    let app = move || {
        App::new()
            .app_data(web::Data::new(readiness.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .route("/livez", web::get().to(async || plain(HttpResponse::Ok(), "ok")))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(render_metrics))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .bind(address)
        .map_err(|error| cannot_bind("ADMIN_ADDR", address, &error))?;
    Ok(server.run())
}

/// The error for an address that is taken or is not this machine's.
#[must_use]
pub fn cannot_bind(setting: &str, address: SocketAddr, error: &std::io::Error) -> SettingError {
    let hint = "expected ip:port of a free port on this machine";
    SettingError::new(setting, format_args!("cannot listen on {address} ({error}); {hint}"))
}

async fn readyz(
    readiness: web::Data<Readiness>,
    query: web::Query<std::collections::HashMap<String, String>>,
) -> HttpResponse {
    let (ready, why) = readiness.get();
    let builder = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let short = if ready { "ok" } else { "not ready" };
    let text = if query.contains_key("verbose") { format!("{short}: {why}") } else { short.to_owned() };
    plain(builder, &text)
}

async fn render_metrics(metrics: web::Data<Metrics>) -> HttpResponse {
    match metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
            .body(text),
        Err(error) => {
            tracing::error!(%error, "cannot render the metrics");
            HttpResponse::InternalServerError().finish()
        }
    }
}

fn plain(mut builder: actix_web::HttpResponseBuilder, text: &str) -> HttpResponse {
    builder
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(format!("{text}\n"))
}
