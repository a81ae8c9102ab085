//! The tracks of one window: gathered in a map until the window fires, then packed.
//!
//! Most of the memory of a pipeline is the windows that have fired and may still take late plays in. Most groups have one
//! or two listeners, so that a map with a list for each would be mostly overhead: a fired window is three flat arrays.

use std::cmp::Ordering;

use hashbrown::HashMap;
use listening_together_proto::{TrackId, Window};

use super::{Listener, Pane, Pending};
use crate::decode::TrackText;

/// One window's groups of plays, by track.
#[derive(Debug)]
pub(super) struct WindowTracks<A> {
    window: Window,
    /// The groups as they fired; `None` until then.
    fired: Option<PackedGroups>,
    /// Until the window fires all its groups, afterwards those that have had late plays.
    groups: HashMap<TrackId, Group<A>>,
    /// The tracks with plays that came after the window fired and have no pane yet.
    with_late_plays: Vec<TrackId>,
}

/// The plays of one track.
#[derive(Debug)]
struct Group<A> {
    /// One record a play until a pane is made, then one a user, in the order of [`Listener::key`].
    listeners: Vec<Listener>,
    pending: Vec<Pending<A>>,
    /// The number of the pane that is made next.
    next_pane: u32,
}

/// The listeners of many tracks, by track, in flat arrays that can be searched.
#[derive(Debug, Default)]
struct PackedGroups {
    /// The ids one after another, in their order.
    ids: String,
    /// Where each group ends in the two arrays.
    ends: Vec<GroupEnd>,
    listeners: Vec<Listener>,
}

#[derive(Clone, Copy, Debug)]
struct GroupEnd {
    id: u32,
    listeners: u32,
}

impl<A> WindowTracks<A> {
    /// No tracks yet; `fired` when its on-time pane is past already.
    pub(super) fn new(window: Window, fired: bool) -> Self {
        let fired = fired.then(PackedGroups::default);
        Self { window, fired, groups: HashMap::new(), with_late_plays: Vec::new() }
    }

    pub(super) const fn window(&self) -> Window {
        self.window
    }

    pub(super) const fn has_fired(&self) -> bool {
        self.fired.is_some()
    }

    /// Whether plays wait for their late pane.
    pub(super) const fn has_late_plays(&self) -> bool {
        !self.with_late_plays.is_empty()
    }

    pub(super) fn insert(&mut self, track: &TrackText, listener: Listener, pending: Pending<A>) {
        // A track that the window knows costs one look-up and no allocation.
        let group = match self.groups.get_mut(track.as_str()) {
            Some(group) => group,
            None => {
                let earlier = self.fired.as_ref().map(|packed| packed.get(track.as_str()));
                self.groups.entry(track.to_id()).or_insert_with(|| Group::after(earlier))
            }
        };
        if self.fired.is_some() && group.pending.is_empty() {
            self.with_late_plays.push(track.to_id());
        }
        group.listeners.push(listener);
        group.pending.push(pending);
    }

    /// Makes the on-time panes, tracks in the order of their ids, unless that is done already.
    pub(super) fn fire(&mut self, make: &mut impl FnMut(Pane<'_, A>)) {
        if self.fired.is_some() {
            return;
        }
        let mut groups: Vec<_> = std::mem::take(&mut self.groups).into_iter().collect();
        groups.sort_unstable_by(|(track, _), (other, _)| track.cmp(other));
        let mut packed = PackedGroups::for_plays(&groups);
        for (track, mut group) in groups {
            make(group.next_pane(self.window, &track));
            packed.push(track.as_str(), &group.listeners);
        }
        packed.listeners.shrink_to_fit();
        self.fired = Some(packed);
    }

    /// Makes the late panes of the tracks that have taken plays in since their last pane.
    pub(super) fn fire_late(&mut self, make: &mut impl FnMut(Pane<'_, A>)) {
        let mut tracks = std::mem::take(&mut self.with_late_plays);
        tracks.sort_unstable();
        for track in tracks {
            if let Some(group) = self.groups.get_mut(track.as_str()) {
                make(group.next_pane(self.window, &track));
            }
        }
    }

    /// The plays that wait for a pane.
    pub(super) fn into_pending(self) -> impl Iterator<Item = Pending<A>> {
        self.groups.into_values().flat_map(|group| group.pending)
    }
}

impl<A> Group<A> {
    /// A group of a window that has not fired, or the group of one that has, with its earlier listeners.
    fn after(earlier: Option<&[Listener]>) -> Self {
        Self {
            // Most groups stay with one play, hence room for no more.
            listeners: earlier.map_or_else(|| Vec::with_capacity(1), <[Listener]>::to_vec),
            pending: Vec::with_capacity(1),
            // The on-time pane is number 0, also where there was nothing in it.
            next_pane: u32::from(earlier.is_some()),
        }
    }

    fn next_pane<'a>(&'a mut self, window: Window, track: &'a TrackId) -> Pane<'a, A> {
        self.listeners.sort_unstable_by_key(Listener::key);
        self.listeners.dedup_by_key(|listener| listener.user);
        let number = self.next_pane;
        self.next_pane += 1;
        let pending = std::mem::take(&mut self.pending);
        Pane { window, track, listeners: &self.listeners, number, pending }
    }
}

impl PackedGroups {
    /// With room for all of `groups`.
    fn for_plays<A>(groups: &[(TrackId, Group<A>)]) -> Self {
        let id_bytes = groups.iter().map(|(track, _)| track.as_str().len()).sum();
        let plays = groups.iter().map(|(_, group)| group.listeners.len()).sum();
        Self {
            ids: String::with_capacity(id_bytes),
            ends: Vec::with_capacity(groups.len()),
            listeners: Vec::with_capacity(plays),
        }
    }

    /// Adds a track; they come in the order of their ids.
    fn push(&mut self, track: &str, listeners: &[Listener]) {
        self.ids.push_str(track);
        self.listeners.extend_from_slice(listeners);
        let end = |length: usize| {
            u32::try_from(length).expect("a window has fewer than 2^32 plays and bytes of ids")
        };
        self.ends.push(GroupEnd { id: end(self.ids.len()), listeners: end(self.listeners.len()) });
    }

    /// The listeners of `track`; none when it is not among the tracks.
    fn get(&self, track: &str) -> &[Listener] {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle).cmp(track) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return self.listeners_of(middle),
            }
        }
        &[]
    }

    fn id(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].id as usize);
        &self.ids[start..self.ends[index].id as usize]
    }

    fn listeners_of(&self, index: usize) -> &[Listener] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].listeners as usize);
        &self.listeners[start..self.ends[index].listeners as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_groups_are_found_again() {
        let mut packed = PackedGroups::default();
        for track in ["a", "ab", "b", "bb"] {
            packed.push(track, &[]);
        }
        let found = |track: &str| (0..4).find(|index| packed.id(*index) == track);
        assert_eq!(["a", "ab", "b", "bb", "c"].map(found), [Some(0), Some(1), Some(2), Some(3), None]);
        assert!(packed.get("aa").is_empty() && packed.get("").is_empty() && packed.get("z").is_empty());
    }
}
