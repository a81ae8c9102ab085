//! A rolling update of session-api as Kubernetes does it, and visitors who count what it costs them.
//!
//! ```text
//! visitors -> proxy -> those of the replicas that the endpoints name
//!                      ^ started and ended one after the other by the deployment
//! ```
//!
//! What Kubernetes and load balancers do around a replica is done here at a [`Pace`], which is the chart's made shorter;
//! the replicas are the real ones, and end at their own pace.

mod connection;
mod deployment;
mod endpoints;
mod proxy;
mod visitors;

pub use deployment::Deployment;
pub use endpoints::Endpoints;
pub use proxy::{Proxy, Routing};
pub use visitors::{Tally, Visitors};

use std::time::Duration;

/// How fast things happen around replicas.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a replica is asked whether it is ready.
    pub probe_every: Duration,
    /// How long it takes until requests follow what has changed.
    pub propagation: Duration,
    /// How long a replica that has to go is left alone before it gets SIGTERM.
    pub pre_stop: Duration,
}

impl Pace {
    /// The readiness probe and the `preStopSeconds` of the chart, and what Google's load balancers may take.
    pub const CHART: Self = Self {
        probe_every: Duration::from_secs(2),
        propagation: Duration::from_secs(30),
        pre_stop: Duration::from_secs(35),
    };

    /// The same, `times` as fast.
    #[must_use]
    pub fn faster(self, times: u32) -> Self {
        Self {
            probe_every: self.probe_every / times,
            propagation: self.propagation / times,
            pre_stop: self.pre_stop / times,
        }
    }
}
