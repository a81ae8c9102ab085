//! A second account of the deliveries, to hold the ledger to.

use std::rc::Rc;

use pipeline::ledger::Ledger;

/// What acknowledges a delivery. As long as it exists, somebody holds the delivery.
#[derive(Debug)]
pub(super) struct Ack {
    _exists: Rc<()>,
}

/// Counts handles instead of what became of them.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// One reference more than there are handles.
    existing: Rc<()>,
    delivered: u64,
    acked: u64,
}

impl Books {
    /// Another delivery. Its handle can neither be copied nor acked twice, as in the pipeline.
    pub(super) fn deliver(&mut self) -> Ack {
        self.delivered += 1;
        Ack { _exists: Rc::clone(&self.existing) }
    }

    pub(super) fn acked(&mut self, ack: Ack) {
        self.acked += 1;
        drop(ack);
    }

    /// The two accounts agree.
    pub(super) fn check(&self, ledger: &Ledger) {
        let existing = Rc::strong_count(&self.existing) as u64 - 1;
        assert_eq!(ledger.received(), self.delivered, "deliveries that were not counted");
        assert_eq!(ledger.held(), existing, "deliveries that are held and those on the books as held");
        assert_eq!(ledger.settled() + ledger.dropped_in_all(), self.acked, "acks and what they are for");
        assert_eq!(ledger.received(), ledger.settled() + ledger.held() + ledger.dropped_in_all());
    }
}
