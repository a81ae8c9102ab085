//! The tracks of one window: gathered play by play until the window fires, then packed.
//!
//! Most groups have one or two listeners, so that a list for each would be mostly overhead, in time and in memory. Plays
//! are therefore appended to flat arrays, each with the number of its group, and brought into the order of the groups
//! once, when the window fires. From then on the arrays are what late plays are added to.

use hashbrown::{HashMap, HashTable};
use listening_together_proto::Window;
use xxhash_rust::xxh3::xxh3_64;

use super::{Listener, Pane, Pending};

/// One window's groups of plays, by track.
#[derive(Debug)]
pub(super) struct WindowTracks<A> {
    window: Window,
    tracks: Tracks,
    /// Until the window fires.
    open: Option<OpenGroups<A>>,
    /// The listeners as they fired, one group after another, and where each group ends.
    listeners: Vec<Listener>,
    ends: Vec<u32>,
    /// The groups that have had plays after the window fired, by their number.
    late: HashMap<u32, LateGroup<A>>,
    /// Those of them with plays that have no pane yet.
    with_late_plays: Vec<u32>,
}

/// The ids of tracks, numbered in the order in which they came.
#[derive(Debug, Default)]
struct Tracks {
    numbers: HashTable<u32>,
    /// The ids one after another, and where each ends.
    ids: String,
    ends: Vec<u32>,
}

/// The plays of a window that has not fired, in the order in which they came, and the group of each.
#[derive(Debug)]
struct OpenGroups<A> {
    groups: Vec<u32>,
    listeners: Vec<Listener>,
    pending: Vec<Pending<A>>,
}

/// A group that has had plays after its window fired.
#[derive(Debug)]
struct LateGroup<A> {
    /// Those of before and one record for each play since; one a user once a pane is made.
    listeners: Vec<Listener>,
    pending: Vec<Pending<A>>,
    /// The number of the pane that is made next.
    next_pane: u32,
}

impl<A> WindowTracks<A> {
    /// No tracks yet; `fired` when its on-time pane is past already.
    pub(super) fn new(window: Window, fired: bool) -> Self {
        Self {
            window,
            tracks: Tracks::default(),
            open: (!fired).then(OpenGroups::new),
            listeners: Vec::new(),
            ends: Vec::new(),
            late: HashMap::new(),
            with_late_plays: Vec::new(),
        }
    }

    pub(super) const fn window(&self) -> Window {
        self.window
    }

    pub(super) const fn has_fired(&self) -> bool {
        self.open.is_none()
    }

    /// Whether plays wait for their late pane.
    pub(super) const fn has_late_plays(&self) -> bool {
        !self.with_late_plays.is_empty()
    }

    pub(super) fn insert(&mut self, track: &str, listener: Listener, pending: Pending<A>) {
        let group = self.tracks.number(track);
        match &mut self.open {
            Some(open) => {
                open.groups.push(group);
                open.listeners.push(listener);
                open.pending.push(pending);
            }
            None => self.insert_late(group, listener, pending),
        }
    }

    /// Makes the on-time panes, in the order in which the tracks came, unless that is done already.
    pub(super) fn fire(&mut self, make: &mut impl FnMut(Pane<'_, A>)) {
        let Some(open) = self.open.take() else { return };
        let Grouped { ends, mut listeners, pending } = open.group(self.tracks.len());
        let mut pending = pending.into_iter();
        let mut kept = 0;
        let mut start = 0;
        self.ends = Vec::with_capacity(ends.len());
        for (group, end) in ends.into_iter().enumerate() {
            let (plays, unique) = (end - start, keep_one_a_user(&mut listeners[start..end]));
            // The groups move together where one has lost records.
            listeners.copy_within(start..start + unique, kept);
            make(Pane {
                window: self.window,
                track: self.tracks.id(group),
                listeners: &listeners[kept..kept + unique],
                number: 0,
                pending: pending.by_ref().take(plays).collect(),
            });
            kept += unique;
            start = end;
            self.ends.push(as_u32(kept));
        }
        listeners.truncate(kept);
        listeners.shrink_to_fit();
        self.listeners = listeners;
    }

    /// Makes the late panes of the tracks that have taken plays in since their last pane.
    pub(super) fn fire_late(&mut self, make: &mut impl FnMut(Pane<'_, A>)) {
        for number in std::mem::take(&mut self.with_late_plays) {
            let Some(group) = self.late.get_mut(&number) else { continue };
            let unique = keep_one_a_user(&mut group.listeners);
            group.listeners.truncate(unique);
            make(Pane {
                window: self.window,
                track: self.tracks.id(number as usize),
                listeners: &group.listeners,
                number: group.next_pane,
                pending: std::mem::take(&mut group.pending),
            });
            group.next_pane += 1;
        }
    }

    /// The plays that wait for a pane.
    pub(super) fn into_pending(self) -> impl Iterator<Item = Pending<A>> {
        let open = self.open.into_iter().flat_map(|open| open.pending);
        open.chain(self.late.into_values().flat_map(|group| group.pending))
    }

    fn insert_late(&mut self, number: u32, listener: Listener, pending: Pending<A>) {
        let group = self.late.entry(number).or_insert_with(|| LateGroup {
            listeners: listeners_of(&self.listeners, &self.ends, number).to_vec(),
            pending: Vec::new(),
            // The on-time pane is number 0, also where there was nothing in it.
            next_pane: 1,
        });
        if group.pending.is_empty() {
            self.with_late_plays.push(number);
        }
        group.listeners.push(listener);
        group.pending.push(pending);
    }
}

/// Brings the smallest record of each user to the front, in the order of users; returns how many there are.
fn keep_one_a_user(listeners: &mut [Listener]) -> usize {
    if listeners.len() > 1 {
        listeners.sort_unstable_by_key(Listener::key);
    }
    let mut kept = 0;
    for index in 0..listeners.len() {
        if kept == 0 || listeners[kept - 1].user != listeners[index].user {
            listeners[kept] = listeners[index];
            kept += 1;
        }
    }
    kept
}

/// The listeners of a group that fired; none of one that came later.
fn listeners_of<'a>(listeners: &'a [Listener], ends: &[u32], number: u32) -> &'a [Listener] {
    let number = number as usize;
    let Some(end) = ends.get(number) else { return &[] };
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &listeners[start as usize..*end as usize]
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).expect("a window has fewer than 2^32 plays and bytes of ids")
}

impl Tracks {
    /// The number of a track; one that is new gets the next. A track that is known costs one look-up and no allocation.
    fn number(&mut self, track: &str) -> u32 {
        let hash = |track: &str| xxh3_64(track.as_bytes());
        let Self { numbers, ids, ends } = self;
        let known = numbers.find(hash(track), |number| id_of(ids, ends, *number as usize) == track);
        if let Some(number) = known {
            return *number;
        }
        let number = as_u32(ends.len());
        ids.push_str(track);
        ends.push(as_u32(ids.len()));
        numbers.insert_unique(hash(track), number, |number| hash(id_of(ids, ends, *number as usize)));
        number
    }

    fn id(&self, number: usize) -> &str {
        id_of(&self.ids, &self.ends, number)
    }

    const fn len(&self) -> usize {
        self.ends.len()
    }
}

fn id_of<'a>(ids: &'a str, ends: &[u32], number: usize) -> &'a str {
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &ids[start as usize..ends[number] as usize]
}

/// The plays of a window, one group after another.
struct Grouped<A> {
    /// Where each group ends.
    ends: Vec<usize>,
    listeners: Vec<Listener>,
    pending: Vec<Pending<A>>,
}

impl<A> OpenGroups<A> {
    const fn new() -> Self {
        Self { groups: Vec::new(), listeners: Vec::new(), pending: Vec::new() }
    }

    /// A counting sort by group.
    fn group(self, groups: usize) -> Grouped<A> {
        let mut ends = vec![0; groups];
        self.groups.iter().for_each(|group| ends[*group as usize] += 1);
        let mut sum = 0;
        for end in &mut ends {
            let plays = *end;
            *end = sum;
            sum += plays;
        }
        // `ends` are starts so far, and become ends as the places are given out.
        let places: Vec<usize> =
            self.groups.iter().map(|group| take_place(&mut ends[*group as usize])).collect();
        let mut listeners = self.listeners.clone();
        places.iter().zip(self.listeners).for_each(|(place, listener)| listeners[*place] = listener);
        let mut pending: Vec<_> = std::iter::repeat_with(|| None).take(places.len()).collect();
        places.iter().zip(self.pending).for_each(|(place, play)| pending[*place] = Some(play));
        Grouped { ends, listeners, pending: pending.into_iter().flatten().collect() }
    }
}

fn take_place(next: &mut usize) -> usize {
    let place = *next;
    *next += 1;
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_numbered_as_they_come_and_found_again() {
        let mut tracks = Tracks::default();
        let numbers = ["b", "a", "b", "ab", "a", "", "bb"].map(|track| tracks.number(track));
        assert_eq!(numbers, [0, 1, 0, 2, 1, 3, 4]);
        assert_eq!([0, 1, 2, 3, 4].map(|number| tracks.id(number).to_owned()), ["b", "a", "ab", "", "bb"]);
    }
}
