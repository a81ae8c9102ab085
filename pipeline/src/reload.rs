//! Watches the databases' files and opens a new edition when one has changed.
//!
//! Opening and checking takes about two seconds for a database of 66 MB and happens on a thread of its own. An edition that
//! cannot be used changes nothing: the one in use stays, and the files are tried again when they change again. Updates
//! should be written beside the file and renamed over it, as geoipupdate does; a file that is caught half-written is
//! refused by the check and tried again.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use service_runtime::service::with_sources;
use tokio::sync::mpsc;

use crate::locate::{DatabaseSettings, Databases};
use crate::telemetry::Reloads;

/// What tells one edition of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Fingerprint {
    /// `None` when there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

/// The files of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesSeen(Vec<Option<Fingerprint>>);

impl FilesSeen {
    /// As the files are now: take this before opening them, so that no change is missed.
    #[must_use]
    pub fn now(settings: &DatabaseSettings) -> Self {
        let files = [Some(&settings.city), settings.anonymous_ip.as_ref()].into_iter().flatten();
        Self(files.map(|path| Fingerprint::of(path)).collect())
    }
}

/// Looks at the files `every` so often and sends each new edition that can be used. Ends when nobody receives any more.
pub async fn watch(
    settings: DatabaseSettings,
    mut seen: FilesSeen,
    every: Duration,
    editions: mpsc::Sender<Databases>,
    reloads: Reloads,
) {
    loop {
        tokio::select! {
            () = editions.closed() => return,
            () = tokio::time::sleep(every) => {}
        }
        let now = FilesSeen::now(&settings);
        if now == seen {
            continue;
        }
        seen = now;
        match open(settings.clone()).await {
            Ok(databases) => {
                tracing::info!("opened a new edition of the databases");
                reloads.succeeded();
                if editions.send(databases).await.is_err() {
                    return;
                }
            }
            Err(reason) => {
                tracing::warn!(reason, "cannot use the new databases, going on with those in use");
                reloads.failed();
            }
        }
    }
}

async fn open(settings: DatabaseSettings) -> Result<Databases, String> {
    let opened = tokio::task::spawn_blocking(move || settings.open()).await;
    opened.map_err(|error| error.to_string())?.map_err(|error| with_sources(&error))
}

#[cfg(test)]
mod tests {
    use service_runtime::telemetry::Metrics;

    use super::*;
    use crate::test_atlas::AtlasFixture;

    #[tokio::test]
    async fn a_new_edition_is_opened_and_a_damaged_one_is_not() {
        let fixture = AtlasFixture::new();
        let settings = fixture.settings();
        let metrics = Metrics::new("test").unwrap();
        let reloads = Reloads::new(&metrics.meter());
        let (sender, mut editions) = mpsc::channel(1);
        let seen = FilesSeen::now(&settings);
        let watching = tokio::spawn(watch(settings, seen, Duration::from_millis(5), sender, reloads));

        let good = std::fs::read(fixture.city()).unwrap();
        replace(&fixture, &good[..good.len() / 2]);
        let refused =
            || String::from_utf8(metrics.render().unwrap()).unwrap().contains("outcome=\"failed\"} 1");
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !refused() {
            assert!(std::time::Instant::now() < deadline, "the damaged edition is counted");
            tokio::task::yield_now().await;
        }
        assert!(editions.try_recv().is_err(), "a damaged edition is not sent");
        replace(&fixture, &good);
        let edition = tokio::time::timeout(Duration::from_secs(20), editions.recv()).await;
        assert!(edition.unwrap().is_some());
        drop(editions);
        watching.await.unwrap();
    }

    /// Writes beside the file and renames over it.
    fn replace(fixture: &AtlasFixture, bytes: &[u8]) {
        let new = fixture.write("new.mmdb", bytes);
        std::fs::rename(new, fixture.city()).unwrap();
    }
}
