//! Why a message was refused. For counters and tests; the peer never learns it.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crypto) enum NoiseError {
    /// Another message was due, or this side's turn to speak.
    OutOfTurn,
    /// The message ends too early.
    Short,
    /// An X25519 key that is not canonical.
    PublicKey,
    /// A Diffie-Hellman result of zeros.
    NonContributory,
    /// The remote static key is our own.
    OwnKey,
    /// A ciphertext that does not open.
    Decrypt,
    /// An encapsulation key that fails the modulus check.
    #[cfg_attr(not(feature = "pq"), expect(dead_code, reason = "only builds with ML-KEM meet it"))]
    EncapsulationKey,
    /// A token needs a key that nobody has given.
    MissingKey,
    /// Built without the hybrid primitive set.
    #[cfg_attr(feature = "pq", expect(dead_code, reason = "only builds without ML-KEM meet it"))]
    Unsupported,
}
