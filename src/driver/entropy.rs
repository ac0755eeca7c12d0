//! Random bytes from the operating system, hedged with the identity's secret.
//!
//! An operating system's generator can fail in ways that nobody notices: a virtual machine that is resumed twice from
//! one snapshot, or a device without entropy after boot. Every draw, but for what is too short for a key, is therefore
//! `HKDF(salt = system bytes, secret = key derived from the identity, info = counter)` (after RFC 8937): it is as good
//! as the better of the two, and does not repeat within a process.

use std::fmt;
use std::io;

use hkdf::Hkdf;
use parking_lot::Mutex;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::base::Entropy;
use crate::crypto::Identity;

/// Longest output of one HKDF expansion (RFC 5869 §2.3: 255 blocks), rounded down to a round figure.
const DRAW_MAX: usize = 4096;

/// The longest output that is no key but an id, the token that goes with an id, a seed or a number. A connection needs two dozen of those,
/// and they come out of common draws.
const ID_MAX: usize = 16;

/// Bytes of such a draw.
const POOL: usize = 256;

/// Random bytes for keys that matter, for machines that are driven without an [`Endpoint`](crate::Endpoint).
///
/// ```
/// use srudp::proto::Entropy;
///
/// let mut entropy = srudp::SystemEntropy::new()?;
/// let (mut a, mut b) = ([0; 16], [0; 16]);
/// entropy.fill(&mut a);
/// entropy.fill(&mut b);
/// assert_ne!(a, b);
/// # std::io::Result::Ok(())
/// ```
pub struct SystemEntropy {
    hedge: Zeroizing<[u8; 32]>,
    counter: u64,
    /// What was drawn for ids and has not been used.
    pool: Vec<u8>,
}

impl SystemEntropy {
    /// The operating system's generator.
    ///
    /// # Errors
    ///
    /// If it has no random bytes now.
    pub fn new() -> io::Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(&mut *secret).map_err(io::Error::other)?;
        Self::hedged_by(&Identity::from_secret_bytes(*secret))
    }

    /// Fails if the operating system has no random bytes now.
    pub(crate) fn hedged_by(identity: &Identity) -> io::Result<Self> {
        let mut probe = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(&mut *probe).map_err(io::Error::other)?;
        let secret = identity.secret_bytes();
        let (hedge, _) = Hkdf::<Sha256>::extract(Some(b"srudp1 hedge"), &*secret);
        Ok(Self { hedge: Zeroizing::new(hedge.into()), counter: 0, pool: Vec::new() })
    }

    /// Copies what was drawn before, and forgets it.
    fn take(&mut self, out: &mut [u8]) {
        if self.pool.len() < out.len() {
            let mut pool = Zeroizing::new([0; POOL]);
            self.draw(&mut *pool);
            self.pool.clear();
            self.pool.extend_from_slice(&*pool);
        }
        let rest = self.pool.len().saturating_sub(out.len());
        let taken = self.pool.get_mut(rest..).unwrap_or_default();
        out.copy_from_slice(taken);
        taken.zeroize();
        self.pool.truncate(rest);
    }

    fn draw(&mut self, out: &mut [u8]) {
        let mut salt = Zeroizing::new([0; 32]);
        // If the system's generator fails now, the hedge and the counter still make the draw unpredictable and unique.
        let _ = SysRng.try_fill_bytes(&mut *salt);
        self.counter = self.counter.wrapping_add(1);
        let hkdf = Hkdf::<Sha256>::new(Some(&*salt), &*self.hedge);
        let expanded = hkdf.expand(&self.counter.to_be_bytes(), out);
        debug_assert!(expanded.is_ok(), "a draw is shorter than HKDF allows");
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        if out.len() <= ID_MAX {
            return self.take(out);
        }
        for part in out.chunks_mut(DRAW_MAX) {
            self.draw(part);
        }
    }
}

/// One that several threads draw from. None waits for another one's use of what it has drawn.
#[derive(Debug)]
pub(super) struct SharedEntropy(Mutex<SystemEntropy>);

impl SharedEntropy {
    pub(super) fn new(entropy: SystemEntropy) -> Self {
        Self(Mutex::new(entropy))
    }
}

impl Entropy for &SharedEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.lock().fill(out);
    }
}

impl fmt::Debug for SystemEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemEntropy")
    }
}

impl Identity {
    /// A new identity from the operating system's random bytes.
    ///
    /// ```
    /// let (a, b) = (srudp::Identity::generate(), srudp::Identity::generate());
    /// assert_ne!(a.peer_id(), b.peer_id());
    /// ```
    ///
    /// # Panics
    /// If the operating system has no random bytes to give.
    pub fn generate() -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        let drawn = SysRng.try_fill_bytes(&mut *seed);
        assert!(drawn.is_ok(), "the operating system has no random bytes: {drawn:?}");
        Self::from_secret_bytes(*seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_fill_everything() {
        let mut entropy = SystemEntropy::hedged_by(&Identity::from_secret_bytes([1; 32])).unwrap();
        let mut long = vec![0; 3 * DRAW_MAX];
        entropy.fill(&mut long);
        let parts: Vec<_> = long.chunks(32).collect();
        for (index, part) in parts.iter().enumerate() {
            assert!(!parts[..index].contains(part));
            assert!(part.iter().any(|byte| *byte != 0));
        }
    }
}
