//! Points in time, as protobuf has them.

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z. Orders as time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds; not negative in the log.
    pub seconds: u64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

/// The size of an encoded time: two tags and two varints padded to five bytes.
const MESSAGE_BYTES: u8 = 12;

/// The size of a time field: its tag, its length, and the message.
pub const TIME_FIELD_BYTES: usize = 14;

/// The latest second that five varint bytes hold: in the year 3058.
const SECONDS_MAX: u64 = (1 << 35) - 1;

impl Timestamp {
    /// The time that lies `age` before this; `None` when that is before 1970.
    pub fn earlier_by(self, age: std::time::Duration) -> Option<Self> {
        let this = std::time::Duration::new(self.seconds, self.nanos);
        let earlier = this.checked_sub(age)?;
        Some(Self { seconds: earlier.as_secs(), nanos: earlier.subsec_nanos() })
    }

    /// The next later time there is.
    pub fn next(self) -> Self {
        match self.nanos {
            999_999_999 => Self { seconds: self.seconds.saturating_add(1), nanos: 0 },
            nanos => Self { nanos: nanos + 1, ..self },
        }
    }

    /// A `google.protobuf.Timestamp` field in always the same number of bytes.
    ///
    /// ```text
    ///   tag  12  08 s s s s s  10 n n n n n       s, n: seven bits a byte, lowest first
    /// ```
    pub fn encode_field(self, field: u8) -> [u8; TIME_FIELD_BYTES] {
        let mut bytes = [0; TIME_FIELD_BYTES];
        bytes[0] = field << 3 | 2;
        bytes[1] = MESSAGE_BYTES;
        bytes[2] = 0x08;
        bytes[3..8].copy_from_slice(&padded_varint(self.seconds.min(SECONDS_MAX)));
        bytes[8] = 0x10;
        bytes[9..14].copy_from_slice(&padded_varint(u64::from(self.nanos)));
        bytes
    }

    /// Reads what [`Self::encode_field`] wrote.
    pub fn decode_field(bytes: &[u8; TIME_FIELD_BYTES]) -> Self {
        let nanos = unpadded(&bytes[9..14]);
        Self { seconds: unpadded(&bytes[3..8]), nanos: u32::try_from(nanos).unwrap_or(0) }
    }
}

fn padded_varint(mut value: u64) -> [u8; 5] {
    let mut bytes = [0x80; 5];
    for byte in &mut bytes {
        *byte |= (value & 0x7f) as u8;
        value >>= 7;
    }
    bytes[4] &= 0x7f;
    bytes
}

fn unpadded(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_field_is_a_protobuf_timestamp() {
        for (seconds, nanos) in [(0, 0), (1, 999_999_999), (1_795_000_000, 5), (SECONDS_MAX, 1)] {
            let time = Timestamp { seconds, nanos };
            let field = time.encode_field(14);
            assert_eq!(Timestamp::decode_field(&field), time);

            let message: prost_types::Timestamp = prost::Message::decode(&field[2..]).unwrap();
            assert_eq!((message.seconds as u64, message.nanos as u32), (seconds, nanos));
        }
    }
}
