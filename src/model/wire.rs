//! The one scanner over protobuf bytes.
//!
//! Events pass through the server undecoded. What must be known of them (is this well formed, what
//! is its id) is found by walking the fields, without allocating. The rules are those of the
//! protobuf encoding, `https://protobuf.dev/programming-guides/encoding/`; groups are refused.

use super::Invalid;

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field's number.
    pub number: u32,
    /// What it holds.
    pub value: Value<'a>,
}

/// What a field holds, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1, as a number.
    Fixed64(u64),
    /// Wire type 2: text, bytes or a message.
    Bytes(&'a [u8]),
    /// Wire type 5, as a number.
    Fixed32(u32),
}

impl<'a> Value<'a> {
    /// The bytes of a length-delimited field.
    ///
    /// # Errors
    /// When the field has another wire type.
    pub fn bytes(self) -> Result<&'a [u8], Invalid> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32(_) => Err(malformed()),
        }
    }

    /// The text of a length-delimited field.
    ///
    /// # Errors
    /// When the field has another wire type or is not UTF-8.
    pub fn text(self, name: &str) -> Result<&'a str, Invalid> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Invalid::malformed(format!("{name} is not UTF-8")))
    }
}

/// The fields of a message, in the order of their bytes.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Walks an encoded message.
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// How many bytes lie behind the field returned last.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn varint(&mut self) -> Result<u64, Invalid> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            if index == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(malformed())
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Invalid> {
        let count = usize::try_from(count).map_err(|_| malformed())?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<Field<'a>, Invalid> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..1 << 29).contains(n)).ok_or_else(malformed)?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(reversed(self.take(8)?)),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(reversed(self.take(4)?) as u32),
            _ => return Err(malformed()),
        };
        Ok(Field { number, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Invalid>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Writes a length-delimited field.
pub fn put_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_plain_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a field with a number.
pub fn put_varint(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3);
    put_plain_varint(out, value);
}

fn put_plain_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The size of what [`put_bytes`] writes for `length` bytes.
pub fn field_bytes(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros();
    1 + (bits.max(1) as usize).div_ceil(7) + length
}

/// Writes a `fixed64` field: nine bytes, the number's lowest first.
pub fn fixed64_field(number: u8, value: u64) -> [u8; 9] {
    let mut field = [0; 9];
    field[0] = number << 3 | 1;
    field[1..].copy_from_slice(&value.to_be_bytes());
    field[1..].reverse();
    field
}

/// Reads the number of a `fixed64` or `fixed32` field: protobuf puts the lowest byte first.
pub fn reversed(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn malformed() -> Invalid {
    Invalid::malformed("an event is not a well-formed protobuf message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_is_walked() {
        let mut message = vec![0x08, 0x96, 0x01];
        message.extend(fixed64_field(2, 0x0102_0304_0506_0708));
        put_bytes(&mut message, 3, b"text");
        message.extend([0x25, 1, 0, 0, 0]);
        let fields: Vec<_> = Fields::of(&message).map(|field| field.unwrap().value).collect();
        let text = Value::Bytes(b"text");
        assert_eq!(fields, [Value::Varint(150), Value::Fixed64(0x0102_0304_0506_0708), text, Value::Fixed32(1)]);
    }

    #[test]
    fn a_message_cut_anywhere_inside_a_field_is_refused() {
        let mut message = Vec::new();
        put_bytes(&mut message, 3, &[7; 300]);
        for cut in 1..message.len() {
            assert!(Fields::of(&message[..cut]).any(|field| field.is_err()), "cut at {cut}");
        }
        for length in [0, 1, 127, 128, 16_383, 16_384] {
            let mut field = Vec::new();
            put_bytes(&mut field, 1, &vec![0; length]);
            assert_eq!(field.len(), field_bytes(length));
        }
    }

    #[test]
    fn groups_field_zero_and_overlong_numbers_are_refused() {
        for bad in [&[0x0b_u8][..], &[0x0c], &[0x02, 0x00], &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]] {
            assert!(Fields::of(bad).any(|field| field.is_err()), "{bad:?}");
        }
    }
}
