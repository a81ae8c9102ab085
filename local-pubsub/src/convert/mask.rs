//! Update masks: which fields of a resource a request changes.

use crate::broker::BrokerError;

/// Checks that a mask names something and that every path is one of `known`, and returns its paths.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] for an empty mask, an immutable field or an unknown one.
pub(crate) fn paths<'a>(
    mask: Option<&'a prost_types::FieldMask>,
    known: &[&str],
    immutable: &[&str],
) -> Result<&'a [String], BrokerError> {
    let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
    if paths.is_empty() {
        return Err(BrokerError::InvalidArgument(
            "The update_mask must be set and name at least one field.".into(),
        ));
    }
    for path in paths {
        if immutable.contains(&path.as_str()) {
            return Err(BrokerError::InvalidArgument(format!(
                "Invalid update_mask provided: the field {path} cannot be changed."
            )));
        }
        if !known.contains(&path.as_str()) {
            return Err(BrokerError::InvalidArgument(format!(
                "Invalid update_mask provided: {path} is not a field that can be updated; those are {}.",
                known.join(", ")
            )));
        }
    }
    Ok(paths)
}
