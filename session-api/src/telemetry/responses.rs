//! Counting responses, which is done in every request.
//!
//! Counting through an instrument would cost a hash of its labels, and counting in one place would pass a line of memory
//! from core to core. Each worker counts for itself; the sum is made when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The responses of one worker by the first digit of their status.
#[derive(Debug, Default)]
pub struct Responses([AtomicU64; CLASSES.len()]);

impl Responses {
    /// A request of the public port has been answered.
    pub fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        self.0[class.min(CLASSES.len() - 1)].fetch_add(1, Ordering::Relaxed);
    }
}

/// Those of all workers.
#[derive(Clone, Debug, Default)]
pub(super) struct AllResponses(Arc<Mutex<Vec<Arc<Responses>>>>);

impl AllResponses {
    pub(super) fn observed_by(meter: &Meter) -> Self {
        let all = Self::default();
        let observed = all.clone();
        meter
            .u64_observable_counter("session_api.responses")
            .with_description("Answered requests of the public port, by class of status")
            .with_callback(move |observer| {
                for (class, sum) in CLASSES.into_iter().zip(observed.sums()) {
                    observer.observe(sum, &[KeyValue::new("status", class)]);
                }
            })
            .build();
        all
    }

    /// For one more worker.
    pub(super) fn add(&self) -> Arc<Responses> {
        let responses = Arc::<Responses>::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&responses));
        responses
    }

    fn sums(&self) -> [u64; CLASSES.len()] {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::array::from_fn(|class| all.iter().map(|worker| worker.0[class].load(Ordering::Relaxed)).sum())
    }
}
