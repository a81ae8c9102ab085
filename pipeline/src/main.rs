//! The pipeline's process: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::service::main(
        |config: &pipeline::config::Config| &config.common,
        pipeline::explain::check,
        pipeline::run::run,
    )
}
