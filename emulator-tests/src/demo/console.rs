//! What the demo prints. It talks to a person at a terminal, so that it prints to standard output on purpose.

use std::io::Write as _;

use super::installation::Installation;
use super::settings::{BrokerChoice, DemoSettings};

/// Prints one line.
pub(super) fn say(line: impl std::fmt::Display) {
    // A closed pipe (`make demo | head`) ends the demo by its next signal, not by a panic.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What a newcomer needs to know, once everything runs.
pub(super) fn welcome(settings: &DemoSettings, installation: &Installation) {
    let broker = match settings.pubsub {
        BrokerChoice::Local => "local-pubsub, in memory",
        BrokerChoice::Emulator => "Google's Pub/Sub emulator",
    };
    say("");
    say(format_args!("Listening Together: {} plays a second through {broker}", settings.rate));
    say("");
    if let (Some(_), [first, ..]) = (&settings.site_dir, installation.replicas.as_slice()) {
        say(format_args!("  {:<14} {}/", "the site", first.url));
    }
    for replica in &installation.replicas {
        say(format_args!("  {:<14} {}/api/latest", replica.region, replica.url));
    }
    say(format_args!("  Pub/Sub        PUBSUB_EMULATOR_HOST={}", installation.topology.endpoint));
    say(format_args!("  logs           {}", settings.demo_dir.display()));
    say("");
    say("Ctrl-C ends it. The first session takes some seconds.");
    say("");
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
