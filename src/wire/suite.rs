//! Versions, suites and the sets of primitives that peers offer (SPEC §3).

use super::error::DecodeError;

/// The version of SPEC.md: `SR`, 1.
pub(crate) const VERSION: u32 = 0x5352_0001;

/// A Noise protocol (SPEC §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Suite {
    XkHybrid = 0x01,
    XxHybrid = 0x02,
    XkClassical = 0x11,
    XxClassical = 0x12,
}

impl Suite {
    /// The suite for a set of primitives, with or without the responder's peer id.
    pub(crate) const fn new(set: SetMap, names_responder: bool) -> Self {
        match (set.0 & SetMap::HYBRID.0 != 0, names_responder) {
            (true, true) => Self::XkHybrid,
            (true, false) => Self::XxHybrid,
            (false, true) => Self::XkClassical,
            (false, false) => Self::XxClassical,
        }
    }

    pub(crate) const fn as_u8(self) -> u8 {
        self as u8
    }

    pub(crate) const fn decode(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            0x01 => Ok(Self::XkHybrid),
            0x02 => Ok(Self::XxHybrid),
            0x11 => Ok(Self::XkClassical),
            0x12 => Ok(Self::XxClassical),
            _ => Err(DecodeError::UnknownType),
        }
    }

    /// The set of primitives that it uses.
    pub(crate) const fn set(self) -> SetMap {
        match self {
            Self::XkHybrid | Self::XxHybrid => SetMap::HYBRID,
            Self::XkClassical | Self::XxClassical => SetMap::CLASSICAL,
        }
    }

    /// The initiator names the responder by its peer id (XK), or learns who it is (XX).
    pub(crate) const fn names_responder(self) -> bool {
        matches!(self, Self::XkHybrid | Self::XkClassical)
    }
}

/// A 16-bit map of sets of primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetMap(u16);

impl SetMap {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const HYBRID: Self = Self(0x0001);
    pub(crate) const CLASSICAL: Self = Self(0x0002);
    /// What this build can do.
    pub(crate) const SUPPORTED: Self =
        if cfg!(feature = "pq") { Self(0x0003) } else { Self::CLASSICAL };

    pub(crate) const fn from_u16(bits: u16) -> Self {
        Self(bits)
    }

    pub(crate) const fn as_u16(self) -> u16 {
        self.0
    }

    /// The strongest set that both offer.
    pub(crate) const fn best(self, other: Self) -> Option<Self> {
        let common = self.0 & other.0;
        if common & Self::HYBRID.0 != 0 {
            Some(Self::HYBRID)
        } else if common & Self::CLASSICAL.0 != 0 {
            Some(Self::CLASSICAL)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hybrid_set_stands_above_the_classical_one() {
        let both = SetMap::from_u16(3);
        assert_eq!(both.best(both), Some(SetMap::HYBRID));
        assert_eq!(both.best(SetMap::CLASSICAL), Some(SetMap::CLASSICAL));
        assert_eq!(SetMap::HYBRID.best(SetMap::CLASSICAL), None);
        assert_eq!(SetMap::from_u16(0xfff0).best(both), None);
    }

    #[test]
    fn suites_come_back_from_their_byte() {
        for suite in [Suite::XkHybrid, Suite::XxHybrid, Suite::XkClassical, Suite::XxClassical] {
            assert_eq!(Suite::decode(suite.as_u8()), Ok(suite));
            assert_eq!(Suite::new(suite.set(), suite.names_responder()), suite);
        }
        assert_eq!(Suite::decode(3), Err(DecodeError::UnknownType));
    }
}
