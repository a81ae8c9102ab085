//! Visitors who ask all the time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::connection::Connection;

/// How long an answer may take; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// What visitors were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were answered with 200 and a whole body.
    pub answered: u64,
    /// Streams of events that were ended in order.
    pub streams_ended: u64,
    /// Requests and streams that were not, by what came instead.
    pub lost: BTreeMap<String, u64>,
}

/// Visitors at work. They go away when this is dropped.
#[derive(Debug)]
pub struct Visitors {
    tally: Arc<Mutex<Tally>>,
    _visitors: JoinSet<()>,
}

impl Visitors {
    /// `pollers` who ask for the latest sessions `every` so often, and `listeners` to the stream of events; each over a
    /// connection that it keeps for as long as it can.
    #[must_use]
    pub fn come(to: SocketAddr, pollers: usize, every: Duration, listeners: usize) -> Self {
        let (tally, mut visitors) = (Arc::<Mutex<Tally>>::default(), JoinSet::new());
        for _ in 0..pollers {
            visitors.spawn(poll(to, every, Arc::clone(&tally)));
        }
        for _ in 0..listeners {
            visitors.spawn(listen(to, Arc::clone(&tally)));
        }
        Self { tally, _visitors: visitors }
    }

    /// What they were answered so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn poll(to: SocketAddr, every: Duration, tally: Arc<Mutex<Tally>>) {
    let mut connection = Connection::new(to);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let whole = async { read(ask(&mut connection, to, "/api/latest").await?).await };
        let outcome = timeout(PATIENCE, whole).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        count(&tally, outcome, |tally| &mut tally.answered);
    }
}

async fn listen(to: SocketAddr, tally: Arc<Mutex<Tally>>) {
    let mut connection = Connection::new(to);
    // A browser waits for three seconds, as it is told to.
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        let begun = timeout(PATIENCE, ask(&mut connection, to, "/api/stream")).await;
        let outcome = match begun {
            Ok(Ok(stream)) => read(stream).await,
            Ok(Err(lost)) => Err(lost),
            Err(_) => Err("no answer in time".to_owned()),
        };
        count(&tally, outcome, |tally| &mut tally.streams_ended);
    }
}

async fn ask(
    connection: &mut Connection,
    host: SocketAddr,
    path: &str,
) -> Result<Response<Incoming>, String> {
    let request = Request::get(path).header("host", host.to_string()).body(Empty::<Bytes>::new());
    let answer =
        connection.send(request.expect("it is well formed")).await.map_err(|lost| lost.to_string())?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(format!("status {}", answer.status().as_u16()))
    }
}

/// Reads an answer to its end.
async fn read(answer: Response<Incoming>) -> Result<(), String> {
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        frame.map_err(|_| "an answer that breaks off".to_owned())?;
    }
    Ok(())
}

fn count(tally: &Mutex<Tally>, outcome: Result<(), String>, good: impl FnOnce(&mut Tally) -> &mut u64) {
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    *match outcome {
        Ok(()) => good(&mut tally),
        Err(lost) => tally.lost.entry(lost).or_default(),
    } += 1;
}
