//! What several replicas of the API show, side by side.

use std::time::Duration;

use serde_json::Value;

use crate::collect::until;
use crate::installation::{PATIENCE, Replica};

/// Compares the replicas in the middle of `count` slots; returns what they showed, once a slot.
///
/// # Errors
/// When no slot comes, or the replicas do not agree on one within two seconds.
pub async fn watch_slots(replicas: &[Replica], count: usize) -> anyhow::Result<Vec<Value>> {
    let mut shown: Vec<Value> = Vec::new();
    let mut known = None;
    while shown.len() < count {
        until("another slot", PATIENCE, async || {
            let Ok(answer) = reqwest::get(format!("{}/api/latest", replicas[0].url)).await else {
                return false;
            };
            let Ok(body) = answer.json::<Value>().await else { return false };
            let slot = body["current"]["slot"].as_u64();
            let is_new = slot.is_some() && slot != known;
            if is_new {
                known = slot;
            }
            is_new
        })
        .await?;
        // A replica may be a few milliseconds behind: they agree well before the next slot is announced.
        let mut bodies = Vec::new();
        until("all replicas alike", Duration::from_secs(2), async || {
            bodies.clear();
            for replica in replicas {
                let Ok(answer) = reqwest::get(format!("{}/api/latest?lang=en", replica.url)).await else {
                    return false;
                };
                let Ok(body) = answer.bytes().await else { return false };
                bodies.push(body);
            }
            bodies.iter().all(|body| *body == bodies[0])
        })
        .await?;
        let body: Value = serde_json::from_slice(&bodies[0])?;
        // Where agreeing took until the next slot began, that is the slot that was shown.
        known = body["current"]["slot"].as_u64();
        shown.push(body);
    }
    Ok(shown)
}
