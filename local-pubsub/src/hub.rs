//! The broker behind one lock, with the world's clock, its sleeping streams and its one timer.
//!
//! The lock is an ordinary mutex: it is held for the microseconds of one batch and never across an await.
//! Decoding and encoding of messages happen outside. Every access goes through [`Hub::with`], which reads the
//! clock, runs the operation, wakes the streams that it made runnable, and brings the timer forward when a
//! deadline became the earliest.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hashbrown::HashMap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::broker::{
    Batch, Broker, BrokerError, Limits, Monotonic, Now, StreamHandle, StreamId, StreamOptions,
    SubscriptionName, UnixMillis,
};

/// The shared broker of a server.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    started: Instant,
    timer: Notify,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct State {
    broker: Broker,
    sleepers: HashMap<StreamId, Arc<Notify>>,
    /// When the timer will go off.
    armed: Option<Monotonic>,
}

impl Hub {
    pub(crate) fn new(limits: Limits, stopping: CancellationToken) -> Arc<Self> {
        let state = State { broker: Broker::new(limits), sleepers: HashMap::new(), armed: None };
        Arc::new(Self { state: Mutex::new(state), started: Instant::now(), timer: Notify::new(), stopping })
    }

    /// Runs one operation on the broker, at the present moment.
    pub(crate) fn with<R>(&self, operation: impl FnOnce(&mut Broker, Now) -> R) -> R {
        let mut state = self.lock();
        let result = operation(&mut state.broker, self.now());
        self.follow_up(&mut state);
        result
    }

    /// Opens a stream, which closes when the returned value is dropped.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] without the subscription.
    pub(crate) fn open_stream(
        self: &Arc<Self>,
        subscription: &SubscriptionName,
        options: StreamOptions,
    ) -> Result<OpenStream, BrokerError> {
        let wakeup = Arc::new(Notify::new());
        let mut state = self.lock();
        let handle = state.broker.open_stream(subscription, options, self.now())?;
        state.sleepers.insert(handle.id(), Arc::clone(&wakeup));
        Ok(OpenStream { hub: Arc::clone(self), handle, wakeup })
    }

    /// Resolves when the server begins to shut down.
    pub(crate) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Lets the broker's time pass until the server shuts down.
    pub(crate) async fn run_timer(self: Arc<Self>) {
        loop {
            let due = self.arm();
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = self.timer.notified() => {}
                () = self.sleep_until(due) => self.with(|broker, now| broker.advance(now)),
            }
        }
    }

    fn arm(&self) -> Option<Monotonic> {
        let mut state = self.lock();
        state.armed = state.broker.next_due();
        state.armed
    }

    async fn sleep_until(&self, due: Option<Monotonic>) {
        match due {
            Some(due) => {
                let at = self.started + Duration::from_millis(due.as_millis());
                tokio::time::sleep_until(at.into()).await;
            }
            None => std::future::pending().await,
        }
    }

    fn follow_up(&self, state: &mut State) {
        for stream in state.broker.take_woken() {
            if let Some(wakeup) = state.sleepers.get(&stream) {
                wakeup.notify_one();
            }
        }
        if let Some(due) = state.broker.next_due()
            && state.armed.is_none_or(|armed| due < armed)
        {
            state.armed = Some(due);
            self.timer.notify_one();
        }
    }

    fn now(&self) -> Now {
        let monotonic = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            monotonic: Monotonic::from_millis(monotonic),
            wall: UnixMillis::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
        }
    }

    /// A panic inside an operation fails its own call; the broker is in memory and for tests, so others go
    /// on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of the broker and the bell that wakes it. Dropping it closes the stream.
#[derive(Debug)]
pub(crate) struct OpenStream {
    hub: Arc<Hub>,
    handle: StreamHandle,
    wakeup: Arc<Notify>,
}

impl OpenStream {
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Leases the next messages; after an empty batch, [`woken`](Self::woken) tells when to ask again.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] when the subscription has been deleted.
    pub(crate) fn next_batch(&self) -> Result<Batch, BrokerError> {
        self.hub.with(|broker, now| broker.next_batch(&self.handle, now))
    }

    /// Tells the broker not to count on this stream until its next batch.
    pub(crate) fn pause(&self) {
        self.hub.with(|broker, now| broker.pause_stream(&self.handle, now));
    }

    pub(crate) fn set_ack_deadline(&self, deadline: Duration) {
        self.hub.with(|broker, now| broker.set_stream_deadline(&self.handle, deadline, now));
    }

    pub(crate) async fn woken(&self) {
        self.wakeup.notified().await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.sleepers.remove(&self.handle.id());
        state.broker.close_stream(&self.handle, self.hub.now());
        self.hub.follow_up(&mut state);
    }
}
