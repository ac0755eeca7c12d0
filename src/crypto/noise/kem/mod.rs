//! The KEM of the `hfs` modifier: ML-KEM-768 (FIPS 203), or its absence in a build without feature `pq`.

#[cfg(not(feature = "pq"))]
mod absent;
#[cfg(feature = "pq")]
mod ml_kem_768;

#[cfg(not(feature = "pq"))]
pub(in crate::crypto) use absent::{DecapsulationKey, EncapsulationKey};
#[cfg(feature = "pq")]
pub(in crate::crypto) use ml_kem_768::{DecapsulationKey, EncapsulationKey};

/// Bytes of an encapsulation key.
pub(in crate::crypto) const ENCAPSULATION_KEY_LEN: usize = 1184;
/// Bytes of a ciphertext.
pub(in crate::crypto) const CIPHERTEXT_LEN: usize = 1088;
