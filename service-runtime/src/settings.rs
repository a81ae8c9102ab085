//! Settings from flags and environment variables.
//!
//! A service declares one `Config` with clap. Every flag can also be given as the environment variable that bears its
//! name in capitals (`--sample-rate` is `SAMPLE_RATE`); a flag wins over a variable, and an empty variable counts as
//! unset, so that a chart can pass empty values. Variables come in as a function: nothing here reads the environment,
//! and tests pass a map.

use std::any::TypeId;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Parser};

use crate::explain::{EffectiveSetting, SettingSource};

/// A line that `--help` ends with.
pub const HELP_FOOTER: &str = "Each flag can be given as the environment variable named in its angle brackets \
     instead. A flag wins over a variable; an empty variable counts as unset.";

/// Why a service cannot start with its settings: one line that names the setting and what is accepted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl SettingError {
    /// `setting` is the name of the environment variable; `problem` says what is wrong and what is accepted.
    #[must_use]
    pub fn new(setting: &str, problem: impl std::fmt::Display) -> Self {
        Self(format!("{setting}: {problem}"))
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation<C> {
    /// To run with these settings.
    Run(C),
    /// To print this text (`--help` or `--version`).
    Print(String),
}

/// What both services are told. Flattened into each service's `Config`.
#[derive(Clone, Debug, clap::Args)]
pub struct CommonSettings {
    /// The id of the Google Cloud project of the topics and subscriptions.
    #[arg(long, value_parser = project_id)]
    pub google_cloud_project: String,

    /// host:port of a Pub/Sub emulator, spoken to in plaintext and without credentials. Unset: Google Cloud Pub/Sub
    /// with Application Default Credentials.
    #[arg(long)]
    pub pubsub_emulator_host: Option<String>,

    /// How log lines are written.
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// Which log lines are written: a level, or levels by target such as info,h2=debug. The HTTP server tells of its
    /// own start and end, which we do too, and of every malformed request, with which anyone could fill the log.
    #[arg(long, default_value = "info,actix_server=warn,actix_http=off")]
    pub rust_log: String,
}

/// What is told of the value of a secret.
pub(crate) const NOT_SHOWN: &str = "(set, not shown)";

/// A setting that is never printed: any text is taken here, and whoever uses it checks it, for clap would repeat a
/// wrong value in its refusal.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What must not be printed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Reads the settings of a service from its arguments (the program's name first) and from its environment.
///
/// # Errors
/// When a setting is missing, unknown or wrong; the text is one line.
pub fn read<C: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Invocation<C>, SettingError> {
    Ok(match read_with_sources(arguments, environment)? {
        Invocation::Run((config, _)) => Invocation::Run(config),
        Invocation::Print(text) => Invocation::Print(text),
    })
}

/// [Reads](read) the settings, and tells where each comes from.
///
/// # Errors
/// See [`read`].
pub fn read_with_sources<C: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Invocation<(C, Vec<EffectiveSetting>)>, SettingError> {
    // A value of a flag that begins with a hyphen is a wrong value, not an unknown flag.
    let command = C::command().mut_args(|argument| {
        let is_flag = !argument.is_positional();
        argument.allow_hyphen_values(is_flag)
    });
    let command = command.args_override_self(true).after_help(HELP_FOOTER);
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let variables = variables(&command, environment)?;
    let all = std::iter::once(program).chain(variables).chain(arguments.iter().cloned());
    let matches = command.clone().try_get_matches_from(all);
    match matches.and_then(|matches| C::from_arg_matches(&matches).map(|config| (config, matches))) {
        Ok((config, matches)) => Ok(Invocation::Run((config, effective(&command, &matches, &arguments)))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Invocation::Print(error.render().to_string()))
            }
            _ => Err(SettingError(one_line(&error.render().to_string()))),
        },
    }
}

/// The set environment variables as flags.
fn variables(
    command: &clap::Command,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>, SettingError> {
    let mut flags = Vec::new();
    for argument in command.get_arguments() {
        let name = argument.get_id().as_str().to_uppercase();
        let (Some(flag), Some(value)) = (argument.get_long(), environment(&name)) else { continue };
        let value = value.into_string().map_err(|_| SettingError::new(&name, "expected a text in UTF-8"))?;
        if !value.is_empty() {
            flags.push(format!("--{flag}={value}").into());
        }
    }
    Ok(flags)
}

/// Every setting as it was read from `arguments`, the environment or the defaults, in the order of the help; without those
/// that the help does not tell of.
fn effective(command: &clap::Command, matches: &ArgMatches, arguments: &[OsString]) -> Vec<EffectiveSetting> {
    // What clap and the environment's flags have in common is that both come as arguments: whose they are is seen in these.
    let is_flag = |argument: &Arg| {
        let flag = argument.get_long().map(|name| format!("--{name}"));
        flag.is_none_or(|flag| {
            arguments.iter().filter_map(|given| given.to_str()).any(|given| {
                given.strip_prefix(&flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
        })
    };
    let told = command.get_arguments().filter(|argument| !argument.is_hide_set());
    told.map(|argument| {
        let id = argument.get_id().as_str();
        let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
        let source = match (is_given, is_flag(argument)) {
            (false, _) => SettingSource::Default,
            (true, true) => SettingSource::Flag,
            (true, false) => SettingSource::Environment,
        };
        let is_secret = argument.get_value_parser().type_id() == TypeId::of::<Secret>();
        let mut values = matches.get_raw(id).into_iter().flatten();
        let value = values
            .next()
            .map(|value| if is_secret { NOT_SHOWN.to_owned() } else { value.to_string_lossy().into_owned() });
        EffectiveSetting { name: id.to_uppercase(), value, source }
    })
    .collect()
}

/// The first paragraph of clap's message, in one line, without `error: `.
fn one_line(message: &str) -> String {
    let paragraph = message.split("\n\n").next().unwrap_or(message);
    let words: Vec<_> = paragraph.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

/// Parses a duration of whole milliseconds, which may be zero.
///
/// # Errors
/// A text that says what is accepted.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| accepted_duration(""))?;
    if duration.subsec_nanos() % 1_000_000 != 0 || duration > Duration::from_secs(86_400) {
        return Err(accepted_duration(""));
    }
    Ok(duration)
}

/// Parses a duration of whole milliseconds that is not zero.
///
/// # Errors
/// A text that says what is accepted.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() { Err(accepted_duration(" above zero")) } else { Ok(duration) }
}

fn accepted_duration(bound: &str) -> String {
    format!("expected a duration{bound} in whole milliseconds, at most 1day, such as 500ms, 5s or 2min")
}

/// Parses a number from `min` to `max`, both included.
///
/// # Errors
/// A text that says what is accepted.
pub fn number_between(text: &str, min: f64, max: f64) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("expected a number from {min} to {max}"))
}

/// Parses a project's id: letters in lower case, digits and - . : (the last two in those of organisations' domains).
fn project_id(text: &str) -> Result<String, String> {
    let valid = text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte));
    valid.then(|| text.to_owned()).ok_or_else(|| {
        "expected a project's id, such as my-project-1: letters in lower case, digits and -, a letter first".to_owned()
    })
}

/// Parses the name of a topic: its id as Pub/Sub defines it, or its full name.
///
/// # Errors
/// A text that says what is accepted.
pub fn topic_name(text: &str) -> Result<String, String> {
    resource_name(text, "topic")
}

/// Parses the name of a subscription: its id as Pub/Sub defines it, or its full name.
///
/// # Errors
/// A text that says what is accepted.
pub fn subscription_name(text: &str) -> Result<String, String> {
    resource_name(text, "subscription")
}

fn resource_name(text: &str, kind: &str) -> Result<String, String> {
    let collection = format!("{kind}s");
    let id = match text.split('/').collect::<Vec<_>>()[..] {
        [id] => id,
        ["projects", project, named, id] if !project.is_empty() && named == collection => id,
        _ => "",
    };
    let valid = (3..=255).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+%".contains(&byte))
        && !id.starts_with("goog");
    valid.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "expected a {kind}'s id (3 to 255 letters, digits and -_.~+%, a letter first, not goog) or \
             projects/PROJECT/{collection}/ID"
        )
    })
}

/// Parses where to listen.
///
/// # Errors
/// A text that says what is accepted.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected ip:port, such as 0.0.0.0:8080 or [::]:8080".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Config {
        #[command(flatten)]
        common: CommonSettings,
        /// Length of a window.
        #[arg(long, value_parser = positive_duration, default_value = "1s")]
        window: Duration,
        /// Never shown.
        #[arg(long)]
        key: Option<Secret>,
        /// Never told of.
        #[arg(long, hide = true, default_value = "0")]
        hidden: u8,
    }

    fn read_config(arguments: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let arguments = std::iter::once("service").chain(arguments.split_whitespace());
        let lookup =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        match read(arguments.map(OsString::from), lookup) {
            Ok(Invocation::Run(config)) => Ok(config),
            Ok(Invocation::Print(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    const PROJECT: (&str, &str) = ("GOOGLE_CLOUD_PROJECT", "demo");

    #[test]
    fn variables_set_what_flags_do_not() {
        let config =
            read_config("--log-format json", &[PROJECT, ("WINDOW", "2s"), ("LOG_FORMAT", "text")]).unwrap();
        assert_eq!(config.common.google_cloud_project, "demo");
        assert_eq!(config.window, Duration::from_secs(2));
        assert_eq!(config.common.log_format, LogFormat::Json, "the flag wins");
    }

    #[test]
    fn every_setting_is_told_and_where_it_comes_from() {
        let arguments = ["service", "--log-format", "json", "--rust-log=warn"].map(OsString::from);
        let environment =
            [PROJECT, ("KEY", "0123abcd"), ("LOG_FORMAT", "text"), ("PUBSUB_EMULATOR_HOST", "")];
        let lookup =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, it)| it.into());
        let Ok(Invocation::Run((config, settings))) = read_with_sources::<Config>(arguments, lookup) else {
            panic!("not read")
        };
        assert_eq!(config.common.log_format, LogFormat::Json);
        let found: Vec<_> = settings
            .iter()
            .map(|setting| (setting.name.as_str(), setting.value.as_deref(), setting.source))
            .collect();
        assert_eq!(
            found,
            [
                ("GOOGLE_CLOUD_PROJECT", Some("demo"), SettingSource::Environment),
                ("PUBSUB_EMULATOR_HOST", None, SettingSource::Default),
                ("LOG_FORMAT", Some("json"), SettingSource::Flag),
                ("RUST_LOG", Some("warn"), SettingSource::Flag),
                ("WINDOW", Some("1s"), SettingSource::Default),
                ("KEY", Some("(set, not shown)"), SettingSource::Environment),
            ]
        );
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let config = read_config("", &[PROJECT, ("WINDOW", ""), ("PUBSUB_EMULATOR_HOST", "")]).unwrap();
        assert_eq!(config.window, Duration::from_secs(1));
        assert_eq!(config.common.pubsub_emulator_host, None);
    }

    #[test]
    fn a_wrong_value_is_one_line_that_names_the_setting_and_what_is_accepted() {
        let cases = [
            ("missing", "", vec![], "--google-cloud-project <GOOGLE_CLOUD_PROJECT>"),
            ("unknown flag", "--windows 1s", vec![PROJECT], "'--windows'"),
            ("bad duration", "", vec![PROJECT, ("WINDOW", "soon")], "expected a duration"),
            ("zero", "", vec![PROJECT, ("WINDOW", "0s")], "'--window <WINDOW>': expected a duration above"),
            ("too fine", "", vec![PROJECT, ("WINDOW", "1us")], "whole milliseconds"),
            ("no unit", "", vec![PROJECT, ("WINDOW", "5")], "such as 500ms"),
            (
                "a project's full name",
                "",
                vec![("GOOGLE_CLOUD_PROJECT", "projects/demo")],
                "expected a project's id",
            ),
            ("a negative value", "--window -1s", vec![PROJECT], "'--window <WINDOW>': expected a duration"),
            ("bad choice", "", vec![PROJECT, ("LOG_FORMAT", "xml")], "[possible values: text, json]"),
        ];
        for (name, arguments, environment, expected) in cases {
            let error = read_config(arguments, &environment).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
            assert!(!error.contains('\n'), "{name}: {error}");
        }
    }

    #[test]
    fn help_tells_of_the_variables() {
        let help = read_config("--help", &[]).unwrap_err();
        // Where clap wraps, it wraps at the width of the terminal.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("--window <WINDOW>") && words(&help).contains(&words(HELP_FOOTER)), "{help}");
    }

    #[test]
    fn names_of_topics_and_subscriptions() {
        for text in ["sessions", "projects/p/topics/sessions", "a-b_c.d~e+f%"] {
            assert_eq!(topic_name(text).as_deref(), Ok(text));
        }
        for text in
            ["", "ab", "1abc", "google-it", "a/b", "projects/p/subscriptions/abc", "projects//topics/abc"]
        {
            assert!(topic_name(text).is_err(), "{text}");
        }
        assert!(subscription_name("projects/p/subscriptions/abc").is_ok());
    }

    #[test]
    fn numbers_are_checked_against_their_bounds() {
        assert_eq!(number_between("0.5", 0.0, 1.0), Ok(0.5));
        for text in ["1.01", "-0.1", "NaN", "inf", "half", ""] {
            let error = number_between(text, 0.0, 1.0).unwrap_err();
            assert_eq!(error, "expected a number from 0 to 1", "{text}");
        }
    }
}
