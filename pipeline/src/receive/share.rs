//! A delivery of many plays, acknowledged when all of them are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::trace::SpanContext;

use super::Acknowledge;

/// One play's share in the handle that acknowledges a delivery. The delivery is acknowledged when every share of it is; it
/// is handed back when all are gone and one of them was dropped instead. Its span does not tell what became of each.
#[derive(Debug)]
pub struct Share<A: Acknowledge>(Arc<Whole<A>>);

#[derive(Debug)]
struct Whole<A: Acknowledge> {
    /// There until the last share is gone, which takes it: the lock is never waited for.
    ack: Mutex<Option<A>>,
    unacknowledged: AtomicUsize,
}

impl<A: Acknowledge> Share<A> {
    /// Makes `count` shares of a handle. Of none, all are acknowledged.
    pub fn of(ack: A, count: usize) -> impl Iterator<Item = Self> {
        let whole = Arc::new(Whole { ack: Mutex::new(Some(ack)), unacknowledged: AtomicUsize::new(count) });
        std::iter::repeat_n(whole, count).map(Self)
    }
}

impl<A: Acknowledge> Acknowledge for Share<A> {
    fn acknowledge(self) {
        // Whoever drops the last share sees this: dropping one synchronises with those before it.
        self.0.unacknowledged.fetch_sub(1, Ordering::Relaxed);
    }

    fn trace(&self) -> Option<SpanContext> {
        self.0.ack.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.trace()
    }
}

impl<A: Acknowledge> Drop for Whole<A> {
    fn drop(&mut self) {
        let ack = self.ack.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if *self.unacknowledged.get_mut() == 0
            && let Some(ack) = ack
        {
            ack.acknowledge();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes what becomes of it.
    #[derive(Debug)]
    struct Noting(Arc<Mutex<Vec<&'static str>>>, bool);

    impl Acknowledge for Noting {
        fn acknowledge(mut self) {
            self.1 = true;
            self.0.lock().unwrap().push("acknowledged");
        }
    }

    impl Drop for Noting {
        fn drop(&mut self) {
            if !self.1 {
                self.0.lock().unwrap().push("handed back");
            }
        }
    }

    #[test]
    fn a_delivery_is_acknowledged_when_all_of_it_is() {
        for (name, acknowledged, expected) in [
            ("all", [true, true, true], "acknowledged"),
            ("not the first", [false, true, true], "handed back"),
            ("not the last", [true, true, false], "handed back"),
            ("none", [false, false, false], "handed back"),
        ] {
            let notes = Arc::default();
            let shares: Vec<_> = Share::of(Noting(Arc::clone(&notes), false), 3).collect();
            let mut shares = shares.into_iter().zip(acknowledged);
            for (share, acknowledge) in shares.by_ref().take(2) {
                if acknowledge {
                    share.acknowledge();
                }
            }
            assert_eq!(*notes.lock().unwrap(), [""; 0], "{name}: not before the last");
            for (share, acknowledge) in shares {
                if acknowledge {
                    share.acknowledge();
                }
            }
            assert_eq!(*notes.lock().unwrap(), [expected], "{name}");
        }
    }

    #[test]
    fn a_delivery_without_shares_is_acknowledged() {
        let notes = Arc::default();
        assert_eq!(Share::of(Noting(Arc::clone(&notes), false), 0).count(), 0);
        assert_eq!(*notes.lock().unwrap(), ["acknowledged"]);
    }
}
