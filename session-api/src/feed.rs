//! What is pushed to the clients of `GET /api/stream`: each slot as this replica learns of it, in all languages.
//!
//! An event is made once for each language and shared by all connections. A connection holds its place in the
//! announcements and nothing else: who cannot keep up misses some, is dropped, and asks again with `Last-Event-ID`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use listening_together_proto::programme::MAX_SLOTS;
use listening_together_proto::{Language, Slot, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use crate::render;

/// So many announcements are remembered: all slots of one update, which is all that a programme holds.
const REMEMBERED: usize = MAX_SLOTS;

/// The most that they may take; the latest one is always kept. Real ones take a tenth.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Proxies and clients take a connection for dead on which nothing comes for long.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A slot as it is pushed.
#[derive(Debug)]
struct Announcement {
    slot: Arc<Slot>,
    /// By language.
    events: [Bytes; Language::ALL.len()],
}

impl Announcement {
    fn new(slot: &Arc<Slot>) -> Self {
        let event = |language| {
            let mut event = format!("id: {}\nevent: slot\ndata: ", slot.number).into_bytes();
            // JSON has no line breaks outside of texts, and escaped ones inside.
            event.extend(render::slot(slot, language));
            event.extend(b"\n\n");
            // Without the room that it was made with, which is up to its length again.
            event.into_boxed_slice().into()
        };
        Self { slot: Arc::clone(slot), events: Language::ALL.map(event) }
    }

    fn bytes(&self) -> usize {
        self.events.iter().map(Bytes::len).sum()
    }
}

/// The latest announcements, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Board {
    announcements: VecDeque<Arc<Announcement>>,
    /// What they take.
    bytes: usize,
    /// How many there have been; a connection that has seen so many has seen all.
    count: u64,
    heartbeats: u64,
    is_closed: bool,
}

/// Where a connection stands: how much of the board it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    announcements: u64,
    heartbeats: u64,
}

/// What a client lacks that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// It comes back: the slots after the one with this number.
    Since(u64),
    /// It is new: the slot that is current, which starts then, and those after it.
    From(Timestamp),
    /// It is new, and nothing is shown yet: the slots that are not over by now.
    NotOverAt(Timestamp),
}

/// What a connection is to be sent next.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In this order.
    pub events: Vec<Bytes>,
    /// A sign of life is due.
    pub heartbeat: bool,
}

/// Why nothing more is sent on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The replica is ending.
    Closed,
    /// It has missed announcements that are forgotten.
    Lagged,
}

impl Board {
    fn announce(&mut self, slot: &Arc<Slot>) {
        let latest = Arc::new(Announcement::new(slot));
        self.bytes += latest.bytes();
        self.announcements.push_back(latest);
        self.count += 1;
        while self.announcements.len() > REMEMBERED
            || (self.bytes > MAX_BYTES && self.announcements.len() > 1)
        {
            self.bytes -= self.announcements.pop_front().map_or(0, |oldest| oldest.bytes());
        }
    }

    /// The replica is ending: nothing more comes.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Where a connection begins that is sent [`Board::greeting`].
    #[must_use]
    pub fn end(&self) -> Place {
        Place { announcements: self.count, heartbeats: self.heartbeats }
    }

    /// What a new connection is sent at once, oldest slot first.
    #[must_use]
    pub fn greeting(&self, lacks: Lacks, language: Language) -> Vec<Bytes> {
        let is_new = |slot: &Slot| match lacks {
            Lacks::Since(last) => slot.number > last,
            Lacks::From(current) => slot.starts_at >= current,
            Lacks::NotOverAt(now) => slot.ends_at > now,
        };
        let mut slots: Vec<_> = self.announcements.iter().filter(|known| is_new(&known.slot)).collect();
        // Of announcements that contradict each other the last one counts.
        slots.reverse();
        slots.sort_by_key(|known| known.slot.starts_at);
        slots.dedup_by_key(|known| known.slot.starts_at);
        slots.into_iter().map(|known| known.events[language as usize].clone()).collect()
    }

    /// What a connection is to be sent that has come as far as `place`, which moves on.
    ///
    /// # Errors
    /// When the connection has to end.
    pub fn news(&self, place: &mut Place, language: Language) -> Result<News, End> {
        if self.is_closed {
            return Err(End::Closed);
        }
        let missed = usize::try_from(self.count - place.announcements).unwrap_or(usize::MAX);
        let known = self.announcements.len().checked_sub(missed).ok_or(End::Lagged)?;
        let events = self.announcements.range(known..).map(|known| known.events[language as usize].clone());
        let news = News { events: events.collect(), heartbeat: self.heartbeats != place.heartbeats };
        *place = self.end();
        Ok(news)
    }
}

/// The board and who reads it. Clones share one.
#[derive(Clone, Debug)]
pub struct Feed {
    board: watch::Sender<Arc<Board>>,
    seats: Arc<Semaphore>,
}

impl Feed {
    /// For at most `max_connections` at a time.
    #[must_use]
    pub fn new(max_connections: usize) -> Self {
        let seats = Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS));
        Self { board: watch::Sender::default(), seats: Arc::new(seats) }
    }

    /// Pushes these slots, oldest first, to every connection.
    pub fn announce(&self, slots: &[Arc<Slot>]) {
        if slots.is_empty() {
            return;
        }
        let mut slots: Vec<_> = slots.iter().collect();
        slots.sort_by_key(|slot| slot.starts_at);
        self.change(|board| slots.into_iter().for_each(|slot| board.announce(slot)));
    }

    /// The board as it is, and as it will be.
    #[must_use]
    pub fn board(&self) -> (Arc<Board>, WatchStream<Arc<Board>>) {
        let mut changes = self.board.subscribe();
        let board = Arc::clone(&changes.borrow_and_update());
        (board, WatchStream::from_changes(changes))
    }

    /// The right to one connection, until it is dropped; `None` when there are as many as may be.
    #[must_use]
    pub fn seat(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.seats).try_acquire_owned().ok()
    }

    /// Sends every connection a sign of life.
    pub fn beat(&self) {
        self.change(|board| board.heartbeats += 1);
    }

    /// Ends every connection, also those to come.
    pub fn close(&self) {
        self.change(|board| board.is_closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut Board)) {
        self.board.send_modify(|board| change(Arc::make_mut(board)));
    }
}

/// Keeps connections alive until told to stop, and ends them then.
pub async fn run(feed: Feed, stop: CancellationToken) {
    let start = tokio::time::Instant::now() + HEARTBEAT;
    let mut heartbeats = tokio::time::interval_at(start, HEARTBEAT);
    loop {
        tokio::select! {
            _ = heartbeats.tick() => feed.beat(),
            () = stop.cancelled() => return feed.close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, slot};

    fn board(slots: impl IntoIterator<Item = (u64, u128)>) -> Board {
        let mut board = Board::default();
        slots.into_iter().for_each(|(number, id)| board.announce(&Arc::new(slot(number, id))));
        board
    }

    fn ids(events: &[Bytes]) -> Vec<u64> {
        let id = |event: &Bytes| {
            let text = std::str::from_utf8(event).unwrap();
            text.strip_prefix("id: ").unwrap().split('\n').next().unwrap().parse().unwrap()
        };
        events.iter().map(id).collect()
    }

    #[test]
    fn an_event_is_the_slot_in_the_clients_language() {
        let slot = slot(20, 7);
        let board = board([(20, 7)]);
        let events = board.greeting(Lacks::Since(0), Language::Ja);
        let json = String::from_utf8(render::slot(&slot, Language::Ja)).unwrap();
        assert!(json.contains("ベルリン") && !json.contains('\n'), "{json}");
        assert_eq!(events, [format!("id: 20\nevent: slot\ndata: {json}\n\n")]);
    }

    #[test]
    fn who_comes_is_told_what_it_lacks_oldest_first() {
        // 19 came late, and 21 was replaced.
        let board = board([(18, 7), (20, 7), (21, 7), (19, 7), (21, 3), (22, 7)]);
        let cases: [(&str, Lacks, &[u64]); 7] = [
            ("a new client: what is current and what follows", Lacks::From(at(20, 0)), &[20, 21, 22]),
            ("nothing is shown yet", Lacks::NotOverAt(at(20, 4999)), &[20, 21, 22]),
            ("nothing is shown yet, and all is over", Lacks::NotOverAt(at(23, 0)), &[]),
            ("a client that comes back", Lacks::Since(18), &[19, 20, 21, 22]),
            ("after long", Lacks::Since(2), &[18, 19, 20, 21, 22]),
            ("nothing was missed", Lacks::Since(22), &[]),
            ("it knows more than we do", Lacks::Since(99), &[]),
        ];
        for (name, lacks, expected) in cases {
            let events = board.greeting(lacks, Language::En);
            assert_eq!(ids(&events), expected, "{name}");
            let replaced = events.iter().find(|event| event.starts_with(b"id: 21\n"));
            assert!(
                replaced.is_none_or(|event| event.ends_with(&board.announcements[4].events[1])),
                "{name}"
            );
        }
    }

    #[test]
    fn news_are_told_once() {
        let mut board = board([(20, 7)]);
        let mut place = board.end();
        assert_eq!(board.news(&mut place, Language::En), Ok(News::default()));
        board.announce(&Arc::new(slot(21, 7)));
        board.announce(&Arc::new(slot(22, 7)));
        assert_eq!(ids(&board.news(&mut place, Language::En).unwrap().events), [21, 22]);
        board.heartbeats += 1;
        assert_eq!(board.news(&mut place, Language::En), Ok(News { events: vec![], heartbeat: true }));
        assert_eq!(board.news(&mut place, Language::En), Ok(News::default()));
    }

    #[test]
    fn memory_is_bounded_and_who_cannot_keep_up_is_dropped() {
        let mut board = board([(20, 7)]);
        let (mut slow, mut slower) = (board.end(), board.end());
        let last = 20 + u64::try_from(REMEMBERED).unwrap();
        for number in 21..=last {
            board.announce(&Arc::new(slot(number, 7)));
        }
        assert_eq!(board.announcements.len(), REMEMBERED);
        let news = board.news(&mut slow, Language::En).unwrap();
        assert_eq!(ids(&news.events), (21..=last).collect::<Vec<_>>());
        board.announce(&Arc::new(slot(last + 1, 7)));
        assert_eq!(board.news(&mut slower, Language::En), Err(End::Lagged));
    }

    #[test]
    fn few_large_announcements_are_remembered() {
        let mut board = Board::default();
        let mut large = slot(20, 7);
        Arc::make_mut(&mut large.sessions[0]).track.title = "x".repeat(MAX_BYTES / 40).into();
        let large = Arc::new(large);
        for _ in 0..7 {
            board.announce(&large);
            let all: usize = board.announcements.iter().map(|known| known.bytes()).sum();
            assert_eq!(board.bytes, all);
            assert!(all <= MAX_BYTES, "{all}");
        }
        assert_eq!(board.announcements.len(), 4, "each is there in eight languages");
        let mut huge = slot(21, 7);
        Arc::make_mut(&mut huge.sessions[0]).track.title = "x".repeat(MAX_BYTES / 8).into();
        board.announce(&Arc::new(huge));
        assert_eq!(
            ids(&board.greeting(Lacks::Since(0), Language::En)),
            [21],
            "the latest one is always there"
        );
    }

    #[test]
    fn an_update_of_many_slots_costs_nobody_the_connection() {
        let feed = Feed::new(1);
        let mut place = feed.board().0.end();
        let slots: Vec<_> = (20..60).map(|number| Arc::new(slot(number, 7))).collect();
        feed.announce(&slots);
        let news = feed.board().0.news(&mut place, Language::En).unwrap();
        assert_eq!(ids(&news.events), (20..60).collect::<Vec<_>>());
        let greeting = feed.board().0.greeting(Lacks::From(at(20, 0)), Language::En);
        assert_eq!(ids(&greeting), (20..60).collect::<Vec<_>>(), "the current one is not pushed off");
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_sign_of_life_every_15_s_and_an_end() {
        let (feed, stop) = (Feed::new(1), CancellationToken::new());
        let (board, _) = feed.board();
        let mut place = board.end();
        let running = tokio::spawn(run(feed.clone(), stop.clone()));
        let start = tokio::time::Instant::now();
        for beat in 1..=3 {
            let mut changes = feed.board.subscribe();
            changes.changed().await.unwrap();
            assert!(changes.borrow().news(&mut place, Language::En).unwrap().heartbeat);
            assert_eq!(start.elapsed().as_secs(), beat * 15);
        }
        stop.cancel();
        running.await.unwrap();
        assert_eq!(feed.board().0.news(&mut place, Language::En), Err(End::Closed));
    }

    #[test]
    fn seats_are_limited() {
        let feed = Feed::new(2);
        let (one, _other) = (feed.seat().unwrap(), feed.seat().unwrap());
        assert!(feed.seat().is_none());
        drop(one);
        assert!(feed.seat().is_some());
    }
}
