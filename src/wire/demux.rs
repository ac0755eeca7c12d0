//! What a datagram is, by its first byte (SPEC §2, RFC 7983, RFC 9443).

/// Kinds of datagrams that may meet on one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Stun,
    Dtls,
    ChannelData,
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
        0x60..=0x7f => Class::Short,
        0xc0..=0xff => Class::Long,
        _ => Class::Unknown,
    }
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
            (0x50, Class::Unknown),
            (0x5f, Class::Unknown),
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
