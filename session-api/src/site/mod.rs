//! The static site: the files of SITE_DIR, read once at start and served from memory.
//!
//! A path is looked up among the files that were there, so that no path can lead anywhere else. Tags are hashes of the
//! bytes: they are the same on every replica, which modification times are not. Hidden files, and what lies below
//! hidden directories, are left out.
//!
//! `NAME.br`, `NAME.zst` and `NAME.gz` beside `NAME` are that file in a content coding, made by the site's build.

mod caching;
mod load;

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;

use crate::coding::Coding;
use crate::snapshot::Representation;

pub use load::SiteError;

/// The files by their paths, which begin with a slash and are not percent-encoded. A directory with an `index.html` has
/// that under its own path, with a slash at the end. Clones share the files.
#[derive(Clone, Debug, Default)]
pub struct Site(Arc<HashMap<String, Arc<File>>>);

/// One file in all its codings.
#[derive(Debug)]
pub struct File {
    /// Its media type.
    pub media_type: HeaderValue,
    /// How long it may be kept.
    pub caching: HeaderValue,
    /// By coding; always there as it is.
    representations: [Option<Representation>; Coding::ALL.len()],
}

impl Site {
    /// The file at a path that is not percent-encoded.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        self.0.get(path).map(Arc::as_ref)
    }

    /// How many paths there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl File {
    /// The file in a coding, if it is there.
    #[must_use]
    pub fn representation(&self, coding: Coding) -> Option<&Representation> {
        self.representations[coding as usize].as_ref()
    }

    /// Whether it is there in several codings.
    #[must_use]
    pub fn is_coded(&self) -> bool {
        self.representations.iter().flatten().count() > 1
    }
}
