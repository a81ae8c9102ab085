//! What can be said of a message of the plays topic by itself: decode and sample, the same wherever plays are received.

use std::time::Duration;

use bytes::Bytes;
use listening_together_proto::{Timestamp, Window};

use crate::decode::{self, Play, Rejection};
use crate::ledger::{Done, DropReason, Held, Ledger};
use crate::locate::Atlas;
use crate::sample::Sampler;

/// How many plays are looked at before the first of them is taken in. What their addresses are looked up in is in the
/// processor's cache then, and no other part of it has been pushed out.
const TOGETHER: usize = 64;

/// Looks at messages.
#[derive(Clone, Copy, Debug)]
pub struct Intake {
    /// How far ahead of the clock a play may be dated.
    pub max_future_skew: Duration,
    /// Which tracks are kept.
    pub sampler: Sampler,
    /// How long a window is, anew in each of which tracks are drawn.
    pub window_length: Duration,
}

/// A play, and what can be said of it by itself.
#[derive(Clone, Copy)]
pub struct Decoded<'a> {
    /// The play.
    pub play: Play<'a>,
    /// The window that it belongs to.
    pub window: Window,
    /// Whether its track is in the sample of its window.
    pub sampled: bool,
}

/// How a delivery of no use is answered.
pub enum Answer<A> {
    /// Acknowledge it.
    Ack(Done<A>),
    /// Publish the original message to the dead-letter topic; when that is confirmed, it is dropped and acknowledged.
    Reject {
        /// The message as it came.
        data: Bytes,
        /// Why.
        reason: DropReason,
        /// The play on the books.
        play: Held<A>,
    },
}

impl<A> Answer<A> {
    /// To a play of no use for `reason`, which came in the message `data`.
    pub fn to(data: &Bytes, play: Held<A>, reason: DropReason, ledger: &mut Ledger) -> Self {
        if reason.is_rejection() {
            // A copy: the message is a slice of a whole response, which would stay in memory with it.
            Self::Reject { data: Bytes::copy_from_slice(data), reason, play }
        } else {
            Self::Ack(ledger.drop_play(play, reason))
        }
    }
}

impl Intake {
    /// Looks at `deliveries`, and hands each to `take_in`, in their order: faster than one by one. Addresses that will
    /// be looked up in `atlas` are looked up sooner then.
    pub fn receive_all<A>(
        &self,
        deliveries: impl IntoIterator<Item = (Bytes, A)>,
        now: Timestamp,
        atlas: &Atlas,
        mut take_in: impl FnMut(&Bytes, A, Result<Decoded<'_>, DropReason>),
    ) {
        let mut deliveries = deliveries.into_iter();
        loop {
            let (data, acks): (Vec<_>, Vec<_>) = deliveries.by_ref().take(TOGETHER).unzip();
            if data.is_empty() {
                return;
            }
            let decoded: Vec<_> = data.iter().map(|data| self.decode(data, now)).collect();
            let wanted = decoded.iter().flatten().filter(|decoded| decoded.sampled);
            atlas.warm_up(wanted.map(|decoded| decoded.play.address));
            for ((data, ack), decoded) in data.iter().zip(acks).zip(decoded) {
                take_in(data, ack, decoded);
            }
        }
    }

    fn decode<'a>(&self, data: &'a [u8], now: Timestamp) -> Result<Decoded<'a>, DropReason> {
        let play = decode::decode(data, now, self.max_future_skew).map_err(|rejection| match rejection {
            Rejection::Malformed => DropReason::Malformed,
            Rejection::Future => DropReason::Future,
        })?;
        let window = Window::holding(play.played_at, self.window_length);
        Ok(Decoded { play, window, sampled: self.sampler.keeps(play.track, window.start) })
    }
}
