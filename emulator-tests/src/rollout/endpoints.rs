//! Which replicas requests are sent to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::Pace;

/// After so many probes in a row that failed, a replica is not ready any more: Kubernetes' default.
const FAILURES: u32 = 3;

/// How long a probe may take: the chart's `timeoutSeconds`.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The replicas that are ready and need not go, as those see them who send requests: [`Pace::propagation`] late.
///
/// Clones share one state. The replicas' readiness is followed until the last of them is dropped.
#[derive(Clone, Debug)]
pub struct Endpoints {
    shared: Arc<Shared>,
    _following: Arc<DropGuard>,
}

#[derive(Debug)]
struct Shared {
    propagation: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    replicas: Vec<Known>,
    /// Since when which replicas could be sent requests, up to now.
    history: VecDeque<(Instant, Vec<SocketAddr>)>,
    /// How many requests or connections have been sent to one.
    turns: usize,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    api: SocketAddr,
    admin: SocketAddr,
    is_ready: bool,
    failures: u32,
    has_to_go: bool,
}

impl Endpoints {
    /// Of no replicas yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        let shared = Arc::new(Shared { propagation: pace.propagation, state: Mutex::default() });
        let stop = CancellationToken::new();
        let following = follow(Arc::clone(&shared), pace.probe_every);
        tokio::spawn(stop.clone().run_until_cancelled_owned(following));
        Self { shared, _following: Arc::new(stop.drop_guard()) }
    }

    /// A replica has been started that will answer at these addresses.
    pub fn add(&self, api: SocketAddr, admin: SocketAddr) {
        let known = Known { api, admin, is_ready: false, failures: 0, has_to_go: false };
        self.shared.change(|replicas| replicas.push(known));
    }

    /// The replica has to go, and shall be sent nothing more.
    pub fn leave(&self, api: SocketAddr) {
        self.shared.change(|replicas| {
            let of_it = replicas.iter_mut().filter(|known| known.api == api);
            of_it.for_each(|known| known.has_to_go = true);
        });
    }

    /// The replica is gone.
    pub fn remove(&self, api: SocketAddr) {
        self.shared.change(|replicas| replicas.retain(|known| known.api != api));
    }

    /// Where requests are sent now.
    #[must_use]
    pub fn routed(&self) -> Vec<SocketAddr> {
        self.shared.routed(&mut self.shared.lock()).to_vec()
    }

    /// The one whose turn it is, if there is any.
    #[must_use]
    pub fn pick(&self) -> Option<SocketAddr> {
        let mut state = self.shared.lock();
        state.turns += 1;
        let turn = state.turns;
        let routed = self.shared.routed(&mut state);
        routed.get(turn.checked_rem(routed.len())?).copied()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Known>)) {
        let mut state = self.lock();
        change(&mut state.replicas);
        let ready = state.replicas.iter().filter(|known| known.is_ready && !known.has_to_go);
        let ready: Vec<_> = ready.map(|known| known.api).collect();
        if state.history.back().is_none_or(|(_, last)| *last != ready) {
            state.history.push_back((Instant::now(), ready));
        }
    }

    /// What was so until [`Self::propagation`] ago.
    fn routed<'a>(&self, state: &'a mut State) -> &'a [SocketAddr] {
        let is_seen = |(since, _): &(Instant, Vec<SocketAddr>)| since.elapsed() >= self.propagation;
        while state.history.get(1).is_some_and(is_seen) {
            state.history.pop_front();
        }
        state.history.front().filter(|entry| is_seen(entry)).map_or(&[], |(_, ready)| ready)
    }
}

async fn follow(shared: Arc<Shared>, probe_every: Duration) {
    let http = reqwest::Client::new();
    let mut ticks = tokio::time::interval(probe_every);
    loop {
        ticks.tick().await;
        let known = shared.lock().replicas.clone();
        for Known { api, admin, .. } in known {
            let probe = http.get(format!("http://{admin}/readyz")).timeout(PROBE_TIMEOUT).send().await;
            let is_ready = probe.is_ok_and(|answer| answer.status().is_success());
            shared.change(|replicas| {
                for known in replicas.iter_mut().filter(|known| known.api == api) {
                    known.failures = if is_ready { 0 } else { known.failures + 1 };
                    known.is_ready = is_ready || (known.is_ready && known.failures < FAILURES);
                }
            });
        }
    }
}
