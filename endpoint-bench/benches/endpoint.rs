//! `make bench-api`: see [`endpoint_bench`]. Prints its tables.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement is its output")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use endpoint_bench::constant_server::{self, Framework};
use endpoint_bench::measure;

/// Compares /api/latest with nginx, axum and a bare hyper server, and measures what the endpoint promises.
#[derive(Parser)]
struct Arguments {
    /// Rounds in each of which every server is asked for a second.
    #[arg(long, default_value = "20")]
    rounds: usize,
    /// Compare servers, and measure nothing else.
    #[arg(long)]
    servers_only: bool,
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
    if let Some(Command::Hold) = arguments.command {
        return runtime.block_on(measure::hold(|what| println!("{what}")));
    }
    if !arguments.bench {
        println!("this measures for minutes: say `make bench-api`");
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let measuring =
        measure::measure(arguments.rounds, arguments.servers_only, &program, |what| eprintln!("{what}"));
    let report = runtime.block_on(measuring)?;
    println!("{report}");
    Ok(())
}
