//! What seals packets, and what a peer can open (SPEC §6.4).

use std::fmt;

/// What seals the packets of a connection. The handshake is always sealed with AES-256-GCM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketCipher {
    /// AES-256-GCM (NIST SP 800-38D), which every peer has.
    #[default]
    Aes256Gcm,
    /// AEGIS-256X4 (RFC 10032): half of the work where processors have instructions for AES.
    #[cfg(feature = "aegis")]
    Aegis256X4,
}

impl fmt::Display for PacketCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes256Gcm => "AES-256-GCM",
            #[cfg(feature = "aegis")]
            Self::Aegis256X4 => "AEGIS-256X4",
        })
    }
}

#[cfg(any(test, fuzzing))]
impl PacketCipher {
    /// All of this build.
    pub(crate) const ALL: &[Self] = &[
        Self::Aes256Gcm,
        #[cfg(feature = "aegis")]
        Self::Aegis256X4,
    ];
}

/// The ciphers that a peer wants to have beside AES-256-GCM: the value of RECORD_CIPHERS (SPEC §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CipherMap(u64);

impl CipherMap {
    pub(crate) const NONE: Self = Self(0);
    #[cfg(feature = "aegis")]
    pub(crate) const AEGIS_256X4: Self = Self(0x01);

    pub(crate) const fn from_u64(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn as_u64(self) -> u64 {
        self.0
    }

    /// What two peers that want these seal their packets with.
    #[cfg(feature = "aegis")]
    pub(crate) const fn common(self, other: Self) -> PacketCipher {
        if self.0 & other.0 & Self::AEGIS_256X4.0 != 0 {
            PacketCipher::Aegis256X4
        } else {
            PacketCipher::Aes256Gcm
        }
    }

    /// What two peers that want these seal their packets with: this build has one cipher.
    #[cfg(not(feature = "aegis"))]
    pub(crate) const fn common(self, _: Self) -> PacketCipher {
        PacketCipher::Aes256Gcm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_sealed_with_what_both_want() {
        let all = CipherMap::from_u64(u64::MAX);
        assert_eq!(CipherMap::NONE.common(all), PacketCipher::Aes256Gcm);
        assert_eq!(all.common(CipherMap::from_u64(!1)), PacketCipher::Aes256Gcm);
        #[cfg(feature = "aegis")]
        assert_eq!(all.common(CipherMap::AEGIS_256X4), PacketCipher::Aegis256X4);
    }
}
