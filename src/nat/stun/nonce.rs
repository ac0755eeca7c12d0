//! The security features that a nonce announces, so that nobody can strip them off the rest of the message (RFC 8489 §9.2).

use data_encoding::BASE64;

const COOKIE: &str = "obMatJos2";

/// Characters of the features behind the cookie: 24 bits.
const FEATURES: usize = 4;

/// What the server that made a nonce is able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecurityFeatures {
    /// It offers PASSWORD-ALGORITHMS.
    pub password_algorithms: bool,
    /// It takes USERHASH instead of USERNAME.
    pub username_anonymity: bool,
}

impl SecurityFeatures {
    /// Those that a nonce announces; none if it is of the old kind.
    pub fn of(nonce: &str) -> Self {
        let bits = nonce.strip_prefix(COOKIE).and_then(|rest| rest.get(..FEATURES));
        let bits = bits.and_then(|text| BASE64.decode(text.as_bytes()).ok());
        let first = bits.and_then(|bits| bits.first().copied()).unwrap_or_default();
        // Bit 0 is the most significant one (RFC 8489 §18.1).
        Self { password_algorithms: first & 0x80 != 0, username_anonymity: first & 0x40 != 0 }
    }

    /// A nonce that announces them.
    pub fn nonce(self, proof: &str) -> String {
        let first =
            u8::from(self.password_algorithms) << 7 | u8::from(self.username_anonymity) << 6;
        [COOKIE, &BASE64.encode(&[first, 0, 0]), proof].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_come_back_and_old_nonces_have_none() {
        for (password_algorithms, username_anonymity) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let features = SecurityFeatures { password_algorithms, username_anonymity };
            assert_eq!(SecurityFeatures::of(&features.nonce("proof")), features);
        }
        for nonce in ["", "obMatJos2", "obMatJos2A", "obMatJos2!!!!", "f//499k954d6", "obMatJos2ÄÖ"]
        {
            assert_eq!(SecurityFeatures::of(nonce), SecurityFeatures::default(), "{nonce}");
        }
    }
}
