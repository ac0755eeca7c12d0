//! AES-256-GCM behind one seam with two backends that make the same bytes.
//!
//! [`Portable`] is pure Rust, builds everywhere and erases its keys: the handshake always uses it. [`RecordKey`] is
//! the fastest one that was compiled in and protects the packets of a connection.

mod portable;
#[cfg(feature = "ring")]
mod with_ring;

#[cfg(test)]
mod tests;

pub(crate) use portable::Portable;

/// The backend of the record layer.
#[cfg(feature = "ring")]
pub(crate) type RecordKey = with_ring::WithRing;
/// The backend of the record layer.
#[cfg(not(feature = "ring"))]
pub(crate) type RecordKey = Portable;

/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 12;
/// Bytes of an authentication tag.
pub(crate) const TAG_LEN: usize = 16;

/// An expanded AES-256-GCM key.
pub(crate) trait Aead: Sized {
    /// Expands a key.
    fn new(key: &[u8; KEY_LEN]) -> Self;

    /// Encrypts in place and returns the tag. `None` only for a text beyond the limit of GCM, 64 GiB.
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
    ) -> Option<[u8; TAG_LEN]>;

    /// Decrypts in place if the tag is right. What is left in `text` otherwise is unspecified.
    #[must_use]
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool;
}
