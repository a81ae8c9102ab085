//! What must hold whatever goes wrong: the real binaries as processes, on a local-pubsub that fails as planned.
//!
//! Each scenario has a broker of its own, and all run side by side. After each: received = settled + held + dropped, and
//! the sessions that the rules promise have been published as the oracle computes them, at least once; repeats of plays
//! may make later panes of them.

mod backlog;
mod delivery;
mod outages;
mod refusals;
mod restarts;
mod scene;
mod time;
mod two_stages;
