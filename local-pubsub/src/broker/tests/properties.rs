//! Random histories against models.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::{
    super::*,
    world::{Got, World, plain, seconds},
};

/// One step of a history. Numbers choose among what exists at that moment.
#[derive(Clone, Debug)]
enum Step {
    Publish { key: u8, count: u8 },
    Open { messages: u8, bytes: u8 },
    Close(usize),
    Pause(usize),
    Poll(usize),
    Ack(Vec<usize>),
    Nack(usize),
    Extend(usize),
    Pass(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8, 1..6_u8).prop_map(|(key, count)| Step::Publish { key, count }),
        1 => (1..6_u8, 1..40_u8).prop_map(|(messages, bytes)| Step::Open { messages, bytes }),
        1 => any::<usize>().prop_map(Step::Close),
        1 => any::<usize>().prop_map(Step::Pause),
        4 => any::<usize>().prop_map(Step::Poll),
        3 => vec(any::<usize>(), 1..4).prop_map(Step::Ack),
        1 => any::<usize>().prop_map(Step::Nack),
        1 => any::<usize>().prop_map(Step::Extend),
        2 => (1..8_u8).prop_map(Step::Pass),
    ]
}

struct Stream {
    handle: StreamHandle,
    options: StreamOptions,
    awake: bool,
}

/// A delivery that has not ended.
#[derive(Clone, Debug)]
struct Held {
    got: Got,
    stream: StreamId,
    deadline: u64,
}

/// A broker, and what a subscriber may conclude about it.
struct Model {
    world: World,
    ordering: bool,
    streams: Vec<Stream>,
    held: Vec<Held>,
    published: BTreeMap<String, Vec<String>>,
    /// By key: how many of its messages have been delivered since the last failure set it back.
    cursors: BTreeMap<String, usize>,
    acked: BTreeSet<String>,
    count: usize,
}

impl Model {
    fn new(ordering: bool) -> Self {
        Self {
            world: World::new(SubscriptionConfig { ordering, ..plain() }),
            ordering,
            streams: Vec::new(),
            held: Vec::new(),
            published: BTreeMap::new(),
            cursors: BTreeMap::new(),
            acked: BTreeSet::new(),
            count: 0,
        }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Publish { key, count } => self.publish(key, count),
            Step::Open { messages, bytes } => self.open(messages, bytes),
            Step::Close(index) => {
                if let Some(stream) = pick(&mut self.streams, index) {
                    self.world.broker.close_stream(&stream.handle, self.world.now);
                }
            }
            Step::Pause(index) => {
                let count = self.streams.len().max(1);
                if let Some(stream) = self.streams.get_mut(index % count) {
                    self.world.broker.pause_stream(&stream.handle, self.world.now);
                    // Its owner will ask again by itself.
                    stream.awake = true;
                }
            }
            Step::Poll(index) => self.poll(index)?,
            Step::Ack(indices) => self.ack(&indices),
            Step::Nack(index) => {
                if let Some(held) = pick(&mut self.held, index) {
                    self.world.nack([&held.got]);
                    self.failed(&held.got);
                }
            }
            Step::Extend(index) => self.extend(index),
            Step::Pass(span) => self.pass(u64::from(span)),
        }
        self.listen();
        Ok(())
    }

    fn publish(&mut self, key: u8, count: u8) {
        let key = if key == 0 { String::new() } else { format!("key{key}") };
        for _ in 0..count {
            self.count += 1;
            let data = self.count.to_string();
            self.world.publish_keyed(&key, &[&data]);
            self.published.entry(key.clone()).or_default().push(data);
        }
    }

    fn open(&mut self, messages: u8, bytes: u8) {
        let options = StreamOptions {
            max_outstanding_messages: messages.into(),
            max_outstanding_bytes: bytes.into(),
            ack_deadline: None,
        };
        let handle = self.world.open(options);
        self.streams.push(Stream { handle, options, awake: true });
    }

    fn poll(&mut self, index: usize) -> Result<(), TestCaseError> {
        let count = self.streams.len().max(1);
        let Some(stream) = self.streams.get_mut(index % count) else { return Ok(()) };
        let (handle, options) = (stream.handle.clone(), stream.options);
        let batch = self.world.broker.next_batch(&handle, self.world.now).expect("it exists");
        stream.awake = !batch.is_empty();
        for received in batch.into_received() {
            let got = super::world::got(received);
            self.check_delivery(&got, handle.id())?;
            let deadline = self.world.now.monotonic.as_millis() + 10_000;
            self.held.push(Held { got, stream: handle.id(), deadline });
        }
        let own = self.held.iter().filter(|held| held.stream == handle.id());
        let (messages, bytes) = own.fold((0, 0), |(messages, bytes), held| {
            (messages + 1, bytes + (held.got.data.len() + held.got.key.len()) as u64)
        });
        prop_assert!(messages <= options.max_outstanding_messages, "{messages} held");
        // One message may pass the limit; none of these is longer than 8 bytes.
        prop_assert!(bytes < options.max_outstanding_bytes + 8, "{bytes} bytes held");
        Ok(())
    }

    fn check_delivery(&mut self, got: &Got, stream: StreamId) -> Result<(), TestCaseError> {
        let twice = self.held.iter().any(|held| held.got.data == got.data);
        prop_assert!(!twice, "{} was delivered while it was held", got.data);
        if !self.ordering || got.key.is_empty() {
            prop_assert!(!self.acked.contains(&got.data), "{} was delivered after its ack", got.data);
            return Ok(());
        }
        let cursor = self.cursors.entry(got.key.clone()).or_default();
        let expected = self.published[&got.key].get(*cursor);
        prop_assert_eq!(Some(&got.data), expected, "the next of {}", &got.key);
        *cursor += 1;
        let strangers =
            self.held.iter().filter(|held| held.got.key == got.key && held.stream != stream).count();
        prop_assert_eq!(strangers, 0, "{} is held by another stream", &got.key);
        Ok(())
    }

    fn ack(&mut self, indices: &[usize]) {
        let settled: Vec<Got> =
            indices.iter().filter_map(|index| pick(&mut self.held, *index)).map(|held| held.got).collect();
        self.world.ack(&settled);
        self.acked.extend(settled.into_iter().map(|got| got.data));
    }

    fn extend(&mut self, index: usize) {
        let count = self.held.len().max(1);
        if let Some(held) = self.held.get_mut(index % count) {
            self.world.set_deadline([&held.got], seconds(5));
            held.deadline = self.world.now.monotonic.as_millis() + 5000;
        }
    }

    /// A message failed: it waits again and, when it has an order, so do the later ones of its key.
    fn failed(&mut self, got: &Got) {
        if !self.ordering || got.key.is_empty() {
            return;
        }
        let queue = &self.published[&got.key];
        let position = |data: &String| queue.iter().position(|other| other == data);
        let at = position(&got.data).expect("it was published");
        let cursor = self.cursors.entry(got.key.clone()).or_default();
        *cursor = at.min(*cursor);
        self.held.retain(|held| held.got.key != got.key || position(&held.got.data) < Some(at));
    }

    fn pass(&mut self, span: u64) {
        self.world.pass(seconds(span));
        let now = self.world.now.monotonic.as_millis();
        while let Some(at) = self.held.iter().position(|held| held.deadline <= now) {
            let held = self.held.remove(at);
            self.failed(&held.got);
        }
    }

    fn listen(&mut self) {
        for woken in self.world.broker.take_woken() {
            if let Some(stream) = self.streams.iter_mut().find(|stream| stream.handle.id() == woken) {
                stream.awake = true;
            }
        }
    }

    /// Polls the streams that were woken, and only those, until none is.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        while let Some(index) = self.streams.iter().position(|stream| stream.awake) {
            self.poll(index)?;
            self.listen();
        }
        Ok(())
    }

    /// After every woken stream has been polled, no other stream finds anything: no wake-up was lost.
    fn check_nothing_was_missed(&mut self) -> Result<(), TestCaseError> {
        self.settle()?;
        for index in 0..self.streams.len() {
            let before = self.held.len();
            self.poll(index)?;
            prop_assert_eq!(self.held.len(), before, "a sleeping stream had work");
        }
        Ok(())
    }

    /// Acknowledges whatever comes, until nothing does, and checks that everything came.
    fn drain(&mut self) -> Result<(), TestCaseError> {
        self.open(u8::MAX, u8::MAX);
        loop {
            self.settle()?;
            let all: Vec<usize> = (0..self.held.len()).map(|_| 0).collect();
            self.ack(&all);
            self.listen();
            if self.held.is_empty() && !self.streams.iter().any(|stream| stream.awake) {
                break;
            }
        }
        self.pass(20);
        self.listen();
        self.settle()?;
        prop_assert!(self.held.is_empty(), "something came after everything was acknowledged");
        let published: BTreeSet<String> = self.published.values().flatten().cloned().collect();
        prop_assert_eq!(&self.acked, &published);
        prop_assert_eq!(self.world.broker.retained_bytes(), 0);
        Ok(())
    }
}

fn pick<T>(from: &mut Vec<T>, index: usize) -> Option<T> {
    if from.is_empty() { None } else { Some(from.remove(index % from.len())) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_loses_repeats_or_reorders(ordering: bool, steps in vec(step(), 1..120)) {
        let mut model = Model::new(ordering);
        for step in steps {
            model.take(step)?;
        }
        model.check_nothing_was_missed()?;
        model.drain()?;
    }
}
