//! AES-256-GCM, and the cipher of header masks, behind one seam with two backends that make the same bytes; and AEGIS-256X4.
//!
//! [`Portable`] is pure Rust and builds everywhere. [`RecordKey`] is the fastest one that was compiled in. All erase their keys.

mod portable;
#[cfg(any(test, not(feature = "aws-lc")))]
mod portable_mask;
#[cfg(feature = "aegis")]
mod with_aegis;
#[cfg(feature = "aws-lc")]
mod with_aws_lc;

#[cfg(test)]
mod tests;

pub(crate) use portable::Portable;
#[cfg(feature = "aegis")]
pub(crate) use with_aegis::{NONCE_LEN as AEGIS_NONCE_LEN, WithAegis, fast_ciphers};

/// The backend of handshakes and the record layer.
#[cfg(feature = "aws-lc")]
pub(crate) type RecordKey = with_aws_lc::WithAwsLc;
/// The backend of handshakes and the record layer.
#[cfg(not(feature = "aws-lc"))]
pub(crate) type RecordKey = Portable;

/// The backend of header masks.
#[cfg(feature = "aws-lc")]
pub(super) type MaskKey = with_aws_lc::MaskWithAwsLc;
/// The backend of header masks.
#[cfg(not(feature = "aws-lc"))]
pub(super) type MaskKey = portable_mask::PortableMask;

/// What is wanted beside AES-256-GCM: this build has nothing else.
#[cfg(not(feature = "aegis"))]
pub(crate) fn fast_ciphers() -> crate::wire::CipherMap {
    crate::wire::CipherMap::NONE
}

/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 12;
/// Bytes of an authentication tag.
pub(crate) const TAG_LEN: usize = 16;

/// Bytes of ciphertext from which a mask is made.
pub(super) const SAMPLE_LEN: usize = 16;
/// Bytes of a mask.
pub(super) const MASK_LEN: usize = 5;

/// An expanded AES-256 key for header masks (RFC 9001 §5.4.3).
pub(super) trait Mask: Sized {
    /// Expands a key.
    fn new(key: &[u8; KEY_LEN]) -> Self;

    /// The first bytes of the encrypted sample.
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN];
}

/// A key ready for use, of a cipher whose nonces have so many bytes.
pub(crate) trait Aead<const NONCE: usize = NONCE_LEN>: Sized {
    /// Expands a key.
    fn new(key: &[u8; KEY_LEN]) -> Self;

    /// Encrypts in place and writes the tag to where it belongs. False only for a text beyond the limit of the cipher: of GCM, 64 GiB.
    #[must_use]
    fn seal_to(
        &self,
        nonce: &[u8; NONCE],
        associated: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> bool;

    /// As [`Self::seal_to`], and returns the tag.
    fn seal(
        &self,
        nonce: &[u8; NONCE],
        associated: &[u8],
        text: &mut [u8],
    ) -> Option<[u8; TAG_LEN]> {
        let mut tag = [0; TAG_LEN];
        self.seal_to(nonce, associated, text, &mut tag).then_some(tag)
    }

    /// Decrypts in place if the tag is right. What is left in `text` otherwise is unspecified.
    #[must_use]
    fn open(
        &self,
        nonce: &[u8; NONCE],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool;
}
