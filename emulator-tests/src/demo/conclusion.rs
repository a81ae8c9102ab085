//! The last lines of the demo: what became of every play, and what it took.

use std::time::{Duration, Instant};

use super::console::{grouped, say};
use super::installation::Installation;
use super::reporter::{Reporter, account};
use crate::listeners::Totals;
use crate::services::Books;
use crate::services::Usage;

/// Waits until the pipeline holds nothing, at most `patience`, and prints the account.
pub(super) async fn conclude(
    installation: &Installation,
    reporter: &Reporter,
    totals: &Totals,
    patience: Duration,
) {
    let books = settled_books(installation, totals.confirmed, patience).await;
    say("");
    say(format_args!(
        "listeners: {} plays published, {} not published, {} left out because the rate could not be kept",
        grouped(totals.confirmed),
        grouped(totals.failed),
        grouped(totals.skipped),
    ));
    if let Some(books) = books {
        say(account(&books));
        if books.received < totals.confirmed {
            say(format_args!("still in Pub/Sub: {} plays", grouped(totals.confirmed - books.received)));
        }
    }
    say(format_args!(
        "slots: {} shown, {} of them alike on all replicas; most plays held at once {}",
        reporter.slots,
        reporter.slots_alike,
        grouped(reporter.most_held),
    ));
    say(format_args!(
        "from pressing play to being current, at most: p50 {:.1} s, p99 {:.1} s",
        reporter.latencies.at_most(0.5) as f64 / 1000.0,
        reporter.latencies.at_most(0.99) as f64 / 1000.0,
    ));
    let pipeline = Usage::of(installation.pipeline.pid());
    say(format_args!(
        "pipeline: {:.0} MB resident, {:.1} s of CPU",
        pipeline.megabytes(),
        pipeline.cpu.as_secs_f64()
    ));
    for replica in &installation.replicas {
        let usage = Usage::of(replica.service.pid());
        let (megabytes, cpu) = (usage.megabytes(), usage.cpu.as_secs_f64());
        say(format_args!("session-api {}: {megabytes:.0} MB resident, {cpu:.1} s of CPU", replica.region));
    }
}

/// The books once everything published is accounted for, or as they are when `patience` ends.
async fn settled_books(installation: &Installation, published: u64, patience: Duration) -> Option<Books> {
    let start = Instant::now();
    loop {
        let books = installation.pipeline.metrics().await.ok().map(|metrics| metrics.books());
        let done = books.as_ref().is_none_or(|books| books.held == 0 && books.received >= published);
        if done || start.elapsed() > patience {
            return books;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
