//! The bodies of one moment in all languages, ready to be sent, and the place where requests find the newest.
//!
//! A [`Snapshot`] is made once a slot or update, off the request path, and never changes. A request loads the pointer
//! to it and clones `Bytes` and header values, which are counted references: nothing is copied or serialised.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use arc_swap::{ArcSwapOption, Guard};
use bytes::Bytes;
use listening_together_proto::{Language, Programme, Slot, Timestamp};

use crate::{etag, render};

/// One body as it is sent.
#[derive(Clone, Debug)]
pub struct Representation {
    /// JSON.
    pub body: Bytes,
    /// Its strong entity tag.
    pub etag: HeaderValue,
}

impl Representation {
    fn new(body: Vec<u8>, language: Language) -> Self {
        let etag = HeaderValue::try_from(etag::strong(&body, language));
        Self { body: body.into(), etag: etag.expect("a tag is quoted hexadecimal digits and a language tag") }
    }
}

/// The bodies that are current from one instant on, until another snapshot takes over.
#[derive(Clone, Debug)]
pub struct Snapshot {
    current: Arc<Slot>,
    representations: [Representation; Language::ALL.len()],
}

impl Snapshot {
    /// Renders what `programme` shows at `instant`; `None` until the first slot has started.
    #[must_use]
    pub fn render(programme: &Programme, instant: Timestamp) -> Option<Self> {
        let current = Arc::clone(programme.current_at(instant)?);
        let bodies: Option<Vec<_>> = Language::ALL
            .into_iter()
            .map(|language| {
                Some(Representation::new(render::latest(programme, instant, language)?, language))
            })
            .collect();
        Some(Self { current, representations: bodies?.try_into().ok()? })
    }

    /// The slot that is current in it.
    #[must_use]
    pub fn current(&self) -> &Slot {
        &self.current
    }

    /// The body in one language.
    #[must_use]
    pub fn representation(&self, language: Language) -> &Representation {
        &self.representations[language as usize]
    }
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
    use super::*;
    use crate::fixtures::{at, programme, slot};

    #[test]
    fn a_snapshot_holds_every_language() {
        let programme = programme([slot(20, 7)], at(20, 0));
        let snapshot = Snapshot::render(&programme, at(20, 0)).unwrap();
        for language in Language::ALL {
            let representation = snapshot.representation(language);
            let expected = render::latest(&programme, at(20, 0), language).unwrap();
            assert_eq!(representation.body, expected, "{language:?}");
            assert_eq!(representation.etag, etag::strong(&expected, language), "{language:?}");
        }
        assert_eq!(snapshot.current().number, 20);
    }

    #[test]
    fn nothing_is_rendered_before_the_first_slot() {
        assert!(Snapshot::render(&programme([slot(20, 7)], at(19, 0)), at(19, 0)).is_none());
        assert!(Screen::default().shown().is_none());
    }
}
