//! The application with a programme in it, and ways to ask it.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use listening_together_proto::session::decode_update;
use serde_json::Value;
use service_runtime::telemetry::Metrics;
use session_api::clock::Clock;
use session_api::presenter::Presenter;
use session_api::routes::{AppState, app};
use session_api::snapshot::Screen;
use session_api::telemetry::Telemetry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::fixtures::{at, update};

/// An application that shows slot 20, if it was told of it.
pub(crate) struct Fed(AppState);

impl Fed {
    /// As if one update with these slots had come while slot 20 was current.
    pub(crate) fn with_slots(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut presenter = Presenter::default();
        presenter.receive(decode_update(&update(numbers)).unwrap(), at(20, 100));
        let screen = Screen::default();
        presenter.prepare(at(20, 100));
        if let Some(snapshot) = presenter.present(at(20, 100)) {
            screen.show(Arc::clone(&snapshot));
        }
        let metrics = Metrics::new("session-api").unwrap();
        let telemetry = Telemetry::new(&metrics.meter());
        Self(AppState { screen, clock: Clock::default(), telemetry, site_dir: None })
    }

    pub(crate) fn and_site(mut self, directory: &Path) -> Self {
        self.0.site_dir = Some(directory.to_owned());
        self
    }

    pub(crate) async fn call(&self, method: &str, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
        let service = actix_web::test::init_service(app(self.0.clone())).await;
        let mut request = TestRequest::with_uri(path).method(Method::from_bytes(method.as_bytes()).unwrap());
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.append_header((name, *value));
        }
        let response = actix_web::test::call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: actix_web::test::read_body(response).await.to_vec() }
    }
}

/// GET with these headers, without those that are empty.
pub(crate) async fn ask(fed: &Fed, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
    fed.call("GET", path, headers).await
}

pub(crate) async fn get(fed: &Fed, path: &str) -> Answer {
    ask(fed, path, &[]).await
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body without its content coding.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        let (mut body, mut decoded) = (&self.body[..], Vec::new());
        match self.header("content-encoding") {
            None => return self.body.clone(),
            Some("br") => brotli::BrotliDecompress(&mut body, &mut decoded).unwrap(),
            Some("zstd") => zstd::stream::copy_decode(body, &mut decoded).unwrap(),
            Some("gzip") => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut decoded).unwrap()),
            Some(other) => panic!("{other} is none of our codings"),
        }
        decoded
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// It is a problem with this status; `case` names the failing one.
    pub(crate) fn assert_problem(&self, status: StatusCode, case: &str) {
        assert_eq!(self.status, status, "{case}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{case}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{case}");
        assert_eq!(self.json()["status"], status.as_u16(), "{case}");
    }
}

/// The server, on a port of its own.
pub(crate) struct Listening {
    address: std::net::SocketAddr,
    handle: ServerHandle,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Listening {
    pub(crate) async fn start(fed: Fed) -> Self {
        let stop = CancellationToken::new();
        let any_port = "127.0.0.1:0".parse().unwrap();
        let (server, address) = session_api::server::bind(any_port, fed.0, stop.clone()).unwrap();
        Self { address, handle: server.handle(), stop, running: tokio::spawn(server) }
    }

    /// A request on a connection of its own, and all that comes back.
    pub(crate) async fn request(&self, method: &str, path: &str) -> String {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// A connection that has been answered once and stays open.
    pub(crate) async fn connect_and_ask(&self, path: &str) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        connection.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        connection
    }

    /// As SIGTERM does; returns when the server has ended.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        drop(self.handle);
    }
}
