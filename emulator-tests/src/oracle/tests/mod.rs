//! Sessions worked out by hand, in a small world of reserved addresses.

mod drops;
mod sessions;
mod world;

use std::path::Path;

use super::{Oracle, Rules};

#[test]
fn a_missing_file_is_named() {
    let missing = Path::new("missing.mmdb");
    let error = Oracle::new(missing, None, None, Rules::default()).err().unwrap();
    assert!(format!("{error:#}").contains("missing.mmdb"), "{error:#}");
}
