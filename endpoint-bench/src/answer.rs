//! One answer of an HTTP/1.1 server.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Headers that a server makes itself.
const OF_THE_SERVER: [&str; 5] = ["connection", "content-length", "date", "server", "transfer-encoding"];

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// 200, 304, and so on.
    pub status: u16,
    /// In lower case, without those that every server makes itself.
    pub headers: Vec<(String, String)>,
    /// As it was sent.
    pub body: Bytes,
}

impl Answer {
    /// The value of a header.
    ///
    /// # Errors
    /// When it is not there.
    pub fn header(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).with_context(|| format!("no {name} in {self:?}"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        let mut headers = headers.collect::<Option<Vec<_>>>()?;
        headers.retain(|(name, _)| !OF_THE_SERVER.contains(&name.as_str()));
        Some(Self { status, headers, body: Bytes::copy_from_slice(&bytes[end + 4..]) })
    }
}

/// Asks for `path` on a connection of its own.
///
/// # Errors
/// When there is no answer, or none in time.
pub async fn ask(address: SocketAddr, path: &str, headers: &[(&str, String)]) -> anyhow::Result<Answer> {
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let answer = timeout(PATIENCE, exchange(address, request.as_bytes())).await;
    let bytes = answer.with_context(|| format!("no answer from {address} within {PATIENCE:?}"))??;
    Answer::parse(&bytes).with_context(|| format!("no answer from {address}"))
}

/// What a server sends for `request` before it closes the connection.
async fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(request).await?;
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = ask(silent.local_addr().unwrap(), "/", &[]).await.unwrap_err();
        assert!(error.to_string().contains("within 20s"), "{error:#}");
    }

    #[test]
    fn an_answer_is_read() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"a:b\"\r\nDate: x\r\n\r\nhi";
        let answer = Answer::parse(bytes).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"hi"[..]));
        assert_eq!(answer.headers, [("etag".to_owned(), "\"a:b\"".to_owned())]);
        assert_eq!(answer.header("etag").unwrap(), "\"a:b\"");
        assert!(answer.header("date").is_err());
        assert_eq!(Answer::parse(b"HTTP/1.1 200 OK\r\n"), None);
    }
}
