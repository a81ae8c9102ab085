//! `make bench-api`: see [`endpoint_bench`]. Prints its tables.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement is its output")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use emulator_tests::services::binary;
use endpoint_bench::constant_server::{self, Framework};
use endpoint_bench::measure::{self, Plan};

/// Compares /api/latest with nginx, axum and a bare hyper server, and measures what the endpoint promises.
#[derive(Parser)]
struct Arguments {
    /// Rounds in each of which every server is asked for a second.
    #[arg(long, default_value = "20")]
    rounds: usize,
    /// Compare servers, and measure nothing else.
    #[arg(long)]
    servers_only: bool,
    /// The program that is measured: the one beside this one unless told otherwise.
    #[arg(long)]
    session_api: Option<PathBuf>,
    /// cargo says this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves a constant; started by this program.
    #[command(hide = true)]
    ServeConstant { framework: Framework, answer: PathBuf, address: SocketAddr },
    /// Starts session-api with a slot on its core, for a profiler, until standard input ends.
    Hold,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Command::ServeConstant { framework, answer, address }) = arguments.command {
        return constant_server::run(framework, &answer, address);
    }
    // One thread, on one core: clients, the broker and wrk share it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let session_api = || arguments.session_api.map_or_else(|| binary("session-api"), Ok);
    if let Some(Command::Hold) = arguments.command {
        return runtime.block_on(measure::hold(&session_api()?, |what| println!("{what}")));
    }
    if !arguments.bench {
        println!("this measures for minutes: say `make bench-api`");
        return Ok(());
    }
    let session_api = session_api()?;
    let (rounds, servers_only, constant_server) =
        (arguments.rounds, arguments.servers_only, std::env::current_exe()?);
    let plan = Plan { rounds, servers_only, session_api, constant_server };
    let report = runtime.block_on(measure::measure(&plan, |what| eprintln!("{what}")))?;
    println!("{report}");
    Ok(())
}
