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

use arc_swap::ArcSwapOption;
use hashbrown::HashMap;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    broker::{
        Batch, Broker, BrokerError, Limits, Monotonic, Now, StreamHandle, StreamId, StreamOptions,
        SubscriptionName, UnixMillis,
    },
    faults::{Decisions, FaultPlan},
    status::permission_denied,
};

/// The shared broker of a server.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    started: Instant,
    timer: Notify,
    stopping: CancellationToken,
    /// What goes wrong at present.
    faults: ArcSwapOption<Decisions>,
    port_open: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    broker: Broker,
    /// Ends the course of the present plan.
    plan: CancellationToken,
    /// Publish calls since the present plan was set.
    publishes: u64,
    sleepers: HashMap<StreamId, Arc<Notify>>,
    /// When the timer will go off.
    armed: Option<Monotonic>,
}

impl Hub {
    pub(crate) fn new(limits: Limits, stopping: CancellationToken) -> Arc<Self> {
        let state = State {
            broker: Broker::new(limits),
            plan: CancellationToken::new(),
            publishes: 0,
            sleepers: HashMap::new(),
            armed: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            started: Instant::now(),
            timer: Notify::new(),
            stopping,
            faults: ArcSwapOption::empty(),
            port_open: watch::Sender::new(true),
        })
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

    /// What goes wrong at present; usually nothing.
    pub(crate) fn faults(&self) -> Option<Arc<Decisions>> {
        self.faults.load_full()
    }

    /// Lets a call about a topic or subscription (its full name) pass.
    ///
    /// # Errors
    ///
    /// PERMISSION_DENIED while a planned fault takes the rights to it away.
    pub(crate) fn permit(&self, resource: &str) -> Result<(), Status> {
        match self.faults() {
            Some(faults) if faults.denies_permission(resource) => Err(permission_denied()),
            _ => Ok(()),
        }
    }

    /// Counts a Publish call, and tells whether it is to fail.
    pub(crate) fn refuses_publish(&self, topic: &str) -> bool {
        let Some(faults) = self.faults() else { return false };
        let call = {
            let mut state = self.lock();
            state.publishes += 1;
            state.publishes
        };
        faults.refuses_publish(topic, call)
    }

    /// Whether connections are to be accepted, and word of every change.
    pub(crate) fn port_open(&self) -> watch::Receiver<bool> {
        self.port_open.subscribe()
    }

    /// Begins a plan of faults, in place of the one before. The faults of its beginning hold on return.
    pub(crate) fn set_faults(self: &Arc<Self>, plan: FaultPlan) {
        let course = CancellationToken::new();
        let set = Instant::now();
        {
            let mut state = self.lock();
            std::mem::replace(&mut state.plan, course.clone()).cancel();
            state.publishes = 0;
            // The storms of the plan before are no reason to leave out those of this one.
            state.broker.set_faults(None, self.now());
            self.enter(&mut state, Decisions::at(&plan, Duration::ZERO));
        }
        if plan.next_change(Duration::ZERO).is_some() {
            tokio::spawn(Arc::clone(self).follow(plan, set, course));
        }
    }

    /// Goes through the moments of a plan at which something changes.
    async fn follow(self: Arc<Self>, plan: FaultPlan, set: Instant, course: CancellationToken) {
        let mut elapsed = Duration::ZERO;
        while let Some(change) = plan.next_change(elapsed) {
            elapsed = change;
            tokio::select! {
                biased;
                () = course.cancelled() => return,
                () = self.stopping.cancelled() => return,
                () = tokio::time::sleep_until((set + change).into()) => {}
            }
            let mut state = self.lock();
            // Another plan may have been set since this one's moment came.
            if course.is_cancelled() {
                return;
            }
            self.enter(&mut state, Decisions::at(&plan, elapsed));
        }
    }

    fn enter(&self, state: &mut State, faults: Option<Decisions>) {
        if faults.is_some() || self.faults.load().is_some() {
            tracing::info!(?faults, "what goes wrong changes");
        }
        let faults = faults.map(Arc::new);
        self.faults.store(faults.clone());
        self.port_open.send_replace(!faults.as_ref().is_some_and(|faults| faults.refuses_connections()));
        state.broker.set_faults(faults, self.now());
        state.sleepers.values().for_each(|stream| stream.notify_one());
        self.follow_up(state);
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

    /// The number that the faults know this stream by.
    pub(crate) fn number(&self) -> u64 {
        self.handle.id().0
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
