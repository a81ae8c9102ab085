//! A connection that is given up when its client begins a request and does not finish it.
//!
//! actix times the head of the first request on a connection only: a client that has been answered once could send the
//! next head byte by byte for ever. Here every request is answered as soon as it is there. A connection on which
//! something was read, but nothing written for [`TICK`] and up to twice as long, is therefore one that waits for its
//! client.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How often a connection is looked at on which something was read that is not answered. While answers follow at once,
/// that is a timer in so long, and none for each request.
const TICK: Duration = Duration::from_secs(5);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A request.
    Answered,
    /// The rest of one.
    Unanswered,
    /// The rest of one, since before the last tick.
    Overdue,
}

#[derive(Debug)]
pub(super) struct Guarded<T> {
    connection: T,
    state: State,
    tick: Option<Pin<Box<Sleep>>>,
}

impl<T> Guarded<T> {
    pub(super) fn new(connection: T) -> Self {
        Self { connection, state: State::Answered, tick: None }
    }

    /// Ready when the client has had its time.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while self.state != State::Answered {
            let tick = self.tick.get_or_insert_with(|| Box::pin(sleep(TICK)));
            ready!(tick.as_mut().poll(cx));
            self.tick = None;
            if self.state == State::Overdue {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.state = State::Overdue;
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.connection).poll_read(cx, buffer);
        if buffer.filled().len() > before && this.state == State::Answered {
            this.state = State::Unanswered;
        }
        match read {
            Poll::Pending => this.poll_overdue(cx).map(Err),
            read => read,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.connection).poll_write(cx, bytes);
        if matches!(written, Poll::Ready(Ok(length)) if length > 0) {
            this.state = State::Answered;
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    fn connection() -> (Guarded<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(1024);
        (Guarded::new(ours), theirs)
    }

    /// After how many seconds a connection is given up whose client sends so many bytes first, and then one every
    /// second.
    async fn given_up_after(mut ours: Guarded<DuplexStream>, mut theirs: DuplexStream) -> u64 {
        let start = Instant::now();
        let trickling = tokio::spawn(async move {
            while theirs.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut bytes = Vec::new();
        let reading = tokio::time::timeout(Duration::from_secs(3600), ours.read_to_end(&mut bytes));
        let error = reading.await.expect("it is given up").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(ours);
        trickling.await.unwrap();
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_trickles_in_is_given_up() {
        let (ours, theirs) = connection();
        assert!((5..=11).contains(&given_up_after(ours, theirs).await));
    }

    #[tokio::test(start_paused = true)]
    async fn also_when_others_were_answered_before() {
        let (mut ours, mut theirs) = connection();
        for _ in 0..100 {
            theirs.write_all(b"GET").await.unwrap();
            ours.read_exact(&mut [0; 3]).await.unwrap();
            ours.write_all(b"200").await.unwrap();
            theirs.read_exact(&mut [0; 3]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!((5..=11).contains(&given_up_after(ours, theirs).await));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_client_and_one_that_only_listens_are_left_alone() {
        let (mut ours, mut theirs) = connection();
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, ours.read_u8()).await.is_err(), "nothing was begun");
        theirs.write_all(b"GET").await.unwrap();
        ours.read_exact(&mut [0; 3]).await.unwrap();
        ours.write_all(b"200").await.unwrap();
        assert!(tokio::time::timeout(hour, ours.read_u8()).await.is_err(), "it was answered");
        theirs.write_all(b"!").await.unwrap();
        assert_eq!(ours.read_u8().await.unwrap(), b'!');
    }
}
