//! The frame of a service's `main`.
//!
//! ```text
//! read settings -> start logs and traces -> run(config, stop) until it ends -> exit code
//! ```
//!
//! SIGTERM, SIGINT or SIGHUP cancels `stop`: a request to finish, which a service answers by draining within its own deadline.
//! A second signal ends the process at once.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::explain::{Check, EffectiveSetting, Explanation};
use crate::settings::{self, CommonSettings, Invocation, SettingError};
use crate::telemetry;

/// Exit code of a service that cannot start with its settings.
const EXIT_SETTINGS: u8 = 2;
/// Exit code of a service that failed while it ran.
const EXIT_FAILED: u8 = 1;

/// The first argument that asks for an [explanation](crate::explain).
const EXPLAIN: &str = "explain";

/// How long threads that are still busy when a service has ended may take.
const LAST_THREADS: Duration = Duration::from_millis(200);

/// Why a service ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It cannot start with its settings.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A part of it failed or ended early, so that it stopped as a whole.
    #[error("{part} failed")]
    Part {
        /// Which part.
        part: &'static str,
        /// What happened to it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ServiceError {
    /// A part failed by `source`.
    pub fn part(part: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Part { part, source: source.into() }
    }
}

/// Runs a service from start to exit code. `run` gets the settings and the token that asks it to stop; `check` says what
/// would come of running with them, where that is [asked](crate::explain).
pub fn main<C, F, G>(
    common: fn(&C) -> &CommonSettings,
    check: impl FnOnce(C) -> G,
    run: impl FnOnce(C, CancellationToken) -> F,
) -> ExitCode
where
    C: Parser,
    F: Future<Output = Result<(), ServiceError>>,
    G: Future<Output = Vec<Check>>,
{
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let is_asked = arguments.get(1).is_some_and(|first| first == EXPLAIN);
    if is_asked {
        arguments.remove(1);
    }
    let (config, mut settings) =
        match settings::read_with_sources::<C>(arguments, |name| std::env::var_os(name)) {
            Ok(Invocation::Run(read)) => read,
            Ok(Invocation::Print(text)) => return print(&text),
            Err(error) => return refuse(&error),
        };
    if is_asked {
        settings.extend(telemetry::otlp::settings(std::env::vars_os()));
        return explain(settings, async move {
            let mut checks = telemetry::check(common(&config));
            checks.extend(check(config).await);
            checks
        });
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    // The exporter's connection lives in the runtime.
    let entered = runtime.enter();
    let traces = match telemetry::start(common(&config), C::command().get_name()) {
        Ok(traces) => traces,
        Err(error) => return refuse(&error),
    };
    drop(entered);
    let outcome = runtime.block_on(async {
        let stop = CancellationToken::new();
        stop_on_signal(stop.clone()).map_err(|error| ServiceError::part("signal handling", error))?;
        run(config, stop).await
    });
    drop(traces);
    // Without a limit this would wait for a name look-up that hangs in a thread of its own.
    runtime.shutdown_timeout(LAST_THREADS);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(ServiceError::Setting(error)) => refuse(&error),
        Err(error) => fail(&error),
    }
}

fn runtime() -> Result<Runtime, ServiceError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| ServiceError::part("the async runtime", error))
}

/// Prints the settings and what the checks find.
fn explain(settings: Vec<EffectiveSetting>, checks: impl Future<Output = Vec<Check>>) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let explanation = Explanation { settings, checks: runtime.block_on(checks) };
    runtime.shutdown_timeout(LAST_THREADS);
    print(&explanation.to_string());
    ExitCode::from(explanation.exit_code())
}

/// Cancels `stop` at the first SIGTERM, SIGINT or SIGHUP (the terminal was closed); ends the process at the second.
///
/// # Errors
/// When the process cannot listen for signals.
pub fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hang_up.recv() => {}
            }
            if stop.is_cancelled() {
                tracing::warn!("told to stop a second time, ending at once");
                std::process::exit(EXIT_FAILED.into());
            }
            tracing::info!("told to stop, draining");
            stop.cancel();
        }
    });
    Ok(())
}

/// An error's text followed by those of its sources.
#[must_use]
pub fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn print(text: &str) -> ExitCode {
    // A closed pipe (`--help | head`) is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// The one line of a refusal goes to standard error as it is: logs may not have started.
fn refuse(error: &SettingError) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(EXIT_SETTINGS)
}

fn fail(error: &ServiceError) -> ExitCode {
    tracing::error!("{}", with_sources(error));
    ExitCode::from(EXIT_FAILED)
}
