//! What of a message is let in: whoever may publish to the sessions topic can also publish rubbish, and no message may
//! cost a replica its memory.
//!
//! Pub/Sub lets 10 MB through. Two bytes of them can stand for an empty session, which takes a hundred times as much
//! when it is decoded: such messages are told by their outline, before they are. And of a slot that would make bodies of
//! megabytes, as many sessions are kept as are of use to anyone.

use std::sync::Arc;

use listening_together_proto::session::decode_update;
use listening_together_proto::{InvalidUpdate, Session, Slot, v1};
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};

/// The most that a decoded update may take. A real one of 9 MB, the most that a pipeline publishes, takes two thirds.
const MAX_DECODED_BYTES: usize = 96 * 1024 * 1024;

/// The most that the sessions of one slot may weigh: some hundred sessions. The first ones are kept. All slots of a
/// programme together weigh at most 16 MiB.
const MAX_SLOT_WEIGHT: usize = 256 * 1024;

/// What a place weighs beside its texts: about as much as it takes in memory, and in a body.
const PLACE_WEIGHT: usize = 256;

/// The slots of a message, and how many of them are refused for their size.
#[derive(Debug, PartialEq)]
pub(super) struct Admitted {
    pub(super) slots: Vec<Slot>,
    pub(super) refused: u64,
}

/// Why a message is not let in. The texts never tell what it holds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Rejection {
    /// It is no update.
    #[error(transparent)]
    Invalid(#[from] InvalidUpdate),
    /// It would take too much memory.
    #[error("it would take more than {MAX_DECODED_BYTES} bytes of memory")]
    TooLarge,
}

/// Decodes the data of a message.
///
/// # Errors
/// When it is no update, or would take too much memory.
pub(super) fn admit(data: &[u8]) -> Result<Admitted, Rejection> {
    if decoded_size(data, UPDATE) > MAX_DECODED_BYTES {
        return Err(Rejection::TooLarge);
    }
    let slots = decode_update(data)?;
    let all = slots.len();
    let slots: Vec<_> = slots.into_iter().filter_map(shortened).collect();
    let refused = u64::try_from(all - slots.len()).unwrap_or(u64::MAX);
    Ok(Admitted { slots, refused })
}

/// The slot with as many of its first sessions as there is room for; `None` when there is none for the featured one.
fn shortened(mut slot: Slot) -> Option<Slot> {
    let mut sum = 0;
    let fits = |session: &&Arc<Session>| {
        sum += weight(session);
        sum <= MAX_SLOT_WEIGHT
    };
    let kept = slot.sessions.iter().take_while(fits).count();
    slot.sessions.truncate(kept);
    (kept > 0).then_some(slot)
}

/// Its encoded length, and more for what makes much of few bytes.
fn weight(session: &Session) -> usize {
    v1::Session::from(session).encoded_len() + PLACE_WEIGHT * session.places.len()
}

/// A message or map entry in an update: what it takes beside its bytes, and which of its fields are such parts.
#[derive(Clone, Copy)]
struct Part {
    size: usize,
    parts: &'static [(u32, Part)],
}

const ENTRY: Part = Part { size: 128, parts: &[] };
const TEXT: Part = Part { size: size_of::<String>(), parts: &[] };
const PLACE: Part = Part { size: size_of::<v1::Place>(), parts: &[(2, ENTRY), (4, ENTRY)] };
const TRACK: Part = Part { size: size_of::<v1::Track>(), parts: &[(3, TEXT)] };
const SESSION: Part = Part { size: size_of::<v1::Session>(), parts: &[(2, TRACK), (6, PLACE)] };
const SLOT: Part = Part { size: size_of::<v1::Slot>(), parts: &[(4, SESSION)] };
const UPDATE: Part = Part { size: size_of::<v1::SessionsUpdate>(), parts: &[(1, SLOT)] };

/// About how much `part` takes when it is decoded; of bytes that are none, what comes before that shows.
fn decoded_size(mut rest: &[u8], part: Part) -> usize {
    let mut size = part.size + rest.len();
    while let Ok((tag, wire_type)) = decode_key(&mut rest) {
        let length = match wire_type {
            WireType::Varint => decode_varint(&mut rest).map(|_| 0),
            WireType::ThirtyTwoBit => Ok(4),
            WireType::SixtyFourBit => Ok(8),
            WireType::LengthDelimited => decode_varint(&mut rest),
            WireType::StartGroup | WireType::EndGroup => return size,
        };
        let Some((field, after)) =
            length.ok().and_then(|length| rest.split_at_checked(usize::try_from(length).ok()?))
        else {
            return size;
        };
        rest = after;
        if wire_type == WireType::LengthDelimited
            && let Some((_, inner)) = part.parts.iter().find(|(known, _)| *known == tag)
        {
            size += decoded_size(field, *inner);
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{slot, update};

    /// A field that holds others.
    fn field(tag: u8, inner: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        bytes.extend(inner);
        bytes
    }

    #[test]
    fn updates_are_let_in_as_they_are() {
        let admitted = admit(&update([21, 20])).unwrap();
        assert_eq!((admitted.slots, admitted.refused), (vec![slot(21, 7), slot(20, 7)], 0));
        assert_eq!(admit(b"\xff\xff"), Err(Rejection::Invalid(InvalidUpdate::Malformed)));
    }

    #[test]
    fn messages_that_would_burst_are_not_decoded() {
        let many = |part: &[u8]| part.repeat(9_000_000 / part.len());
        let bombs = [
            ("empty slots", many(&[0x0a, 0])),
            ("empty sessions", field(1, &many(&[0x22, 0]))),
            ("empty places", field(1, &field(4, &many(&[0x32, 0])))),
            ("empty names", field(1, &field(4, &field(6, &many(&[0x12, 0]))))),
            ("empty artists", field(1, &field(4, &field(2, &many(&[0x1a, 0]))))),
        ];
        for (name, bomb) in bombs {
            assert_eq!(admit(&bomb), Err(Rejection::TooLarge), "{name}");
        }
    }

    #[test]
    fn the_largest_update_of_a_pipeline_is_let_in_and_its_slots_shortened() {
        let mut long = slot(20, 7);
        let session = Arc::clone(&long.sessions[0]);
        let encoded = v1::Session::from(session.as_ref()).encoded_len();
        let each = weight(&session);
        long.sessions = vec![session; 9_000_000 / encoded];
        let data = v1::SessionsUpdate { slots: vec![(&long).into()] }.encode_to_vec();
        let admitted = admit(&data).unwrap();
        assert_eq!(admitted.slots[0].sessions.len(), MAX_SLOT_WEIGHT / each);
    }

    #[test]
    fn a_slot_without_room_for_its_featured_session_is_refused() {
        let mut large = slot(20, 7);
        Arc::make_mut(&mut large.sessions[0]).track.title = "x".repeat(MAX_SLOT_WEIGHT).into();
        let slots = vec![(&large).into(), (&slot(21, 7)).into()];
        let admitted = admit(&v1::SessionsUpdate { slots }.encode_to_vec()).unwrap();
        assert_eq!((admitted.slots, admitted.refused), (vec![slot(21, 7)], 1));
    }

    #[test]
    fn a_session_of_empty_places_weighs_what_they_take() {
        let mut wire = v1::Slot::from(&slot(20, 7));
        wire.sessions[0].places = vec![v1::Place::default(); 2 * MAX_SLOT_WEIGHT / PLACE_WEIGHT];
        let data = v1::SessionsUpdate { slots: vec![wire] }.encode_to_vec();
        assert!(data.len() < 5000, "{} bytes", data.len());
        assert_eq!(admit(&data), Ok(Admitted { slots: vec![], refused: 1 }));
    }

    proptest! {
        #[test]
        fn anything_is_survived(data in prop::collection::vec(any::<u8>(), 0..300), keep in 0usize..300) {
            let _rejected_mostly = admit(&data);
            let good = update([20, 21]);
            let mut mixed = good[..keep.min(good.len())].to_vec();
            mixed.extend(&data);
            if let Ok(admitted) = admit(&mixed) {
                prop_assert!(admitted.slots.iter().all(|slot| !slot.sessions.is_empty()));
            }
            prop_assert!(decoded_size(&mixed, UPDATE) <= 400 * (mixed.len() + 1));
        }
    }
}
