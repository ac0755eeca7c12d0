//! From the end of the handshake to the secrets of a connection (SPEC §5.7).
//!
//! ```text
//! k1 ‖ k2, h ──▶ root ──┬─▶ i2r_0 ──┬─▶ key, iv, hp
//!                       │           └─▶ i2r_1 ──▶ ...
//!                       ├─▶ r2i_0 ──▶ likewise
//!                       └─▶ exporter ──▶ export(label, context)
//! ```

use std::fmt;

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A secret from which others are derived.
pub(super) type Secret = Zeroizing<[u8; 32]>;

const PREFIX: &[u8] = b"srudp1 ";

/// The longest label of [`Exporter::export`], so that its length with the prefix fits one byte.
const LABEL_MAX: usize = u8::MAX as usize - PREFIX.len();

/// The most that HKDF-SHA256 gives from one secret (RFC 5869 §2.3).
const EXPAND_MAX: usize = 255 * 32;

/// `expand` of SPEC §5.7. False if a length does not fit; then nothing was written.
fn expand_into(secret: &[u8; 32], label: &[u8], context: &[u8], out: &mut [u8]) -> bool {
    let (Ok(length), Ok(label_length), Ok(context_length)) = (
        u16::try_from(out.len()),
        u8::try_from(PREFIX.len() + label.len()),
        u8::try_from(context.len()),
    ) else {
        return false;
    };
    let info: [&[u8]; 6] =
        [&length.to_be_bytes(), &[label_length], PREFIX, label, &[context_length], context];
    let Ok(hkdf) = Hkdf::<Sha256>::from_prk(secret) else { return false };
    hkdf.expand_multi_info(&info, out).is_ok()
}

/// `expand` with one of our own labels.
pub(super) fn expand<const N: usize>(
    secret: &Secret,
    label: &'static str,
    context: &[u8; 32],
) -> Zeroizing<[u8; N]> {
    derive(secret, label, context)
}

/// `expand` with one of our own labels and no context.
pub(super) fn expand_plain<const N: usize>(
    secret: &Secret,
    label: &'static str,
) -> Zeroizing<[u8; N]> {
    derive(secret, label, &[])
}

fn derive<const N: usize>(
    secret: &Secret,
    label: &'static str,
    context: &[u8],
) -> Zeroizing<[u8; N]> {
    const { assert!(N <= EXPAND_MAX) }
    let mut out = Zeroizing::new([0; N]);
    assert!(
        expand_into(secret, label.as_bytes(), context, &mut *out),
        "labels and contexts of the key schedule are short constants"
    );
    out
}

/// What a completed handshake leaves behind. Erased when dropped.
pub(crate) struct Secrets {
    pub(super) initiator_to_responder: Secret,
    pub(super) responder_to_initiator: Secret,
    exporter: Secret,
    hash: [u8; 32],
}

impl Secrets {
    /// Takes the two keys of Noise's Split() and the handshake hash.
    pub(crate) fn new(k1: &Secret, k2: &Secret, hash: [u8; 32]) -> Self {
        let mut salt = Zeroizing::new([0; 64]);
        let (left, right) = salt.split_at_mut(32);
        left.copy_from_slice(&**k1);
        right.copy_from_slice(&**k2);
        let root: Secret = Zeroizing::new(Hkdf::<Sha256>::extract(Some(&*salt), &hash).0.into());
        Self {
            initiator_to_responder: expand(&root, "i2r", &hash),
            responder_to_initiator: expand(&root, "r2i", &hash),
            exporter: expand(&root, "exp", &hash),
            hash,
        }
    }

    /// Secrets that are none: for connections without a handshake.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn known() -> Self {
        Self::new(&Zeroizing::new([1; 32]), &Zeroizing::new([2; 32]), [3; 32])
    }

    /// The handshake hash: equal on both sides, and on no other connection. Not secret.
    pub(crate) fn handshake_hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// What [`Exporter::export`] needs, without the traffic secrets.
    pub(crate) fn exporter(&self) -> Exporter {
        Exporter(self.exporter.clone())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Keys for the application from a connection's secrets. Erased when dropped.
pub(crate) struct Exporter(Secret);

impl Exporter {
    /// Fills `out` with bytes that both sides of this connection get for the same label and context, and nobody else.
    ///
    /// False, with nothing written, if the label is longer than 248 bytes or `out` than 8160.
    #[must_use]
    pub(crate) fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> bool {
        if label.len() > LABEL_MAX || out.len() > EXPAND_MAX {
            return false;
        }
        let mut of_label = Zeroizing::new([0; 32]);
        expand_into(&self.0, label, &[], &mut *of_label)
            && expand_into(&of_label, b"exporter", &Sha256::digest(context), out)
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(fill: u8) -> Secrets {
        Secrets::new(&Zeroizing::new([fill; 32]), &Zeroizing::new([2; 32]), [3; 32])
    }

    fn export(secrets: &Secrets, label: &[u8], context: &[u8]) -> [u8; 48] {
        let mut out = [0; 48];
        assert!(secrets.exporter().export(label, context, &mut out));
        out
    }

    #[test]
    fn exports_depend_on_the_connection_the_label_and_the_context() {
        let base = export(&secrets(1), b"label", b"context");
        assert_eq!(base, export(&secrets(1), b"label", b"context"));
        assert_ne!(base, export(&secrets(9), b"label", b"context"));
        assert_ne!(base, export(&secrets(1), b"labex", b"context"));
        assert_ne!(base, export(&secrets(1), b"label", b"contexu"));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let exporter = secrets(1).exporter();
        assert!(exporter.export(&[0; 248], &[0; 1000], &mut [0; 8160]));
        assert!(!exporter.export(&[0; 249], &[], &mut [0; 1]));
        assert!(!exporter.export(&[], &[], &mut [0; 8161]));
    }

    #[test]
    fn the_three_secrets_differ() {
        let secrets = secrets(1);
        assert_ne!(secrets.initiator_to_responder, secrets.responder_to_initiator);
        assert_ne!(secrets.initiator_to_responder, secrets.exporter);
    }

    #[test]
    fn debug_does_not_print_secrets() {
        assert_eq!(format!("{:?} {:?}", secrets(1), secrets(1).exporter()), "Secrets Exporter");
    }
}
