//! Checks: small datagrams that show each side what the other hears (SPEC §18.4).
//!
//! All but the upper half of the first byte looks random, so that no service that they are aimed at takes them for a question.

use crate::base::Entropy;
use crate::crypto::CheckKey;

/// Bytes of every check.
pub(super) const CHECK_LEN: usize = 1 + 11 + BODY_LEN + 16;

const BODY_LEN: usize = 1 + 8 + 8 + 2;
const NONCE_LEN: usize = 12;

/// The upper half of the first byte (SPEC §2).
const FIRST: u8 = 0x50;

const ASKS: u8 = 0x01;
const ECHOES: u8 = 0x02;
const NOMINATES: u8 = 0x04;

/// Belongs to one socket and one address of its sender's choice.
pub(super) type Token = [u8; 8];

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// Its sender does not know yet that it is heard here, and wants to be told.
    pub(super) asks: bool,
    /// This is the path to take.
    pub(super) nominates: bool,
    pub(super) token: Token,
    /// What was heard from the receiver here last, and from which port.
    pub(super) echo: Option<(Token, u16)>,
}

impl Check {
    pub(super) fn seal(&self, key: &CheckKey, entropy: &mut dyn Entropy) -> Vec<u8> {
        let mut out = entropy.array::<CHECK_LEN>();
        out[0] = FIRST | out[0] & 0x0f;
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let (echo, port) = self.echo.unwrap_or_default();
        let (nonce, rest) = out.split_at_mut(NONCE_LEN);
        let (body, tag) = rest.split_at_mut(BODY_LEN);
        body[0] = flag(self.asks, ASKS)
            | flag(self.echo.is_some(), ECHOES)
            | flag(self.nominates, NOMINATES);
        body[1..9].copy_from_slice(&self.token);
        body[9..17].copy_from_slice(&echo);
        body[17..].copy_from_slice(&port.to_be_bytes());
        let nonce = std::array::from_fn(|index| nonce[index]);
        // AES-GCM refuses only texts of gigabytes.
        if let Some(made) = key.seal(&nonce, body) {
            tag.copy_from_slice(&made);
        }
        out.to_vec()
    }

    /// `None` if the peer did not send it for this punch.
    pub(super) fn open(key: &CheckKey, datagram: &[u8]) -> Option<Self> {
        if datagram.len() != CHECK_LEN || datagram.first()? & 0xf0 != FIRST {
            return None;
        }
        let (nonce, rest) = datagram.split_first_chunk::<NONCE_LEN>()?;
        let (body, tag) = rest.split_first_chunk::<BODY_LEN>()?;
        let (mut body, tag) = (*body, tag.first_chunk()?);
        if !key.open(nonce, &mut body, tag) {
            return None;
        }
        let [flags, token @ .., _, _, _, _, _, _, _, _, _, _] = body;
        let [.., e0, e1, e2, e3, e4, e5, e6, e7, high, low] = body;
        let echo = ([e0, e1, e2, e3, e4, e5, e6, e7], u16::from_be_bytes([high, low]));
        Some(Self {
            asks: flags & ASKS != 0,
            nominates: flags & NOMINATES != 0,
            token,
            echo: (flags & ECHOES != 0).then_some(echo),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SeededEntropy;
    use crate::crypto::{Identity, PunchSecrets};

    fn keys() -> [(CheckKey, CheckKey); 2] {
        let [a, b] = [1, 2].map(|seed| Identity::from_secret_bytes([seed; 32]));
        let at_a = PunchSecrets::new(&a, &b.peer_id(), &[1; 16], &[2; 16]).unwrap();
        let at_b = PunchSecrets::new(&b, &a.peer_id(), &[2; 16], &[1; 16]).unwrap();
        [at_a.check_keys(), at_b.check_keys()]
    }

    #[test]
    fn a_check_is_read_by_the_peer_and_by_nobody_else() {
        let [(ours, _), (own, theirs)] = keys();
        let mut entropy = SeededEntropy::new(1);
        for flags in 0..8 {
            let check = Check {
                asks: flags & 1 != 0,
                nominates: flags & 2 != 0,
                token: [7; 8],
                echo: (flags & 4 != 0).then_some(([8; 8], 0x1234)),
            };
            let datagram = check.seal(&ours, &mut entropy);
            assert_eq!(Check::open(&theirs, &datagram), Some(check));
            assert_eq!(Check::open(&own, &datagram), None, "reflected");
            for at in 0..datagram.len() {
                let mut other = datagram.clone();
                other[at] ^= 1;
                assert_eq!(Check::open(&theirs, &other), None, "byte {at}");
                assert_eq!(Check::open(&theirs, &datagram[..at]), None);
            }
        }
    }

    #[test]
    fn two_checks_have_nothing_in_common_that_a_service_could_take_for_a_question() {
        let [(ours, _), _] = keys();
        let mut entropy = SeededEntropy::new(1);
        let check = Check { asks: true, nominates: false, token: [7; 8], echo: None };
        let many: Vec<_> = (0..64).map(|_| check.seal(&ours, &mut entropy)).collect();
        for at in 0..CHECK_LEN {
            let bits = many.iter().fold((0xff, 0), |(and, or), one| (and & one[at], or | one[at]));
            let constant = if at == 0 { (0x50, 0x5f) } else { (0, 0xff) };
            assert_eq!(bits, constant, "byte {at}");
        }
    }
}
