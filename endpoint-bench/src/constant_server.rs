//! Servers that give one answer to every request for one path: what HTTP costs in Rust, bare (hyper), with the framework
//! that is chosen most (axum, with one route and its usual server), and with session-api's own (actix-web, likewise): what it
//! costs beside that is session-api's.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;

use anyhow::Context as _;
use axum::body::Body;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::answer::Answer;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// Nothing around HTTP.
    Hyper,
    /// A router and its own server around hyper.
    Axum,
    /// A router and its own server around its own HTTP.
    Actix,
}

impl Framework {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hyper, Self::Axum, Self::Actix];

    /// As it is said on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hyper => "hyper",
            Self::Axum => "axum",
            Self::Actix => "actix-web",
        }
    }
}

impl FromStr for Framework {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|framework| framework.name() == text);
        known.ok_or_else(|| "expected hyper, axum or actix-web".to_owned())
    }
}

/// Serves the answer that is written as JSON in the file `answer` on `address`, until standard input ends: the process
/// that started this one is gone then.
///
/// # Errors
/// When the address is taken, or the answer cannot be read.
pub fn run(framework: Framework, answer: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let answer: Answer = serde_json::from_slice(&std::fs::read(answer)?)?;
    // One thread: it has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut input, mut nothing) = (stdin()?, [0]);
        tokio::select! {
            outcome = serve(framework, &answer, address) => outcome,
            _ = input.read(&mut nothing) => Ok(()),
        }
    })
}

/// Standard input without a thread of its own.
fn stdin() -> anyhow::Result<tokio::net::unix::pipe::Receiver> {
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?;
    tokio::net::unix::pipe::Receiver::from_owned_fd(input).context("standard input is not a pipe")
}

async fn serve(framework: Framework, answer: &Answer, address: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(address.ip() == Ipv4Addr::LOCALHOST, "this is for measurements on one machine");
    let listener = TcpListener::bind(address).await?;
    match framework {
        Framework::Hyper => with_hyper(response(answer)?, listener).await,
        Framework::Axum => with_axum(response(answer)?, listener).await,
        Framework::Actix => with_actix(answer.clone(), listener).await,
    }
}

async fn with_actix(answer: Answer, listener: TcpListener) -> anyhow::Result<()> {
    use actix_web::http::StatusCode;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use actix_web::{App, HttpResponse, HttpServer, web};

    let status = StatusCode::from_u16(answer.status)?;
    let headers = answer.headers.iter();
    let headers =
        headers.map(|(name, value)| Ok((HeaderName::try_from(name)?, HeaderValue::try_from(value)?)));
    let headers: Vec<_> = headers.collect::<anyhow::Result<_>>()?;
    let app = move || {
        let (headers, body) = (headers.clone(), answer.body.clone());
        let answer = move || {
            let mut response = HttpResponse::build(status);
            for header in &headers {
                response.insert_header(header.clone());
            }
            std::future::ready(response.body(body.clone()))
        };
        App::new().route("/api/latest", web::get().to(answer))
    };
    let server = HttpServer::new(app).workers(1).tcp_nodelay(true).disable_signals();
    let server = server.listen(listener.into_std()?)?.run();
    Ok(server.await?)
}

async fn with_axum(response: Response<Full<Bytes>>, listener: TcpListener) -> anyhow::Result<()> {
    let answer = move || std::future::ready(response.clone().map(Body::new));
    let routes = axum::Router::new().route("/api/latest", axum::routing::get(answer));
    let listener = listener.tap_io(|connection| {
        // It is lost already where this fails.
        drop(connection.set_nodelay(true));
    });
    Ok(axum::serve(listener, routes).await?)
}

async fn with_hyper(response: Response<Full<Bytes>>, listener: TcpListener) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use emulator_tests::services::free_address;

    use super::*;
    use crate::answer::ask;

    /// As soon as the server is there.
    async fn asked(address: SocketAddr, path: &str) -> Answer {
        let start = Instant::now();
        loop {
            match ask(address, path, &[]).await {
                Ok(answer) => return answer,
                Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error:#}"),
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn all_give_the_answer_that_they_were_given() {
        let headers = [("content-type", "application/json"), ("etag", "\"a\"")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let full = Answer { status: 200, headers: headers.clone(), body: "{}".into() };
        let unchanged = Answer { status: 304, headers: headers[1..].to_vec(), body: Bytes::new() };
        for framework in Framework::ALL {
            for answer in [&full, &unchanged] {
                let (given, address) = (answer.clone(), free_address().unwrap());
                let serving = tokio::spawn(async move { serve(framework, &given, address).await });
                let mut found = asked(address, "/api/latest").await;
                found.headers.sort();
                assert_eq!(found, *answer, "{framework:?}");
                assert_eq!(asked(address, "/other").await.status, 404, "{framework:?}");
                serving.abort();
            }
        }
    }
}
