//! The first byte: what a datagram is (SPEC §2, RFC 7983, RFC 9443), and which long packet (SPEC §3).

/// Kinds of datagrams that may meet on one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Stun,
    Dtls,
    ChannelData,
    /// Of hole punching (SPEC §18.4).
    Check,
    Short,
    Long,
    Unknown,
}

/// Classifies a datagram.
pub(crate) const fn classify(first: u8) -> Class {
    match first {
        0x00..=0x03 => Class::Stun,
        0x14..=0x3f => Class::Dtls,
        0x40..=0x4f => Class::ChannelData,
        0x50..=0x5f => Class::Check,
        0x60..=0x7f => Class::Short,
        0xc0..=0xff => Class::Long,
        _ => Class::Unknown,
    }
}

const LONG: u8 = 0b1100_0000;
const LONG_TYPE_SHIFT: u8 = 3;

/// The first byte of a long packet of this type.
pub(super) const fn long_first_byte(kind: u8) -> u8 {
    LONG | (kind << LONG_TYPE_SHIFT)
}

/// The type of the long packet with this first byte; `None` if a reserved bit is set or it is no long packet.
pub(super) const fn long_type(first: u8) -> Option<u8> {
    let is_long = first & LONG == LONG && first & 0b111 == 0;
    if is_long { Some((first & !LONG) >> LONG_TYPE_SHIFT) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_touch_where_the_specification_says() {
        let edges = [
            (0x03, Class::Stun),
            (0x04, Class::Unknown),
            (0x13, Class::Unknown),
            (0x14, Class::Dtls),
            (0x3f, Class::Dtls),
            (0x40, Class::ChannelData),
            (0x4f, Class::ChannelData),
            (0x50, Class::Check),
            (0x5f, Class::Check),
            (0x60, Class::Short),
            (0x7f, Class::Short),
            (0x80, Class::Unknown),
            (0xbf, Class::Unknown),
            (0xc0, Class::Long),
            (0xff, Class::Long),
        ];
        for (first, class) in edges {
            assert_eq!(classify(first), class, "{first:#x}");
        }
    }
}
