//! How bytes tell a story of updates: steps to the end.

use arbitrary::{Result, Unstructured};
use listening_together_proto::{Timestamp, v1};
use prost::Message as _;

use crate::clock;

/// The length of the slots that [`Announced`] tells of.
const SLOT_MS: i64 = 5000;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A message is delivered, whatever it is.
    Message(&'a [u8]),
    /// A message is delivered that is an update.
    Announced(Announced),
    /// The clock moves on or is set back, in milliseconds.
    Clock(i32),
    /// A replica begins to render what it wants, if it is not at it already.
    Begin,
    /// What it renders is done.
    Finish,
}

/// An update in few bytes: slots of five seconds one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The first slot, counted from the current one.
    pub first: i8,
    /// How many; of more than 70 the remainder, which fills a programme as well.
    pub count: u8,
    /// So many tens of milliseconds later than slots usually start.
    pub shift: u8,
    /// What tells their sessions from other updates' sessions of the same slots.
    pub id: u8,
}

impl Announced {
    pub(crate) fn message(self, now: Timestamp) -> Vec<u8> {
        let current = now.as_millis().div_euclid(SLOT_MS);
        let first = current + i64::from(self.first);
        let count = i64::from(self.count % 71);
        let slots = (first..first + count).rev().map(|number| self.slot(number)).collect();
        v1::SessionsUpdate { slots }.encode_to_vec()
    }

    fn slot(self, number: i64) -> v1::Slot {
        let starts_at = number * SLOT_MS + i64::from(self.shift) * 10;
        let time = |after: i64| Some(clock::moved(Timestamp::from_millis(starts_at), after).into());
        let session = v1::Session {
            session_id: format!("{:032x}", self.id),
            track: Some(v1::Track { track_id: format!("track-{}", self.id), ..Default::default() }),
            window_start: time(-4000),
            window_end: time(-3000),
            listener_count: 2,
            places: vec![place(1, "Berlin", 52.5, 13.4), place(2, "São Paulo", -23.5, -46.6)],
            distance_km: 10_246.95,
            pane: 0,
        };
        let number = u64::try_from(number).unwrap_or_default();
        v1::Slot { number, starts_at: time(0), ends_at: time(SLOT_MS), sessions: vec![session] }
    }
}

fn place(geoname_id: u32, name: &str, latitude: f64, longitude: f64) -> v1::Place {
    let city_names = [("en".to_owned(), name.to_owned())].into();
    v1::Place { geoname_id, city_names, latitude, longitude, listener_count: 1, ..Default::default() }
}

/// The bytes of a story.
#[must_use]
pub fn write(steps: &[Step<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in steps {
        match step {
            Step::Message(data) => {
                bytes.push(0);
                bytes.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes());
                bytes.extend(*data);
            }
            Step::Announced(Announced { first, count, shift, id }) => {
                bytes.extend([1, first.to_le_bytes()[0], *count, *shift, *id]);
            }
            Step::Clock(millis) => {
                bytes.push(2);
                bytes.extend(millis.to_le_bytes());
            }
            Step::Begin => bytes.push(3),
            Step::Finish => bytes.push(4),
        }
    }
    bytes
}

/// Reads a story. Any bytes are one: what is missing at their end is zero.
pub(super) struct Input<'a>(Unstructured<'a>);

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    /// `None` at the end.
    pub(super) fn step(&mut self) -> Option<Step<'a>> {
        if self.0.is_empty() { None } else { self.read_step().ok() }
    }

    fn read_step(&mut self) -> Result<Step<'a>> {
        Ok(match self.0.arbitrary::<u8>()? % 5 {
            0 => {
                let length = usize::from(self.0.arbitrary::<u16>()?);
                Step::Message(self.0.bytes(length.min(self.0.len()))?)
            }
            1 => Step::Announced(Announced {
                first: self.0.arbitrary()?,
                count: self.0.arbitrary()?,
                shift: self.0.arbitrary()?,
                id: self.0.arbitrary()?,
            }),
            2 => Step::Clock(self.0.arbitrary()?),
            3 => Step::Begin,
            _ => Step::Finish,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_read_as_it_was_written() {
        let steps = [
            Step::Message(b"message"),
            Step::Announced(Announced { first: -9, count: 11, shift: 7, id: 1 }),
            Step::Clock(-5000),
            Step::Begin,
            Step::Finish,
        ];
        let bytes = write(&steps);
        let mut input = Input::new(&bytes);
        assert_eq!(std::iter::from_fn(|| input.step()).collect::<Vec<_>>(), steps);
    }

    #[test]
    fn an_announced_update_is_one() {
        let announced = Announced { first: -1, count: 3, shift: 0, id: 7 };
        let slots = listening_together_proto::session::decode_update(&announced.message(clock::START));
        let numbers: Vec<_> = slots.unwrap().iter().map(|slot| slot.number).collect();
        assert_eq!(numbers, [340_000_001, 340_000_000, 339_999_999]);
    }
}
