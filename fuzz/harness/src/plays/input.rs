//! How bytes tell a story of plays: settings, a message to read the programme back from, then steps to the end.

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use listening_together_proto::{Timestamp, v1};
use prost::Message as _;

use super::databases::ADDRESSES;
use crate::clock;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A message is delivered, whatever it is.
    Message(&'a [u8]),
    /// A message is delivered that is a play.
    Play(PlayFields),
    /// A message is delivered again: 0 is the last one.
    Again(u8),
    /// The clock moves on, in tens of milliseconds.
    Tick(u8),
    /// The clock moves on or is set back, in milliseconds.
    Clock(i32),
    /// Of what waits to be confirmed as published, one is.
    Confirm(u8),
    /// The other edition of the databases comes.
    NewDatabases,
}

/// A play in few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayFields {
    /// Who.
    pub user: u8,
    /// What.
    pub track: u8,
    /// Where from, as an index of [`ADDRESSES`]; the next after the last is the first.
    pub address: u8,
    /// How long ago, in milliseconds.
    pub age_ms: i16,
}

impl PlayFields {
    pub(super) fn message(self, now: Timestamp) -> Bytes {
        let address = match ADDRESSES[usize::from(self.address) % ADDRESSES.len()] {
            std::net::IpAddr::V4(v4) => Bytes::copy_from_slice(&v4.octets()),
            std::net::IpAddr::V6(v6) => Bytes::copy_from_slice(&v6.octets()),
        };
        let play = v1::Play {
            user_id: format!("user-{}", self.user),
            track_id: format!("track-{}", self.track),
            ip_address: address,
            played_at: Some(clock::moved(now, -i64::from(self.age_ms)).into()),
        };
        play.encode_to_vec().into()
    }
}

/// The bytes of a story. Of `settings`, 0 are the defaults; `announced` is a message of the sessions topic.
#[must_use]
pub fn write(settings: u16, announced: &[u8], steps: &[Step<'_>]) -> Vec<u8> {
    let mut bytes = settings.to_le_bytes().to_vec();
    write_message(announced, &mut bytes);
    for step in steps {
        match step {
            Step::Message(data) => {
                bytes.push(0);
                write_message(data, &mut bytes);
            }
            Step::Play(PlayFields { user, track, address, age_ms }) => {
                bytes.extend([1, *user, *track, *address]);
                bytes.extend(age_ms.to_le_bytes());
            }
            Step::Again(which) => bytes.extend([2, *which]),
            Step::Tick(tens_of_ms) => bytes.extend([3, *tens_of_ms]),
            Step::Clock(millis) => {
                bytes.push(4);
                bytes.extend(millis.to_le_bytes());
            }
            Step::Confirm(which) => bytes.extend([5, *which]),
            Step::NewDatabases => bytes.push(6),
        }
    }
    bytes
}

fn write_message(data: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(data);
}

/// Reads a story. Any bytes are one: what is missing at their end is zero.
pub(super) struct Input<'a>(Unstructured<'a>);

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub(super) fn settings(&mut self) -> u16 {
        self.0.arbitrary().unwrap_or_default()
    }

    pub(super) fn message(&mut self) -> &'a [u8] {
        self.read_message().unwrap_or_default()
    }

    /// `None` at the end.
    pub(super) fn step(&mut self) -> Option<Step<'a>> {
        if self.0.is_empty() { None } else { self.read_step().ok() }
    }

    fn read_step(&mut self) -> Result<Step<'a>> {
        Ok(match self.0.arbitrary::<u8>()? % 7 {
            0 => Step::Message(self.read_message()?),
            1 => Step::Play(PlayFields {
                user: self.0.arbitrary()?,
                track: self.0.arbitrary()?,
                address: self.0.arbitrary()?,
                age_ms: self.0.arbitrary()?,
            }),
            2 => Step::Again(self.0.arbitrary()?),
            3 => Step::Tick(self.0.arbitrary()?),
            4 => Step::Clock(self.0.arbitrary()?),
            5 => Step::Confirm(self.0.arbitrary()?),
            _ => Step::NewDatabases,
        })
    }

    fn read_message(&mut self) -> Result<&'a [u8]> {
        let length = usize::from(self.0.arbitrary::<u16>()?);
        self.0.bytes(length.min(self.0.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_read_as_it_was_written() {
        let steps = [
            Step::Message(b"message"),
            Step::Play(PlayFields { user: 1, track: 2, address: 3, age_ms: -4 }),
            Step::Again(5),
            Step::Tick(6),
            Step::Clock(-7_000_000),
            Step::Confirm(8),
            Step::NewDatabases,
        ];
        let bytes = write(0x1234, b"announced", &steps);
        let mut input = Input::new(&bytes);
        assert_eq!((input.settings(), input.message()), (0x1234, &b"announced"[..]));
        assert_eq!(std::iter::from_fn(|| input.step()).collect::<Vec<_>>(), steps);
    }

    #[test]
    fn any_bytes_are_a_story() {
        let mut input = Input::new(&[0, 0, 0, 0, 0, 9, 9, b'x']);
        assert_eq!((input.settings(), input.message()), (0, &b""[..]));
        assert_eq!(input.step(), Some(Step::Message(b"x")), "a length beyond the end");
        assert_eq!(input.step(), None);
        assert_eq!(Input::new(&[]).step(), None);
    }
}
