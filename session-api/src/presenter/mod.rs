//! Who holds the programme and decides what is on the [`Screen`]: one task, so that nothing is locked.
//!
//! [`Presenter`] is the state machine, which is told the time; [`run`] is the loop around it. The snapshot of the next
//! slot is rendered as soon as the slot is announced, LEAD before it begins, and swapped in at its start.

mod state;

use std::time::Duration;

use listening_together_proto::{Slot, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

pub use state::{Presenter, Received};

use crate::clock;
use crate::health::Status;
use crate::snapshot::{Screen, Snapshot};
use crate::telemetry::Telemetry;

/// The longest sleep. Sleeping follows the monotonic clock and slots the wall clock, which may be set meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// One message of the sessions topic.
#[derive(Clone, Debug)]
pub struct Update {
    /// The slots in it.
    pub slots: Vec<Slot>,
    /// When Pub/Sub took it in.
    pub published_at: Option<Timestamp>,
    /// It was published before this replica subscribed: that it comes late says nothing about the system.
    pub is_history: bool,
}

/// Presents what comes through `updates` until their sender is gone.
pub async fn run(
    mut updates: mpsc::Receiver<Update>,
    screen: Screen,
    status: watch::Sender<Status>,
    telemetry: Telemetry,
) {
    let mut presenter = Presenter::default();
    let mut is_history = true;
    loop {
        if let Some(snapshot) = presenter.present(clock::now()) {
            let before = screen.shown().as_deref().map(|shown| shown.current().starts_at);
            screen.show(snapshot.clone());
            // What is shown first, or out of history, says when this replica started, not how long plays take.
            if !is_history && before.is_some_and(|before| before != snapshot.current().starts_at) {
                telemetry.switched(snapshot.current(), clock::now());
            }
            tell(&snapshot, &status, &telemetry);
        }
        presenter.prepare();
        let wait = presenter.next_change().map_or(MAX_SLEEP, |start| start.since(clock::now()));
        tokio::select! {
            update = updates.recv() => {
                let Some(update) = update else { return };
                is_history = update.is_history;
                take_in(update, &mut presenter, &status, &telemetry);
            }
            () = tokio::time::sleep(wait.min(MAX_SLEEP)) => is_history = false,
        }
    }
}

fn take_in(update: Update, presenter: &mut Presenter, status: &watch::Sender<Status>, telemetry: &Telemetry) {
    let now = clock::now();
    telemetry.slots_received(presenter.receive(update.slots, now));
    if let Some(published_at) = update.published_at.filter(|_| !update.is_history) {
        telemetry.update_delayed(now.since(published_at));
    }
    status.send_modify(|status| status.last_update = Some(Instant::now()));
}

fn tell(snapshot: &Snapshot, status: &watch::Sender<Status>, telemetry: &Telemetry) {
    let slot = snapshot.current().number;
    tracing::debug!(slot, "showing a slot");
    telemetry.showing(slot);
    status.send_modify(|status| status.current_slot = Some(slot));
}
