//! The bodies of one moment in all languages and codings, ready to be sent, and the place where requests find the newest.
//!
//! A [`Snapshot`] is made once a slot or update, off the request path, and never changes. A request loads the pointer
//! to it and clones `Bytes` and header values, which are counted references: nothing is copied or serialised.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use arc_swap::{ArcSwapOption, Guard};
use bytes::Bytes;
use listening_together_proto::{Language, Programme, Slot, Timestamp};

use crate::coding::{Coding, Levels};
use crate::{etag, render};

/// One body as it is sent.
#[derive(Clone, Debug)]
pub struct Representation {
    /// What it holds, in the coding.
    pub body: Bytes,
    /// The coding.
    pub coding: Coding,
    /// Its strong entity tag.
    pub etag: HeaderValue,
}

impl Representation {
    /// What has been coded. `variant` tells it from the other representations of its resource besides its coding, and
    /// must consist of letters, digits and hyphens.
    ///
    /// # Panics
    /// When `variant` holds other characters than it must.
    #[must_use]
    pub fn new(body: Bytes, coding: Coding, variant: &str) -> Self {
        let etag = etag::strong(&body, &format!("{variant}-{}", coding.token()));
        let etag = HeaderValue::try_from(etag).expect("a tag is quoted letters, digits and hyphens");
        Self { body, coding, etag }
    }
}

/// The bodies that are current from one instant on, until another snapshot takes over.
#[derive(Clone, Debug)]
pub struct Snapshot {
    current: Arc<Slot>,
    /// By language, then by coding.
    representations: [[Representation; Coding::ALL.len()]; Language::ALL.len()],
}

impl Snapshot {
    /// Makes what `programme` shows at `instant`; `None` until the first slot has started.
    #[must_use]
    pub fn render(programme: &Programme, instant: Timestamp) -> Option<Self> {
        let current = Arc::clone(programme.current_at(instant)?);
        let bodies = Language::ALL.map(|language| render::latest(programme, instant, language));
        let mut languages = Vec::with_capacity(bodies.len());
        for (language, body) in Language::ALL.into_iter().zip(bodies) {
            languages.push(in_all_codings(exactly(body?), language));
        }
        Some(Self { current, representations: languages.try_into().ok()? })
    }

    /// The slot that is current in it.
    #[must_use]
    pub fn current(&self) -> &Arc<Slot> {
        &self.current
    }

    /// The body in one language and coding.
    #[must_use]
    pub fn representation(&self, language: Language, coding: Coding) -> &Representation {
        &self.representations[language as usize][coding as usize]
    }
}

fn in_all_codings(body: Bytes, language: Language) -> [Representation; Coding::ALL.len()] {
    Coding::ALL.map(|coding| {
        let coded = match coding {
            Coding::Identity => body.clone(),
            coding => exactly(coding.encode(&body, Levels::QUICK)),
        };
        Representation::new(coded, coding, language.tag())
    })
}

/// Without the room that it was made with, which is up to its length again.
fn exactly(body: Vec<u8>) -> Bytes {
    body.into_boxed_slice().into()
}

/// Where the newest snapshot is shown to every request. Clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Screen(Arc<ArcSwapOption<Snapshot>>);

impl Screen {
    /// Shows `snapshot` to every request from now on.
    pub fn show(&self, snapshot: Arc<Snapshot>) {
        self.0.store(Some(snapshot));
    }

    /// What is shown now; `None` until something has been. The guard is meant to be held for one request.
    #[must_use]
    pub fn shown(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.0.load()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::fixtures::{at, programme, slot};

    #[test]
    fn a_snapshot_holds_every_language_in_every_coding() {
        let programme = programme([slot(20, 7)], at(20, 0));
        let snapshot = Snapshot::render(&programme, at(20, 0)).unwrap();
        let mut tags = HashSet::new();
        for language in Language::ALL {
            let body = render::latest(&programme, at(20, 0), language).unwrap();
            for coding in Coding::ALL {
                let representation = snapshot.representation(language, coding);
                assert_eq!(representation.coding, coding);
                assert_eq!(
                    representation.body,
                    coding.encode(&body, Levels::QUICK),
                    "{language:?} {coding:?}"
                );
                assert!(
                    tags.insert(representation.etag.clone()),
                    "{language:?} {coding:?}: a tag of its own"
                );
            }
        }
        assert_eq!(snapshot.current().number, 20);
    }

    #[test]
    fn nothing_is_rendered_before_the_first_slot() {
        assert!(Snapshot::render(&programme([slot(20, 7)], at(19, 0)), at(19, 0)).is_none());
        assert!(Screen::default().shown().is_none());
    }
}
