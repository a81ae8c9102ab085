//! What was measured, as tables in Markdown, each promise beside it.

use std::fmt;

use crate::constant_server::Framework;
use crate::contestant::{Asked, Contestant, Server};
use crate::process::{Memory, megabytes};
use crate::statistics::{Spread, quantile};
use crate::streams;
use crate::throughput::{Rounds, position};

/// The ratio to nginx's constant that is promised.
const TO_NGINX: f64 = 1.0;
/// The ratio to hyper's constant that is promised.
const TO_HYPER: f64 = 0.95;
/// What an idle stream may take, in bytes.
const MOST_EACH: u64 = 16 * 1024;

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// The machine's.
    pub processor: Option<String>,
    /// Load averages before and after.
    pub load: [String; 2],
    /// Who took part.
    pub contestants: Vec<Contestant>,
    /// How fast they were.
    pub rounds: Rounds,
    /// session-api's memory with all bodies.
    pub loaded: Memory,
    /// The same after all rounds.
    pub busy: Memory,
    /// Everything but the comparison, unless only that was asked for.
    pub others: Option<Others>,
}

/// What is measured of session-api alone.
#[derive(Clone, Debug)]
pub struct Others {
    /// Memory with all bodies where glibc keeps what it likes, as nothing tells it in the environment.
    pub as_glibc_likes: Memory,
    /// Milliseconds of CPU that the bodies of a slot take.
    pub bodies_ms: Spread,
    /// Milliseconds of CPU that a replica takes for a slot, everything included.
    pub replica_ms: f64,
    /// Milliseconds from the start of a slot to the first answer with it, sorted.
    pub boundary_ms: Vec<f64>,
    /// The same while others ask as fast as they can.
    pub loaded_boundary_ms: Vec<f64>,
    /// About streams of events.
    pub streams: streams::Outcome,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}; load averages before and after: {} and {}; {} rounds of slices of a second\n",
            self.processor.as_deref().unwrap_or("an unknown processor"),
            self.load[0],
            self.load[1],
            self.rounds.count()
        )?;
        self.servers(f)?;
        writeln!(f)?;
        self.promises(f)
    }
}

impl Report {
    fn servers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| answer | body, bytes | server | thousand requests per CPU-second | session-api's ratio to it |"
        )?;
        writeln!(f, "|---|---|---|---|---|")?;
        for asked in Asked::ALL {
            for (index, other) in self.contestants.iter().enumerate() {
                if other.asked != asked {
                    continue;
                }
                let name = match other.server {
                    Server::SessionApi => "**session-api**",
                    Server::NginxReturn => "nginx, `return 200`",
                    Server::NginxFile => "nginx, a file",
                    Server::Constant(Framework::Hyper) => "bare hyper",
                    Server::Constant(Framework::Axum) => "axum",
                    Server::Constant(Framework::Actix) => "actix-web",
                };
                let rate = Spread::of(self.rounds.of(index).map(|slice| slice.per_cpu_second / 1e3));
                let own = position(&self.contestants, Server::SessionApi, asked);
                let ratio = own.filter(|own| *own != index).and_then(|own| self.rounds.ratio(own, index));
                writeln!(
                    f,
                    "| {} | {} | {name} | {} | {} |",
                    asked.name(),
                    other.body,
                    rate.map(|rate| format!("{rate:.1}")).unwrap_or_default(),
                    ratio.map(|ratio| ratio.to_string()).unwrap_or_default()
                )?;
            }
        }
        Ok(())
    }

    fn promises(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| promise | measured | |\n|---|---|---|")?;
        let hyper = Server::Constant(Framework::Hyper);
        for (server, name, least) in
            [(Server::NginxReturn, "nginx `return 200`", TO_NGINX), (hyper, "bare hyper", TO_HYPER)]
        {
            for asked in Asked::ALL {
                self.ratio(f, server, asked, name, least)?;
            }
        }
        for asked in Asked::ALL {
            self.p99(f, asked)?;
        }
        let is_small = |memory: Memory| megabytes(memory.resident) < 16.0;
        row(f, "RSS with all bodies below 16 MB", &self.loaded.to_string(), is_small(self.loaded))?;
        row(f, "the same after all rounds", &self.busy.to_string(), is_small(self.busy))?;
        match &self.others {
            Some(others) => write!(f, "{others}"),
            None => Ok(()),
        }
    }

    fn ratio(
        &self,
        f: &mut fmt::Formatter<'_>,
        server: Server,
        asked: Asked,
        name: &str,
        least: f64,
    ) -> fmt::Result {
        let own = position(&self.contestants, Server::SessionApi, asked);
        let other = position(&self.contestants, server, asked);
        let ratio = own.zip(other).and_then(|(own, other)| self.rounds.ratio(own, other));
        let promise = format!("{}: at least {least:.2} x {name}", asked.name());
        match ratio {
            Some(ratio) => row(f, &promise, &ratio.to_string(), ratio.median >= least),
            None => row(f, &promise, "not measured: no rounds", None),
        }
    }

    fn p99(&self, f: &mut fmt::Formatter<'_>, asked: Asked) -> fmt::Result {
        let promise = format!("{}: p99 below 2 ms when quiet", asked.name());
        let own = position(&self.contestants, Server::SessionApi, asked);
        match own.map(|own| self.rounds.quiet_p99_ms(own)) {
            Some((Some(p99), slices)) => {
                row(f, &promise, &format!("{p99} ms in {slices} quiet slices"), p99.median < 2.0)
            }
            _ => row(f, &promise, "not measured: no slice was quiet, others used the machine", None),
        }
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = "RSS with all bodies without the image's environment, for comparison";
        row(f, name, &self.as_glibc_likes.to_string(), None)?;
        self.streams(f)?;
        let bodies = format!("{:.1} ms, at most {:.1}", self.bodies_ms, self.bodies_ms.most);
        row(f, "the bodies of a slot below 20 ms of CPU", &bodies, self.bodies_ms.median < 20.0)?;
        let all = format!("{:.1} ms", self.replica_ms);
        row(f, "all that a replica without requests does for a slot, for comparison", &all, None)?;
        let name = "start of a slot to the first answer with it, p99 at most 20 ms";
        boundary(f, name, &self.boundary_ms)?;
        boundary(f, "the same while 64 connections ask as fast as they can", &self.loaded_boundary_ms)
    }
}

impl Others {
    fn streams(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streams = &self.streams;
        let kib = |bytes: u64| format!("{:.1} KiB", bytes as f64 / 1024.0);
        let promise = format!("{} idle streams: at most 16 KiB each", streams::STREAMS);
        let (each, after) = (streams.bytes_each(), streams.bytes_each_after());
        row(f, &promise, &kib(each), each <= MOST_EACH)?;
        let promise = format!("the same after {} slots were sent to them", streams::SLOTS);
        row(f, &promise, &kib(after), after <= MOST_EACH)?;
        let text = format!(
            "{:.0} ms, at most {:.0}; half of them: {:.0} ms",
            streams.last_ms, streams.last_ms.most, streams.median_ms
        );
        row(f, "a slot reaches the last of them within 250 ms", &text, streams.last_ms.median <= 250.0)
    }
}

fn boundary(f: &mut fmt::Formatter<'_>, promise: &str, delays: &[f64]) -> fmt::Result {
    let of = |share| quantile(delays, share).unwrap_or(f64::NAN);
    let text = format!(
        "{:.1} ms; p50 {:.1} ms, at most {:.1} ms, of {} slots",
        of(0.99),
        of(0.5),
        of(1.0),
        delays.len()
    );
    row(f, promise, &text, of(0.99) <= 20.0)
}

/// Without `kept` it was not measured, or nothing is promised.
fn row(
    f: &mut fmt::Formatter<'_>,
    promise: &str,
    measured: &str,
    kept: impl Into<Option<bool>>,
) -> fmt::Result {
    let verdict = match kept.into() {
        Some(true) => "kept",
        Some(false) => "**missed**",
        None => "",
    };
    writeln!(f, "| {promise} | {measured} | {verdict} |")
}
