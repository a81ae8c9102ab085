//! The whole service, as `main` runs it, without a Pub/Sub that answers.

use std::ffi::OsString;
use std::net::TcpListener;
use std::time::Duration;

use service_runtime::settings::{Invocation, read};
use session_api::{Config, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

/// Nothing listens on port 1.
const NOWHERE: &str = "127.0.0.1:1";
const ANY_PORT: &str = "127.0.0.1:0";

fn config(api: &str, admin: &str) -> Config {
    let lookup = |name: &str| {
        let value = match name {
            "GOOGLE_CLOUD_PROJECT" => "demo",
            "PUBSUB_EMULATOR_HOST" => NOWHERE,
            "BIND_ADDR" => api,
            "ADMIN_ADDR" => admin,
            _ => return None,
        };
        Some(value.into())
    };
    match read([OsString::from("session-api")], lookup) {
        Ok(Invocation::Run(config)) => config,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_pubsub_it_serves_and_ends_when_told_to() {
    let stop = CancellationToken::new();
    let service = Service::bind(config(ANY_PORT, ANY_PORT), stop.clone()).expect("free ports");
    let address = service.api_address();
    let running = tokio::spawn(service.run());
    let mut connection = tokio::net::TcpStream::connect(address).await.expect("a bound port");
    let request = b"GET /api/latest HTTP/1.1\r\nhost: test\r\n\r\n";
    connection.write_all(request).await.expect("an open connection");
    let mut status = [0; 12];
    connection.read_exact(&mut status).await.expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 503");
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), running).await;
    ended.expect("an end within 10 s").expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn a_port_in_use_is_named_by_its_setting() {
    let taken = TcpListener::bind(ANY_PORT).expect("a free port");
    let address = taken.local_addr().expect("a bound port").to_string();
    for (name, config) in
        [("BIND_ADDR", config(&address, ANY_PORT)), ("ADMIN_ADDR", config(ANY_PORT, &address))]
    {
        let error = Service::bind(config, CancellationToken::new()).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: cannot listen on {address}")), "{error}");
    }
}
