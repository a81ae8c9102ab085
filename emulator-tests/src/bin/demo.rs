//! `make demo`: see [`emulator_tests::demo`].

use std::io::Write as _;
use std::process::ExitCode;

use emulator_tests::demo::{self, DemoSettings};
use service_runtime::service::stop_on_signal;
use service_runtime::settings::{self, Invocation};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let read = settings::read::<DemoSettings>(std::env::args_os(), |name| std::env::var_os(name));
    match read {
        Ok(Invocation::Run(settings)) => run(settings),
        Ok(Invocation::Print(text)) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => complain(&error.to_string(), 2),
    }
}

#[tokio::main]
async fn run(settings: DemoSettings) -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    let stop = CancellationToken::new();
    if let Err(error) = stop_on_signal(stop.clone()) {
        return complain(&error.to_string(), 1);
    }
    match demo::run(settings, stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "demo: {text}");
    ExitCode::from(code)
}
