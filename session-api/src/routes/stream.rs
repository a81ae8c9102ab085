//! `GET /api/stream`: each slot as it is announced, pushed as Server-Sent Events in the client's language.
//!
//! ```text
//! retry: 3000
//!
//! id: 359102161
//! event: slot
//! data: {"slot":359102161,"starts_at":"2026-11-24T09:00:05.000Z", ...}
//! ```
//!
//! A client is first sent the slot that is current and those announced after it; one that comes back with
//! `Last-Event-ID`, the slots since. A comment every 15 s is a sign of life. A stream ends when the replica does, when
//! it is as old as MAX_STREAM_AGE (so that clients spread over new replicas), and when the client cannot keep up; clients
//! then connect again by themselves.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{self, BodySize, MessageBody};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, HeaderValue,
    RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use listening_together_proto::Language;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_stream::Stream as _;
use tokio_stream::wrappers::WatchStream;
use utoipa::ToSchema;

use super::method::read_only;
use super::openapi::{Lang, PROBLEM, Resumption};
use super::request;
use crate::clock::Clock;
use crate::feed::{Board, End, Feed, Lacks, Place};
use crate::problem::{self, Problem};
use crate::render::SlotView;
use crate::snapshot::Screen;
use crate::telemetry::{OpenStream, Telemetry};

/// Milliseconds that a client waits before it connects again.
const RETRY: &[u8] = b"retry: 3000\n\n";
/// A comment, which clients pass over.
const HEARTBEAT: &[u8] = b":\n\n";
/// The most that a connection is given at a time: actix keeps its buffer as large as what was once in it.
const PIECE: usize = 2048;
/// Seconds after which a client may try again that found no seat.
const SEAT_RETRY: HeaderValue = HeaderValue::from_static("10");
/// The same, of one that came to a replica that is ending: another is there.
const ENDING_RETRY: HeaderValue = HeaderValue::from_static("1");

/// The longest that one stream lasts.
#[derive(Clone, Copy, Debug)]
pub struct MaxStreamAge(pub Duration);

/// Adds the resource.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_only("/api/stream", stream));
}

/// A slot as it is pushed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `feed` writes")]
pub(super) struct SlotEvent<'a> {
    /// `slot`
    #[schema(pattern = "^slot$")]
    event: &'a str,
    /// The number of the slot.
    #[schema(pattern = "^[0-9]+$")]
    id: &'a str,
    /// The slot as JSON, as `current` and `next` are in `/api/latest`.
    #[schema(value_type = String, content_media_type = "application/json")]
    data: SlotView<'a>,
}

/// Slots as they are announced
///
/// Server-Sent Events: `event: slot`, `data` is a slot as in `/api/latest`, `id` is its number. A new client is first
/// sent the current slot and those announced after it; one that comes back with `Last-Event-ID`, the slots since.
/// Comments are signs of life. A stream ends now and then; clients connect again by themselves.
#[utoipa::path(
    get,
    path = "/api/stream",
    tag = "sessions",
    params(Lang, Resumption),
    responses(
        (status = 200, description = "Events, until one side ends them", body = SlotEvent<'_>,
            content_type = "text/event-stream"),
        (status = 400, description = "`lang` is no language tag", body = Problem<'_>, content_type = PROBLEM),
        (status = 503, description = "This replica has as many streams as it may have, or is ending", body = Problem<'_>,
            content_type = PROBLEM, headers(("Retry-After" = u32, description = "Seconds"))),
    ),
)]
pub(super) async fn stream(
    asked: HttpRequest,
    feed: web::Data<Feed>,
    screen: web::Data<Screen>,
    max_age: web::Data<MaxStreamAge>,
    clock: web::Data<Clock>,
    telemetry: web::Data<Telemetry>,
) -> HttpResponse {
    let language = match request::language(&asked) {
        Ok(language) => language,
        Err(detail) => return problem::response(StatusCode::BAD_REQUEST, &detail),
    };
    // The server would wait for the end of a body that it does not send.
    if asked.method() == Method::HEAD {
        // An empty body would have a length, which a stream has not.
        let response = HttpResponse::with_body(StatusCode::OK, body::None::new());
        return with_headers(response.map_into_boxed_body(), language);
    }
    let Some(seat) = feed.seat() else {
        telemetry.stream_refused();
        return full();
    };
    let (board, changes) = feed.board();
    // Nothing would wake a stream that begins now.
    if board.is_closed() {
        return ending();
    }
    let place = board.end();
    let mut pending = VecDeque::from([Bytes::from_static(RETRY)]);
    let lacks = match (last_event_id(&asked), screen.shown().as_deref()) {
        (Some(last), _) => Lacks::Since(last),
        (None, Some(shown)) => Lacks::From(shown.current().starts_at),
        (None, None) => Lacks::NotOverAt(clock.now()),
    };
    pending.extend(board.greeting(lacks, language));
    let events = EventStream {
        pending,
        place,
        language,
        changes,
        // Those that came together shall not come back together.
        end: Box::pin(tokio::time::sleep(max_age.0.mul_f64(rand::random_range(0.8..=1.0)))),
        is_over: false,
        has_given: false,
        open: telemetry.stream_opened(),
        _seat: seat,
    };
    let mut response = HttpResponse::with_body(StatusCode::OK, events).map_into_boxed_body();
    // A client that comes back shall find any replica, not this one over the connection that it has.
    response.head_mut().set_connection_type(ConnectionType::Close);
    with_headers(response, language)
}

fn with_headers(mut response: HttpResponse, language: Language) -> HttpResponse {
    let headers: [(HeaderName, HeaderValue); 7] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CONTENT_LANGUAGE, HeaderValue::from_static(language.tag())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (VARY, HeaderValue::from_static("Accept-Language")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // nginx would collect events until its buffer is full.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    headers.into_iter().for_each(|(name, value)| {
        response.headers_mut().insert(name, value);
    });
    response
}

fn full() -> HttpResponse {
    let detail = "this replica has as many streams as it may have; /api/latest can be polled instead";
    unavailable(detail, SEAT_RETRY)
}

fn ending() -> HttpResponse {
    let mut response = unavailable("this replica is ending; another one streams", ENDING_RETRY);
    response.head_mut().set_connection_type(ConnectionType::Close);
    response
}

fn unavailable(detail: &str, retry_after: HeaderValue) -> HttpResponse {
    let mut response = problem::response(StatusCode::SERVICE_UNAVAILABLE, detail);
    response.headers_mut().insert(RETRY_AFTER, retry_after);
    response
}

/// The slot that the client had last; one that is no number counts as none.
fn last_event_id(asked: &HttpRequest) -> Option<u64> {
    let name = HeaderName::from_static("last-event-id");
    request::values(asked, &name).next().and_then(|id| id.trim().parse().ok())
}

/// The body of one stream. The server asks it for more only while the connection takes what it was given.
struct EventStream {
    /// What the connection is to be sent next: at most one more than the feed remembers.
    pending: VecDeque<Bytes>,
    place: Place,
    language: Language,
    changes: WatchStream<Arc<Board>>,
    end: Pin<Box<Sleep>>,
    is_over: bool,
    /// The connection has been given a piece, and has not been let write it yet. Where it cannot, because its client does not
    /// read, it is given more all the same, until actix has 32 KiB for it.
    has_given: bool,
    open: OpenStream,
    _seat: OwnedSemaphorePermit,
}

impl EventStream {
    /// What the connection is to write next; never more than [`PIECE`] at a time.
    fn next_piece(&mut self) -> Option<Bytes> {
        let event = self.pending.front_mut()?;
        if event.len() > PIECE {
            return Some(event.split_to(PIECE));
        }
        self.pending.pop_front()
    }

    fn take_in(&mut self, board: &Board) {
        match board.news(&mut self.place, self.language) {
            Ok(news) => {
                self.pending.extend(news.events);
                self.pending.extend(news.heartbeat.then_some(Bytes::from_static(HEARTBEAT)));
            }
            Err(end) => {
                self.is_over = true;
                if end == End::Lagged {
                    self.open.lagged();
                }
            }
        }
    }
}

impl MessageBody for EventStream {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        loop {
            if this.has_given && !this.pending.is_empty() {
                this.has_given = false;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(piece) = this.next_piece() {
                this.has_given = true;
                return Poll::Ready(Some(Ok(piece)));
            }
            this.has_given = false;
            if this.is_over || this.end.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut this.changes).poll_next(cx)) {
                Some(board) => this.take_in(&board),
                None => return Poll::Ready(None),
            }
        }
    }
}
