//! `SERVICE explain`: the settings in effect and where each comes from, and what the service would do with them.
//!
//! It is for whoever wonders why a service does not start, or which of a chart's values has reached it: nothing is
//! started, and what is looked at is looked at as the service does. Exit code 0: it would start; 1: it would wait for
//! Pub/Sub; 2: it would refuse its settings.

use std::fmt;
use std::net::{SocketAddr, TcpListener};

use crate::pubsub::Reachable;
use crate::settings::SettingError;

/// Where the value of a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// The command line.
    Flag,
    /// The environment variable of its name.
    Environment,
    /// Neither.
    Default,
}

/// A setting as the service sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// The name of its environment variable.
    pub name: String,
    /// As it was given; `None` when it is unset and has no default. Never that of a [secret](crate::settings::Secret).
    pub value: Option<String>,
    /// Where it comes from.
    pub source: SettingSource,
}

/// What the service would do about something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be; what was found.
    Fine(String),
    /// It would start all the same, but somebody should know this.
    Attention(String),
    /// It would wait, not ready; for what, and what to do about it.
    Waits(String),
    /// It would end at once; why, and what is accepted.
    Refuses(String),
}

/// Something that was looked at: a setting, a resource of Pub/Sub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The setting's or the resource's name.
    pub what: String,
    /// How it is.
    pub outcome: Outcome,
}

impl Check {
    /// `what` is `outcome`.
    #[must_use]
    pub fn new(what: impl Into<String>, outcome: Outcome) -> Self {
        Self { what: what.into(), outcome }
    }

    /// A setting that the service works with, as `found`, or refuses.
    #[must_use]
    pub fn setting(what: &str, found: Result<String, SettingError>) -> Self {
        match found {
            Ok(found) => Self::new(what, Outcome::Fine(found)),
            Err(error) => {
                let text = error.to_string();
                let problem = text.strip_prefix(&format!("{what}: ")).unwrap_or(&text);
                Self::new(what, Outcome::Refuses(problem.to_owned()))
            }
        }
    }

    /// An address to listen on. One that is taken is so where the service runs already, and asks about itself.
    #[must_use]
    pub fn address(setting: &str, address: SocketAddr) -> Self {
        let outcome = match TcpListener::bind(address) {
            Ok(_) => Outcome::Fine(format!("{address} is free")),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                Outcome::Attention(format!("{address} is taken, as it is where the service runs already"))
            }
            Err(error) => Outcome::Refuses(format!("cannot listen on {address}: {error}")),
        };
        Self::new(setting, outcome)
    }

    /// A resource of Pub/Sub, its full name, without which the service waits.
    #[must_use]
    pub fn resource(name: &str, reachable: &Reachable) -> Self {
        let outcome = match reachable.problem(name) {
            None => Outcome::Fine("is there, and may be used".to_owned()),
            Some(problem) => Outcome::Waits(problem),
        };
        Self::new(name, outcome)
    }
}

/// All that there is to say.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Every setting but those for tests.
    pub settings: Vec<EffectiveSetting>,
    /// What was looked at.
    pub checks: Vec<Check>,
}

impl Explanation {
    /// 0: it would start; 1: it would wait; 2: it would refuse.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let code = |check: &Check| match check.outcome {
            Outcome::Fine(_) | Outcome::Attention(_) => 0,
            Outcome::Waits(_) => 1,
            Outcome::Refuses(_) => 2,
        };
        self.checks.iter().map(code).max().unwrap_or(0)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
        writeln!(f, "Settings")?;
        for EffectiveSetting { name, value, source } in &self.settings {
            let source = match source {
                SettingSource::Flag => "flag",
                SettingSource::Environment => "environment",
                SettingSource::Default => "default",
            };
            writeln!(f, "  {source:<11}  {name:<width$}  {}", value.as_deref().unwrap_or("(unset)"))?;
        }
        writeln!(f, "\nChecks")?;
        for Check { what, outcome } in &self.checks {
            let (word, text) = match outcome {
                Outcome::Fine(text) => ("fine", text),
                Outcome::Attention(text) => ("attention", text),
                Outcome::Waits(text) => ("waits", text),
                Outcome::Refuses(text) => ("refuses", text),
            };
            writeln!(f, "  {word:<11}  {what}: {text}")?;
        }
        let conclusion = match self.exit_code() {
            0 => "The service would start.",
            1 => "The service would wait for Pub/Sub, not ready.",
            _ => "The service would refuse these settings.",
        };
        writeln!(f, "\n{conclusion}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation(outcomes: &[Outcome]) -> Explanation {
        let checks = outcomes.iter().map(|outcome| Check::new("thing", outcome.clone())).collect();
        Explanation { settings: Vec::new(), checks }
    }

    #[test]
    fn the_exit_code_tells_what_the_service_would_do() {
        let text = String::new;
        let cases = [
            ("nothing to look at", vec![], 0, "would start"),
            ("fine", vec![Outcome::Fine(text()), Outcome::Attention(text())], 0, "would start"),
            ("something is missing", vec![Outcome::Waits(text()), Outcome::Fine(text())], 1, "would wait"),
            ("a wrong setting", vec![Outcome::Refuses(text()), Outcome::Waits(text())], 2, "would refuse"),
        ];
        for (name, outcomes, code, conclusion) in cases {
            let explanation = explanation(&outcomes);
            assert_eq!(explanation.exit_code(), code, "{name}");
            assert!(explanation.to_string().contains(conclusion), "{name}: {explanation}");
        }
    }

    #[test]
    fn a_taken_port_keeps_nobody_from_asking_about_what_runs() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let check = Check::address("ADMIN_ADDR", taken.local_addr().unwrap());
        assert!(matches!(check.outcome, Outcome::Attention(_)), "{check:?}");
        let foreign = Check::address("ADMIN_ADDR", "203.0.113.1:0".parse().unwrap());
        assert!(matches!(foreign.outcome, Outcome::Refuses(_)), "{foreign:?}");
    }

    #[test]
    fn a_refusal_does_not_name_its_setting_twice() {
        let refused = Check::setting("LEAD", Err(SettingError::new("LEAD", "expected less")));
        assert_eq!(refused, Check::new("LEAD", Outcome::Refuses("expected less".to_owned())));
    }
}
