//! A bare hyper server that gives one answer to every request for one path: what HTTP costs in Rust.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::answer::Answer;

/// Serves the answer that is written as JSON in the file `answer` on `address`, until standard input ends: the process
/// that started this one is gone then.
///
/// # Errors
/// When the address is taken, or the answer cannot be read.
pub fn run(answer: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let answer: Answer = serde_json::from_slice(&std::fs::read(answer)?)?;
    // One thread: it has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut input, mut nothing) = (stdin()?, [0]);
        tokio::select! {
            outcome = serve(&answer, address) => outcome,
            _ = input.read(&mut nothing) => Ok(()),
        }
    })
}

/// Standard input without a thread of its own.
fn stdin() -> anyhow::Result<tokio::net::unix::pipe::Receiver> {
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?;
    tokio::net::unix::pipe::Receiver::from_owned_fd(input).context("standard input is not a pipe")
}

async fn serve(answer: &Answer, address: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(address.ip() == Ipv4Addr::LOCALHOST, "this is for measurements on one machine");
    let response = response(answer)?;
    let listener = TcpListener::bind(address).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let response = response.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let answer = if request.uri().path() == "/api/latest" { response.clone() } else { not_found() };
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        let serving = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(connection), service);
        tokio::spawn(async move {
            // A client that goes away is none of this server's business.
            drop(serving.await);
        });
    }
}

fn response(answer: &Answer) -> anyhow::Result<Response<Full<Bytes>>> {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let mut response = Response::new(Full::new(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status)?;
    *response.headers_mut() = headers;
    Ok(response)
}

fn not_found() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
