//! `listening_together.v1.Play` on the wire, read in place.
//!
//! The generated type allocates two texts for each play. This reader has the same fields and takes the same messages (a
//! field that comes twice counts as its last, a message field is merged, unknown fields are passed over), but its texts
//! are slices of the message. The encoding itself is prost's.

use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, message, skip_field};

/// The fields, unchecked.
#[derive(Default)]
pub(super) struct WirePlay<'a> {
    pub(super) user_id: &'a str,
    pub(super) track_id: &'a str,
    pub(super) ip_address: &'a [u8],
    pub(super) played_at: Option<prost_types::Timestamp>,
}

impl<'a> WirePlay<'a> {
    /// `None` when it does not decode.
    pub(super) fn parse(mut data: &'a [u8]) -> Option<Self> {
        let mut play = Self::default();
        while data.has_remaining() {
            let (tag, wire_type) = decode_key(&mut data).ok()?;
            match tag {
                1 => play.user_id = text(&mut data, wire_type)?,
                2 => play.track_id = text(&mut data, wire_type)?,
                3 => play.ip_address = bytes(&mut data, wire_type)?,
                4 => {
                    let played_at = play.played_at.get_or_insert_default();
                    message::merge(wire_type, played_at, &mut data, DecodeContext::default()).ok()?;
                }
                _ => skip_field(wire_type, tag, &mut data, DecodeContext::default()).ok()?,
            }
        }
        Some(play)
    }
}

/// A field of text: what is no UTF-8 does not decode, also where a later field of the same number would count instead.
fn text<'a>(data: &mut &'a [u8], wire_type: WireType) -> Option<&'a str> {
    std::str::from_utf8(bytes(data, wire_type)?).ok()
}

fn bytes<'a>(data: &mut &'a [u8], wire_type: WireType) -> Option<&'a [u8]> {
    if wire_type != WireType::LengthDelimited {
        return None;
    }
    let length = usize::try_from(decode_varint(data).ok()?).ok()?;
    let (field, rest) = data.split_at_checked(length)?;
    *data = rest;
    Some(field)
}
