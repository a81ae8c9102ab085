//! The name of a subscription of one's own.

/// The longest id that Pub/Sub accepts is 255 bytes; region and replica may take this much each.
const MAX_PART_BYTES: usize = 100;

/// `session-api-REGION-REPLICA-RANDOM`: tells an operator whose it is, and is never used twice.
///
/// The random part keeps a replica that restarts under its old name off its old subscription, which may have been left
/// behind, and off streams of it that Google's emulator still feeds.
#[must_use]
pub(crate) fn subscription_id(region: &str, replica: &str, random: u64) -> String {
    format!("session-api-{}-{}-{random:016x}", safe(region), safe(replica))
}

/// Only characters that are safe in ids and in URLs.
fn safe(part: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    part.chars().map(safe).take(MAX_PART_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_says_whose_it_is() {
        let id = subscription_id("europe-west1", "session-api-7d4f.local", 0xab);
        assert_eq!(id, "session-api-europe-west1-session-api-7d4f.local-00000000000000ab");
        assert_eq!(subscription_id("eu/west 1", "höst", 0), "session-api-eu-west-1-h-st-0000000000000000");
    }

    proptest! {
        #[test]
        fn it_is_an_id_whatever_the_settings(region in "\\PC{0,300}", replica in "\\PC{0,300}", random: u64) {
            let id = subscription_id(&region, &replica, random);
            prop_assert!((3..=255).contains(&id.len()));
            prop_assert!(id.starts_with(|first: char| first.is_ascii_alphabetic()));
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        }
    }
}
