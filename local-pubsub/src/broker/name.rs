//! Names of topics and subscriptions, checked once at the border.

use std::{borrow::Borrow, fmt, sync::Arc};

use super::error::BrokerError;

/// The full name of a topic, `projects/PROJECT/topics/ID`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// The full name of a subscription, `projects/PROJECT/subscriptions/ID`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionName(Arc<str>);

macro_rules! resource_name {
    ($name:ident, $collection:literal) => {
        impl $name {
            /// Checks a full name.
            ///
            /// # Errors
            ///
            /// [`BrokerError::InvalidArgument`] when it is not of that form, or its last part breaks Google's
            /// rules for ids.
            pub fn parse(text: &str) -> Result<Self, BrokerError> {
                check(text, $collection)?;
                Ok(Self(Arc::from(text)))
            }

            /// The full name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The project's id.
            #[must_use]
            pub fn project(&self) -> &str {
                self.0.split('/').nth(1).unwrap_or_default()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

resource_name!(TopicName, "topics");
resource_name!(SubscriptionName, "subscriptions");

/// Checks `projects/PROJECT`, the parent of every list call, and returns the project's id.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] when it is not of that form.
pub fn parse_project(text: &str) -> Result<&str, BrokerError> {
    match text.strip_prefix("projects/") {
        Some(id) if !id.is_empty() && !id.contains('/') => Ok(id),
        _ => Err(invalid(text)),
    }
}

fn check(text: &str, collection: &str) -> Result<(), BrokerError> {
    let mut parts = text.split('/');
    let shape = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
    match shape {
        (Some("projects"), Some(project), Some(kind), Some(id), None)
            if kind == collection && !project.is_empty() && is_resource_id(id) =>
        {
            Ok(())
        }
        _ => Err(invalid(text)),
    }
}

/// 3 to 255 characters, a letter first, then letters, digits and `-_.~+%`, and not Google's own prefix.
fn is_resource_id(id: &str) -> bool {
    (3..=255).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~+%".contains(&b))
        && !id.starts_with("goog")
}

fn invalid(text: &str) -> BrokerError {
    BrokerError::InvalidArgument(format!(
        "Invalid resource name given (name={text}). Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names \
         for more information."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_googles_rules() {
        let cases = [
            ("plain", "projects/p/topics/plays", true),
            ("three characters", "projects/p/topics/abc", true),
            ("every allowed sign", "projects/p/topics/a-_.~+%9", true),
            ("255 characters", &format!("projects/p/topics/{}", "a".repeat(255)), true),
            ("256 characters", &format!("projects/p/topics/{}", "a".repeat(256)), false),
            ("two characters", "projects/p/topics/ab", false),
            ("a digit first", "projects/p/topics/9abc", false),
            ("a space", "projects/p/topics/a bc", false),
            ("not ascii", "projects/p/topics/äbc", false),
            ("the reserved prefix", "projects/p/topics/goog-abc", false),
            ("no project", "projects//topics/abc", false),
            ("the other collection", "projects/p/subscriptions/abc", false),
            ("a part too many", "projects/p/topics/abc/d", false),
            ("a part too few", "projects/p/topics", false),
            ("a bare id", "abc", false),
            ("empty", "", false),
        ];
        for (case, text, valid) in cases {
            assert_eq!(TopicName::parse(text).is_ok(), valid, "{case}");
        }
    }

    #[test]
    fn projects_have_one_part() {
        for (text, expected) in
            [("projects/p", Some("p")), ("projects/", None), ("projects/p/q", None), ("p", None)]
        {
            assert_eq!(parse_project(text).ok(), expected, "{text}");
        }
    }
}
