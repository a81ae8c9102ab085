//! Sets everything up, polls, and takes down what is seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use anyhow::Context as _;
use local_pubsub::LocalPubSub;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

use super::conditions::{CHURN_EVERY, Conditions, FIRST_CHURN, LEAD_MS, REPLICAS, SLOT_MS};
use super::fleet::{Answers, Fleet};
use super::naive::NaiveServers;
use super::report::{Machine, Report};
use super::round::{Answer, Body, Round};
use super::schedule::{is_middle, next_after, slot_of};
use super::tally::Tally;
use crate::installation::{Installation, PATIENCE, now_ms};
use crate::listeners::{PlaySpec, Shares, Timing};
use crate::services::Service;

/// Enough for many sessions a second, and little work.
const PLAYS_PER_SECOND: f64 = 200.0;

/// A slot is looked at so long after its start, in milliseconds: every round of it has been answered or given up.
const SETTLED_MS: i64 = 2 * SLOT_MS;

/// Replicas know every slot that they show, and naive servers something, after so many slots.
const WARM_UP_SLOTS: u64 = 12;

/// Runs the replicas under the conditions until so many slots are judged, or twice as many were polled, or told to stop.
///
/// # Errors
/// When something cannot be started, or ends by itself.
pub async fn measure(conditions: &Conditions, stop: &CancellationToken) -> anyhow::Result<Report> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await.context("cannot start local-pubsub")?;
    broker.set_faults(conditions.faults()?);
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let naive = NaiveServers::start(&installation.topology, REPLICAS).await?;
    let mut pipeline = start_pipeline(&installation).await?;
    let listeners = installation.listeners(plays(), PLAYS_PER_SECOND).await?;
    let mut fleet = Fleet::new(conditions.chance());
    for _ in 0..REPLICAS {
        fleet.add(&installation)?;
    }
    fleet.all_joined().await?;
    crate::collect::until("slots to begin with", PATIENCE, async || {
        naive.announced().leads_ms(0..i64::MAX).len() as u64 >= WARM_UP_SLOTS
    })
    .await?;

    let machine = Machine::now();
    let mut observer = Observer::new(fleet, naive);
    let began_ms = observer.next_slot_ms;
    observer.observe(conditions, &installation, &mut pipeline, stop).await?;

    let machine = machine.until(&Machine::now());
    let Observer { fleet, naive, tally, differences, shown, .. } = observer;
    let (killed, mut ready_after_ms) = (fleet.killed(), fleet.ready_after_ms().to_vec());
    ready_after_ms.sort_unstable();
    let leads_ms = naive.announced().leads_ms(began_ms..now_ms() - SETTLED_MS);
    fleet.stop().await?;
    let left = installation.topology.session_subscriptions().await?;
    let left_behind = left.iter().filter(|name| name.starts_with("session-api-")).count();
    listeners.stop().await?;
    drop(naive);
    pipeline.terminate(PATIENCE).await?;
    broker.shutdown().await;
    Ok(Report {
        slots_wanted: conditions.slots,
        seed: conditions.seed,
        tally,
        slots_shown: shown.len() as u64,
        differences,
        killed,
        ready_after_ms,
        left_behind: left_behind as u64,
        leads_ms,
        machine,
    })
}

async fn start_pipeline(installation: &Installation) -> anyhow::Result<Service> {
    let (slot, lead) = (format!("{SLOT_MS}ms"), format!("{LEAD_MS}ms"));
    let mut pipeline = installation.pipeline(&[("SLOT", &slot), ("LEAD", &lead), ("MAX_DISORDER", "1s")])?;
    pipeline.until_ready(PATIENCE).await?;
    Ok(pipeline)
}

fn plays() -> PlaySpec {
    let timing = Timing { spread_ms: 500, ..Timing::default() };
    PlaySpec { timing, shares: Shares { late: 0.0, ..Shares::default() }, ..PlaySpec::default() }
}

/// Polls and takes down.
struct Observer {
    fleet: Fleet,
    naive: NaiveServers,
    /// Rounds that have been answered, by slot; slots that have been looked at are gone.
    rounds: BTreeMap<i64, Vec<Round>>,
    /// The slot that is looked at next.
    next_slot_ms: i64,
    tally: Tally,
    /// What is in each body, in a few words.
    contents: HashMap<Body, Content>,
    /// The slots that were seen as current.
    shown: BTreeSet<u64>,
    differences: Vec<String>,
}

/// What is in a body, as far as it tells of the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    current: Option<u64>,
    text: String,
}

/// All were asked at a time that was due; and what the naive servers showed then.
type Asked = (i64, Vec<Option<u64>>, Answers);

impl Observer {
    fn new(fleet: Fleet, naive: NaiveServers) -> Self {
        Self {
            fleet,
            naive,
            rounds: BTreeMap::new(),
            next_slot_ms: slot_of(now_ms()) + SLOT_MS,
            tally: Tally::default(),
            contents: HashMap::new(),
            shown: BTreeSet::new(),
            differences: Vec::new(),
        }
    }

    async fn observe(
        &mut self,
        conditions: &Conditions,
        installation: &Installation,
        pipeline: &mut Service,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let slots = u64::from(conditions.slots);
        let mut asking: JoinSet<Asked> = JoinSet::new();
        let mut due_ms = next_after(self.next_slot_ms);
        let mut churn = Instant::now() + FIRST_CHURN;
        while self.tally.replicas.judged() < slots && self.tally.polled() < 2 * slots {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = until_ms(due_ms) => {
                    // Finer rounds are left out while one is under way; the middle never is.
                    if is_middle(due_ms) || asking.is_empty() {
                        let (answers, naive) = (self.fleet.ask_all(), self.naive.shown());
                        asking.spawn(async move { (due_ms, naive, answers.await) });
                    }
                    if is_middle(due_ms) {
                        self.look_at_settled(due_ms);
                        self.fleet.check_running()?;
                        pipeline.check_running()?;
                    }
                    due_ms = next_after(due_ms.max(now_ms()));
                }
                Some(asked) = asking.join_next() => self.take_down(asked?),
                joined = self.fleet.joined() => joined?,
                () = tokio::time::sleep_until(churn) => {
                    self.fleet.kill_one();
                    self.fleet.add(installation)?;
                    churn += CHURN_EVERY;
                }
            }
        }
        Ok(())
    }

    /// Takes down a round; replicas that have been killed meanwhile took no part in it.
    fn take_down(&mut self, (due_ms, naive, answers): Asked) {
        if slot_of(due_ms) < self.next_slot_ms {
            return;
        }
        let mut taken = Vec::new();
        for (replica, bytes) in answers.bodies {
            if self.fleet.member(replica).is_none() {
                continue;
            }
            let body = bytes.map(|bytes| {
                let body = Body(xxh3_64(&bytes));
                self.contents.entry(body).or_insert_with(|| Content::of(&bytes));
                body
            });
            taken.push(Answer { replica, body });
        }
        let Answers { sent_ms, done_ms, .. } = answers;
        let round = Round { due_ms, sent_ms, done_ms, answers: taken, naive };
        self.rounds.entry(round.slot()).or_default().push(round);
    }

    /// Looks at the slots of which every round is in.
    fn look_at_settled(&mut self, now_ms: i64) {
        let announced = self.naive.announced();
        while self.next_slot_ms + SETTLED_MS <= now_ms {
            let slot_ms = self.next_slot_ms;
            let mut rounds = self.rounds.remove(&slot_ms).unwrap_or_default();
            rounds.sort_by_key(|round| round.due_ms);
            let middle = rounds.iter().find(|round| is_middle(round.due_ms));
            let bodies = middle.into_iter().flat_map(Round::bodies);
            self.shown.extend(bodies.filter_map(|body| self.contents.get(&body)?.current));
            if let Some(round) = self.tally.slot(slot_ms, &rounds, &announced) {
                let difference = self.tell(round);
                tracing::warn!(difference, "replicas differ");
                self.differences.push(difference);
            }
            self.next_slot_ms += SLOT_MS;
        }
    }

    /// Who showed what, in one line.
    fn tell(&self, round: &Round) -> String {
        let of_body = |body: Body| {
            let shown_by: Vec<_> = round.answers.iter().filter(|answer| answer.body == Some(body)).collect();
            let who = match shown_by[..] {
                [one] => self.fleet.member(one.replica).map_or_else(String::new, |member| {
                    let (age, offset) = (member.age().as_secs(), member.offset_ms);
                    format!(" ({} no. {}, {age} s old, clock {offset:+} ms)", member.region, member.number)
                }),
                _ => String::new(),
            };
            let text = self.contents.get(&body).map_or("", |content| &content.text);
            format!("{} x {text}{who}", shown_by.len())
        };
        let bodies: Vec<_> = round.bodies().into_iter().map(of_body).collect();
        format!("slot {}: {}", round.slot() / SLOT_MS, bodies.join("; "))
    }
}

impl Content {
    fn of(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (current, next) = (body["current"]["slot"].as_u64(), body["next"]["slot"].as_u64());
        let number = |slot: Option<u64>| slot.map_or_else(|| "none".to_owned(), |slot| slot.to_string());
        let recent = body["recent"].as_array().map_or(0, Vec::len);
        let text = format!("current {} next {} recent {recent}", number(current), number(next));
        Self { current, text }
    }
}

async fn until_ms(at_ms: i64) {
    let wait = u64::try_from(at_ms - now_ms()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_told_of_in_a_few_words() {
        let content = Content::of(br#"{"current":{"slot":7},"next":{"slot":8},"recent":[{},{}]}"#);
        assert_eq!((content.current, content.text.as_str()), (Some(7), "current 7 next 8 recent 2"));
        assert_eq!(Content::of(b"?").text, "current none next none recent 0");
    }
}
