//! wrk, the load generator.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;

/// Connections that are kept open during a slice.
pub const CONNECTIONS: usize = 64;

/// What wrk counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// Answers.
    pub requests: u64,
    /// 99 of a hundred took no longer.
    pub p99: Duration,
}

/// Asks for `url` with these headers as often as [`CONNECTIONS`] connections on one thread can, for `length`.
///
/// # Errors
/// When wrk does not run, or an answer was an error.
pub async fn ask(url: &str, headers: &[(&str, String)], length: Duration) -> anyhow::Result<Count> {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--latency", "--connections", &CONNECTIONS.to_string()]);
    command.args(["--duration", &format!("{}s", length.as_secs())]);
    for (name, value) in headers {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    let output = command.arg(url).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.context("wrk cannot be started; it is in Debian's package wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {text}");
    parse(&text).with_context(|| format!("in the answer of wrk on {url}:\n{text}"))
}

fn parse(text: &str) -> anyhow::Result<Count> {
    for complaint in ["Non-2xx or 3xx responses", "Socket errors"] {
        if let Some(line) = text.lines().find(|line| line.contains(complaint)) {
            bail!("{}", line.trim());
        }
    }
    let line = |what: &str, found: fn(&str, &str) -> bool| {
        text.lines().map(str::trim).find(|line| found(line, what)).with_context(|| format!("no {what}"))
    };
    let requests = line(" requests in ", |line, what| line.contains(what))?;
    let requests = requests.split(' ').next().unwrap_or_default().parse()?;
    let p99 = line("99%", |line, what| line.starts_with(what))?.trim_start_matches("99%").trim();
    Ok(Count { requests, p99: time(p99).context("no time")? })
}

/// `950.00us`, `1.23ms`, `1.20s`.
fn time(text: &str) -> Option<Duration> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, seconds) =
        units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Running 1s test @ http://127.0.0.1:9401/api/latest
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   601.51us  204.46us   4.91ms   87.77%
    Req/Sec   105.80k     6.08k  113.32k    81.82%
  Latency Distribution
     50%  566.00us
     75%  664.00us
     90%  797.00us
     99%    1.34ms
  115743 requests in 1.10s, 199.46MB read
Requests/sec: 105251.95
Transfer/sec:    181.38MB
";

    #[test]
    fn an_answer_is_read() {
        let count = parse(ANSWER).unwrap();
        assert_eq!(count, Count { requests: 115_743, p99: Duration::from_micros(1340) });
    }

    #[test]
    fn errors_are_not_counted_as_answers() {
        let cases = [
            ("  Non-2xx or 3xx responses: 7\n", "Non-2xx or 3xx responses: 7"),
            (
                "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
                "Socket errors: connect 0, read 3, write 0, timeout 0",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(&format!("{ANSWER}{line}")).unwrap_err().to_string(), expected);
        }
        assert!(parse("unable to connect").is_err());
    }

    #[test]
    fn times_have_units() {
        let cases = [("950.00us", Some(950)), ("1.5ms", Some(1500)), ("2s", Some(2_000_000)), ("1.5", None)];
        for (text, micros) in cases {
            assert_eq!(time(text), micros.map(Duration::from_micros), "{text}");
        }
    }
}
