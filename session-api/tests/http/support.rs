//! The application with a programme in it, and ways to ask it.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use listening_together_proto::session::decode_update;
use serde_json::Value;
use service_runtime::telemetry::Metrics;
use session_api::clock::Clock;
use session_api::feed::Feed;
use session_api::leaving::Leaving;
use session_api::presenter::Presenter;
use session_api::routes::{AppState, app};
use session_api::site::Site;
use session_api::snapshot::Screen;
use session_api::telemetry::Telemetry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::fixtures::{at, slot, update};

/// An application that shows slot 20, if it was told of it.
#[derive(Clone)]
pub(crate) struct Fed(pub(crate) AppState);

impl Fed {
    /// As if one update with these slots had come while slot 20 was current.
    pub(crate) fn with_slots(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut presenter = Presenter::default();
        let (_, news) = presenter.receive(decode_update(&update(numbers)).unwrap(), at(20, 100));
        let feed = Feed::new(2);
        feed.announce(&news);
        let screen = Screen::default();
        presenter.prepare(at(20, 100));
        if let Some(snapshot) = presenter.present(at(20, 100)) {
            screen.show(Arc::clone(&snapshot));
        }
        let metrics = Metrics::new("session-api").unwrap();
        let telemetry = Telemetry::new(&metrics.meter());
        Self(AppState {
            screen,
            feed,
            max_stream_age: Duration::from_secs(3600),
            clock: Clock::default(),
            telemetry,
            site: None,
            leaving: Leaving::default(),
        })
    }

    pub(crate) fn and_site(mut self, directory: &Path) -> Self {
        self.0.site = Some(Site::load(directory).unwrap());
        self
    }

    pub(crate) fn and_max_stream_age(mut self, age: Duration) -> Self {
        self.0.max_stream_age = age;
        self
    }

    /// As if an update with these slots had come.
    pub(crate) fn announce(&self, numbers: impl IntoIterator<Item = u64>) {
        let slots: Vec<_> = numbers.into_iter().map(|number| Arc::new(slot(number, 7))).collect();
        self.0.feed.announce(&slots);
    }

    /// As if an update with one slot had come, whose JSON is longer than `length`.
    pub(crate) fn announce_at_length(&self, number: u64, length: usize) {
        let mut slot = slot(number, 7);
        Arc::make_mut(&mut slot.sessions[0]).track.title = "x".repeat(length).into();
        self.0.feed.announce(&[Arc::new(slot)]);
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
        let (server, address) =
            session_api::server::bind(any_port, 1000.try_into().unwrap(), fed.0, stop.clone()).unwrap();
        Self { address, handle: server.handle(), stop, running: tokio::spawn(server) }
    }

    /// A request on a connection of its own, and all that comes back.
    pub(crate) async fn request(&self, method: &str, path: &str) -> String {
        self.exchange(&format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")).await
    }

    /// Sends this on a connection of its own, and gives all that comes back until the server closes it.
    pub(crate) async fn exchange(&self, bytes: &str) -> String {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        // The server may have seen enough before it has read all.
        let _refused_early = connection.write_all(bytes.as_bytes()).await;
        let mut answer = Vec::new();
        let reading = connection.read_to_end(&mut answer);
        let _reset_or_end = tokio::time::timeout(PATIENCE, reading).await.expect("the server closes");
        String::from_utf8(answer).unwrap()
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

    /// A stream of events, read up to the end of its head.
    pub(crate) async fn listen(&self, path: &str, headers: &str) -> Events {
        Events::begin(TcpStream::connect(self.address).await.unwrap(), path, headers).await
    }

    /// A stream of events to a client whose kernel buffers little of it.
    pub(crate) async fn listen_with_little_room(&self, path: &str) -> Events {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Events::begin(socket.connect(self.address).await.unwrap(), path, "").await
    }

    /// As SIGTERM does; returns when the server has ended.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        drop(self.handle);
    }
}

/// How long to wait for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stream of events, as it came over the connection.
pub(crate) struct Events {
    pub(crate) head: String,
    connection: TcpStream,
    bytes: Vec<u8>,
    text: String,
}

impl Events {
    async fn begin(connection: TcpStream, path: &str, headers: &str) -> Self {
        let bytes = Vec::with_capacity(65_536);
        let mut events = Self { head: String::new(), connection, bytes, text: String::new() };
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        events.connection.write_all(request.as_bytes()).await.unwrap();
        events.head = events.until("\r\n\r\n").await;
        events
    }

    /// What has come up to and with `end`, which it waits for.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let reading = async {
            loop {
                if let Some(found) = self.text.find(end) {
                    let rest = self.text.split_off(found + end.len());
                    return std::mem::replace(&mut self.text, rest);
                }
                assert!(self.read().await, "the stream ends before {end:?}, after {}", self.text);
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{end:?} does not come"))
    }

    /// The ids of the events that came up to and with the one of slot `last`.
    pub(crate) async fn ids_until(&mut self, last: u64) -> Vec<u64> {
        let text = self.until(&format!("id: {last}\n")).await;
        text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
    }

    /// All that comes before the end, which it waits for.
    pub(crate) async fn rest(mut self) -> String {
        let reading = async { while self.read().await {} };
        tokio::time::timeout(PATIENCE, reading).await.expect("an end of the stream");
        self.text
    }

    /// Whether more has come.
    async fn read(&mut self) -> bool {
        self.bytes.clear();
        let length = self.connection.read_buf(&mut self.bytes).await.unwrap_or(0);
        self.text.push_str(&String::from_utf8_lossy(&self.bytes));
        length > 0
    }
}
