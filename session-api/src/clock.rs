//! The clock, read in this one place: everything else is told the time.

use std::time::SystemTime;

use listening_together_proto::Timestamp;

/// What this machine's clock says.
#[must_use]
pub fn now() -> Timestamp {
    SystemTime::now().into()
}
