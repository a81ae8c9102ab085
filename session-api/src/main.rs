//! The session-api service.

use std::process::ExitCode;

use session_api::Config;

fn main() -> ExitCode {
    service_runtime::service::main(
        |config: &Config| &config.common,
        session_api::explain::check,
        session_api::run,
    )
}
