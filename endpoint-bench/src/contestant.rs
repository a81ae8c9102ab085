//! Who is compared: session-api in three answers, and for each of them nginx and servers of Rust with the like.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use emulator_tests::services::free_address;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::affinity::on_server_core;
use crate::answer::{self, Answer};
use crate::constant_server::Framework;
use crate::nginx::{Nginx, Site, constant_body};
use crate::replica::Replica;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The body as it is.
    Identity,
    /// The body in brotli.
    Brotli,
    /// Whether it has changed, which it has not.
    Unchanged,
}

impl Asked {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Brotli, Self::Unchanged];

    /// In a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Brotli => "br",
            Self::Unchanged => "304",
        }
    }

    fn header(self, etag: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Identity => Vec::new(),
            Self::Brotli => vec![("accept-encoding", "br".to_owned())],
            Self::Unchanged => vec![("if-none-match", etag.to_owned())],
        }
    }
}

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// session-api.
    SessionApi,
    /// nginx that returns a constant.
    NginxReturn,
    /// nginx that serves a file.
    NginxFile,
    /// One of Rust's that returns a constant.
    Constant(Framework),
}

/// One server that is asked one thing.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// Which.
    pub server: Server,
    /// What.
    pub asked: Asked,
    /// How many bytes the body has that it answers with.
    pub body: usize,
    /// What it is asked for.
    pub url: String,
    /// How.
    pub headers: Vec<(&'static str, String)>,
    /// Whose processor time counts.
    pub pid: u32,
}

/// The servers that session-api is compared with; they end when this is dropped.
#[derive(Debug)]
pub struct Contest {
    /// Everyone.
    pub contestants: Vec<Contestant>,
    _nginx: Nginx,
    _constant: Vec<Child>,
}

impl Contest {
    /// Asks the replica, which shows a slot, and starts servers that answer the like. `program` is one that runs
    /// [`crate::constant_server`] when its arguments are `serve-constant FRAMEWORK FILE ADDRESS`.
    ///
    /// # Errors
    /// When one of them does not start, or does not answer alike.
    pub async fn prepare(replica: &Replica, directory: &Path, program: &Path) -> anyhow::Result<Self> {
        let identity = replica.ask(&[]).await?;
        let etag = identity.header("etag")?.to_owned();
        let mut answers = Vec::new();
        for asked in Asked::ALL {
            answers.push(replica.ask(&asked.header(&etag)).await?);
        }
        ensure!(
            answers.iter().map(|answer| answer.status).eq([200, 200, 304])
                && answers[1].header("content-encoding")? == "br",
            "session-api does not answer as it should: {answers:?}"
        );
        let sites: Vec<_> = answers.iter().map(Site::Return).chain([Site::File(&identity)]).collect();
        let nginx = Nginx::start(directory, &sites)?;
        let (mut contestants, mut constant) = (Vec::new(), Vec::new());
        for ((asked, answer), address) in Asked::ALL.into_iter().zip(&answers).zip(&nginx.addresses) {
            let body = &answer.body;
            let mut all = vec![
                (Server::SessionApi, replica.address, replica.pid()?, body.clone()),
                (Server::NginxReturn, *address, nginx.pid()?, constant_body(body.len())),
            ];
            let file = directory.join(format!("answer-{}.json", asked.name()));
            std::fs::write(&file, serde_json::to_vec(answer)?)?;
            for framework in Framework::ALL {
                let (child, address) = start_constant(framework, &file, program)?;
                let pid = child.id().context("a server has ended")?;
                constant.push(child);
                all.push((Server::Constant(framework), address, pid, body.clone()));
            }
            for (server, address, pid, body) in all {
                contestants.push(contestant(server, asked, address, asked.header(&etag), pid, &body).await?);
            }
        }
        let file = nginx.addresses[Asked::ALL.len()];
        until_there(file).await?;
        let tag = answer::ask(file, "/api/latest", &[]).await?.header("etag")?.to_owned();
        for (asked, body) in [(Asked::Identity, &identity.body), (Asked::Unchanged, &Bytes::new())] {
            let headers = asked.header(&tag);
            contestants.push(contestant(Server::NginxFile, asked, file, headers, nginx.pid()?, body).await?);
        }
        Ok(Self { contestants, _nginx: nginx, _constant: constant })
    }
}

/// Checks that it answers as it should.
async fn contestant(
    server: Server,
    asked: Asked,
    address: SocketAddr,
    headers: Vec<(&'static str, String)>,
    pid: u32,
    body: &Bytes,
) -> anyhow::Result<Contestant> {
    until_there(address).await?;
    let answer = answer::ask(address, "/api/latest", &headers).await?;
    check(&answer, asked, body).with_context(|| format!("{server:?}, asked for {asked:?}"))?;
    let url = format!("http://{address}/api/latest");
    Ok(Contestant { server, asked, body: body.len(), url, headers, pid })
}

/// An answer that is not the one expected would be compared with what is none.
fn check(answer: &Answer, asked: Asked, body: &Bytes) -> anyhow::Result<()> {
    // nginx has no `return 304` with a head.
    let is_expected = answer.status == 200 || (answer.status == 304 && asked == Asked::Unchanged);
    ensure!(is_expected, "it answers with {}", answer.status);
    ensure!(
        answer.body == body,
        "its body of {} bytes is not the one of {} bytes that was expected",
        answer.body.len(),
        body.len()
    );
    Ok(())
}

fn start_constant(
    framework: Framework,
    answer: &Path,
    program: &Path,
) -> anyhow::Result<(Child, SocketAddr)> {
    let address = free_address()?;
    let mut command = Command::new(program);
    command.args(["serve-constant", framework.name()]).arg(answer).arg(address.to_string());
    // It ends with the pipe, and so with this process.
    command.stdin(Stdio::piped()).kill_on_drop(true);
    Ok((on_server_core(|| command.spawn())??, address))
}

async fn until_there(address: SocketAddr) -> anyhow::Result<()> {
    let start = Instant::now();
    while let Err(error) = TcpStream::connect(address).await {
        ensure!(start.elapsed() < PATIENCE, "a server does not start: {error}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_answer_takes_part() {
        let cases = [
            ("as expected", 200, Asked::Brotli, "hi", true),
            ("not modified", 304, Asked::Unchanged, "hi", true),
            ("not modified, unasked", 304, Asked::Identity, "hi", false),
            ("an error", 404, Asked::Identity, "hi", false),
            ("another body of the same size", 200, Asked::Identity, "ho", false),
            ("a shorter body", 200, Asked::Identity, "h", false),
        ];
        for (name, status, asked, body, takes_part) in cases {
            let answer = Answer { status, headers: Vec::new(), body: body.into() };
            assert_eq!(check(&answer, asked, &"hi".into()).is_ok(), takes_part, "{name}");
        }
    }
}
