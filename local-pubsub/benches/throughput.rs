//! How much the broker carries, and what a message costs it.
//!
//! The broker runs as a process of its own, so that its CPU time can be told from the clients'. Messages of
//! 100 bytes are published in calls of a set size, received over StreamingPull and acknowledged by unary
//! Acknowledge in calls of up to 1000 ids, as Google's Rust client does it. `backlog` pushes as hard as it
//! can; `steady` keeps a rate and shows what share of a core the broker takes.
//!
//! `cargo bench -p local-pubsub` (a run of about a minute). Without `--bench` in its arguments, as under
//! `cargo test --benches`, it moves a few messages only.

#![expect(clippy::print_stdout, reason = "the table of results is what a benchmark is for")]

use std::{
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use google_cloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, PublishRequest, PubsubMessage, StreamingPullRequest, Subscription, Topic,
    publisher_client::PublisherClient, subscriber_client::SubscriberClient,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::transport::Channel;

const MESSAGE_BYTES: usize = 100;
const MAX_ACKS: usize = 1000;

/// A run in which nothing arrives for this long has failed.
const STALL: Duration = Duration::from_secs(10);

/// One line of the table.
struct Case {
    name: &'static str,
    streams: usize,
    messages: usize,
    batch: usize,
    /// Messages a second; `None` for as fast as it goes.
    rate: Option<usize>,
}

const CASES: &[Case] = &[
    Case { name: "backlog", streams: 1, messages: 2_000_000, batch: 1000, rate: None },
    Case { name: "backlog", streams: 4, messages: 2_000_000, batch: 1000, rate: None },
    Case { name: "steady", streams: 1, messages: 300_000, batch: 100, rate: Some(30_000) },
    Case { name: "steady", streams: 4, messages: 300_000, batch: 100, rate: Some(30_000) },
    Case { name: "steady", streams: 4, messages: 1_500_000, batch: 1000, rate: Some(150_000) },
];

#[tokio::main]
async fn main() -> Result<()> {
    let full = std::env::args().any(|argument| argument == "--bench");
    let scale = if full { 1 } else { 1000 };
    println!(
        "| case | streams | call | rate/s | delivered/s | broker CPU us/message | broker share of a core |"
    );
    println!("|---|---|---|---|---|---|---|");
    for case in CASES {
        run(case, case.messages / scale).await?;
    }
    Ok(())
}

async fn run(case: &Case, messages: usize) -> Result<()> {
    let broker = Broker::start()?;
    let channel = broker.connect().await?;
    create(&channel).await?;
    let mut tasks = JoinSet::new();
    let (received, mut counts) = mpsc::channel(1024);
    for _ in 0..case.streams {
        tasks.spawn(receive(broker.connect().await?, received.clone()));
    }
    let (cpu, start) = (broker.cpu()?, Instant::now());
    tasks.spawn(publish(channel, messages, case.batch, case.rate));
    let mut total = 0;
    while total < messages {
        tokio::select! {
            Some(count) = counts.recv() => total += count,
            // The publisher ends well; anything else is a failure.
            Some(ended) = tasks.join_next() => ended??,
            () = tokio::time::sleep(STALL) => bail!("{total} of {messages} messages arrived, then none for {STALL:?}"),
        }
    }
    let (wall, cpu) = (start.elapsed(), broker.cpu()? - cpu);
    ensure!(total == messages, "{total} of {messages} messages arrived");
    println!(
        "| {} | {} | {} | {} | {:.0} | {:.2} | {:.1} % |",
        case.name,
        case.streams,
        case.batch,
        case.rate.map_or_else(|| "max".to_owned(), |rate| rate.to_string()),
        messages as f64 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / messages as f64,
        100.0 * cpu.as_secs_f64() / wall.as_secs_f64(),
    );
    Ok(())
}

async fn create(channel: &Channel) -> Result<()> {
    let topic = Topic { name: topic(), ..Default::default() };
    PublisherClient::new(channel.clone()).create_topic(topic).await?;
    let subscription = Subscription { name: subscription(), topic: self::topic(), ..Default::default() };
    SubscriberClient::new(channel.clone()).create_subscription(subscription).await?;
    Ok(())
}

async fn publish(channel: Channel, messages: usize, batch: usize, rate: Option<usize>) -> Result<()> {
    let message = PubsubMessage { data: vec![7; MESSAGE_BYTES].into(), ..Default::default() };
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for sent in (0..messages).step_by(batch) {
        if let Some(rate) = rate {
            let due = start + Duration::from_secs_f64(sent as f64 / rate as f64);
            tokio::time::sleep_until(due.into()).await;
        }
        while calls.len() >= 8 {
            calls.join_next().await.context("a call is in flight")???;
        }
        let request =
            PublishRequest { topic: topic(), messages: vec![message.clone(); batch.min(messages - sent)] };
        let mut client = PublisherClient::new(channel.clone());
        calls.spawn(async move { client.publish(request).await.map(drop).map_err(anyhow::Error::from) });
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    Ok(())
}

async fn receive(channel: Channel, received: mpsc::Sender<usize>) -> Result<()> {
    let (requests, inbound) = mpsc::channel(1);
    let first = StreamingPullRequest {
        subscription: subscription(),
        stream_ack_deadline_seconds: 60,
        ..Default::default()
    };
    requests.send(first).await?;
    let mut client = SubscriberClient::new(channel);
    let mut responses = client.streaming_pull(ReceiverStream::new(inbound)).await?.into_inner();
    while let Some(response) = responses.next().await {
        let ack_ids: Vec<String> =
            response?.received_messages.into_iter().map(|received| received.ack_id).collect();
        for ack_ids in ack_ids.chunks(MAX_ACKS) {
            let request = AcknowledgeRequest { subscription: subscription(), ack_ids: ack_ids.to_vec() };
            client.acknowledge(request).await?;
        }
        received.send(ack_ids.len()).await?;
    }
    drop(requests);
    Ok(())
}

fn topic() -> String {
    "projects/bench/topics/plays".to_owned()
}

fn subscription() -> String {
    "projects/bench/subscriptions/plays".to_owned()
}

/// The broker's process. Killed when dropped.
struct Broker {
    process: Child,
    address: String,
}

impl Broker {
    fn start() -> Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_local-pubsub"))
            .args(["--listen", "127.0.0.1:0"])
            .env("NO_COLOR", "1")
            .env("RUST_LOG", "info")
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().context("stderr is piped")?;
        let mut log = BufReader::new(stderr);
        let mut line = String::new();
        log.read_line(&mut line)?;
        // A closed pipe would fail the broker's later lines.
        std::thread::spawn(move || io::copy(&mut log, &mut io::stderr()));
        let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
        let address = address.with_context(|| format!("no address in {line:?}"))?.to_owned();
        Ok(Self { process, address })
    }

    async fn connect(&self) -> Result<Channel> {
        // The window of the connection must be the wider one: were they equal, a stream that is not being
        // read would leave no room for the answers to the acknowledgements that its reader waits for.
        let endpoint = Channel::from_shared(format!("http://{}", self.address))?
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(16 << 20)
            .tcp_nodelay(true);
        Ok(endpoint.connect().await?)
    }

    /// CPU time that the process has used, from Linux's proc: fields 14 and 15 of its line, in hundredths of
    /// a second.
    fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields = stat.rsplit_once(") ").context("a stat line")?.1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
