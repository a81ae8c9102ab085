//! `make soak-sync`: see [`emulator_tests::synchrony`]. Prints the report; ends with 1 when the target is missed.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use emulator_tests::synchrony::{self, Conditions, Report};
use service_runtime::service::stop_on_signal;
use service_runtime::settings::{self, Invocation};
use tokio_util::sync::CancellationToken;

/// Runs twelve replicas of the API on a faulty Pub/Sub, and counts the slots that all of them answer alike.
#[derive(Clone, Debug, Parser)]
#[command(name = "soak-sync")]
struct SoakSettings {
    /// How many slots of a second are to be judged.
    #[arg(long, default_value = "600", value_parser = clap::value_parser!(u32).range(1..))]
    slots: u32,

    /// Decides which replicas are killed, and what goes wrong as far as that does not depend on names and times.
    #[arg(long, default_value = "1")]
    seed: u64,
}

fn main() -> ExitCode {
    match settings::read::<SoakSettings>(std::env::args_os(), |name| std::env::var_os(name)) {
        Ok(Invocation::Run(SoakSettings { slots, seed })) => run(Conditions { slots, seed }),
        Ok(Invocation::Print(text)) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => complain(&error.to_string(), 2),
    }
}

#[tokio::main]
async fn run(conditions: Conditions) -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    let stop = CancellationToken::new();
    if let Err(error) = stop_on_signal(stop.clone()) {
        return complain(&error.to_string(), 1);
    }
    match synchrony::measure(&conditions, &stop).await {
        Ok(report) => conclude(&report),
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

fn conclude(report: &Report) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{report}");
    if report.meets_target() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn complain(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "soak-sync: {text}");
    ExitCode::from(code)
}
