//! Who is compared: session-api in three answers, and for each of them nginx and hyper with the like.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use emulator_tests::services::free_address;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::affinity::on_server_core;
use crate::answer::{self, Answer};
use crate::nginx::{Nginx, Site};
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
    /// hyper that returns a constant.
    Hyper,
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
    _hyper: Vec<Child>,
}

impl Contest {
    /// Asks the replica, which shows a slot, and starts servers that answer the like. `program` is one that runs
    /// [`crate::constant_server`] when its arguments are `serve-constant FILE ADDRESS`.
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
        let (mut contestants, mut hyper) = (Vec::new(), Vec::new());
        for (index, asked) in Asked::ALL.into_iter().enumerate() {
            let (child, address) = start_hyper(&answers[index], index, directory, program)?;
            let hyper_pid = child.id().context("hyper has ended")?;
            hyper.push(child);
            let all = [
                (Server::SessionApi, replica.address, replica.pid()?),
                (Server::NginxReturn, nginx.addresses[index], nginx.pid()?),
                (Server::Hyper, address, hyper_pid),
            ];
            let body = answers[index].body.len();
            for (server, address, pid) in all {
                contestants.push(contestant(server, asked, address, asked.header(&etag), pid, body).await?);
            }
        }
        let file = nginx.addresses[Asked::ALL.len()];
        until_there(file).await?;
        let tag = answer::ask(file, "/api/latest", &[]).await?.header("etag")?.to_owned();
        for (asked, body) in [(Asked::Identity, identity.body.len()), (Asked::Unchanged, 0)] {
            let headers = asked.header(&tag);
            contestants.push(contestant(Server::NginxFile, asked, file, headers, nginx.pid()?, body).await?);
        }
        Ok(Self { contestants, _nginx: nginx, _hyper: hyper })
    }
}

/// Checks that it answers as it should.
async fn contestant(
    server: Server,
    asked: Asked,
    address: SocketAddr,
    headers: Vec<(&'static str, String)>,
    pid: u32,
    body: usize,
) -> anyhow::Result<Contestant> {
    until_there(address).await?;
    let answer = answer::ask(address, "/api/latest", &headers).await?;
    ensure!(
        answer.status < 400 && answer.body.len() == body,
        "{server:?} answers {asked:?} with {} and {} bytes instead of {body}",
        answer.status,
        answer.body.len()
    );
    Ok(Contestant { server, asked, body, url: format!("http://{address}/api/latest"), headers, pid })
}

fn start_hyper(
    answer: &Answer,
    index: usize,
    directory: &Path,
    program: &Path,
) -> anyhow::Result<(Child, SocketAddr)> {
    let (file, address) = (directory.join(format!("answer-{index}.json")), free_address()?);
    std::fs::write(&file, serde_json::to_vec(answer)?)?;
    let mut command = Command::new(program);
    command.arg("serve-constant").arg(file).arg(address.to_string());
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
