//! Handshake patterns as data (Noise §7, SPEC §5.1).

/// A step of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crypto) enum Token {
    /// An ephemeral public key.
    E,
    /// A static public key.
    S,
    /// Diffie-Hellman between the two ephemerals.
    Ee,
    /// Between the initiator's ephemeral and the responder's static key.
    Es,
    /// Between the initiator's static and the responder's ephemeral key.
    Se,
    /// Between the two static keys.
    Ss,
    /// The pre-shared key.
    Psk,
    /// The initiator's encapsulation key.
    E1,
    /// The responder's ciphertext for it.
    Ekem1,
}

use Token::{E, E1, Ee, Ekem1, Es, Psk, S, Se, Ss};

/// A pattern under its full protocol name. Messages alternate; the initiator speaks first.
#[derive(Debug)]
pub(in crate::crypto) struct Pattern {
    pub(super) name: &'static str,
    /// `-> s` before the first message.
    pub(super) initiator_known: bool,
    /// `<- s` before the first message.
    pub(super) responder_known: bool,
    /// Holds a `psk` token, so that each `e` goes into the key too (Noise §9.2).
    pub(super) psk: bool,
    pub(super) messages: &'static [&'static [Token]],
}

/// The peer id is known, hybrid.
pub(in crate::crypto) const XK_HYBRID: Pattern = Pattern {
    name: "Noise_XKhfs+psk3_25519+MLKEM768_AESGCM_SHA256",
    initiator_known: false,
    responder_known: true,
    psk: true,
    messages: &[&[E, Es, E1], &[E, Ee, Ekem1], &[S, Se, Psk]],
};

/// The peer id is learnt, hybrid.
pub(in crate::crypto) const XX_HYBRID: Pattern = Pattern {
    name: "Noise_XXhfs+psk3_25519+MLKEM768_AESGCM_SHA256",
    initiator_known: false,
    responder_known: false,
    psk: true,
    messages: &[&[E, E1], &[E, Ee, Ekem1, S, Es], &[S, Se, Psk]],
};

/// The peer id is known, classical.
pub(in crate::crypto) const XK_CLASSICAL: Pattern = Pattern {
    name: "Noise_XKpsk3_25519_AESGCM_SHA256",
    initiator_known: false,
    responder_known: true,
    psk: true,
    messages: &[&[E, Es], &[E, Ee], &[S, Se, Psk]],
};

/// The peer id is learnt, classical.
pub(in crate::crypto) const XX_CLASSICAL: Pattern = Pattern {
    name: "Noise_XXpsk3_25519_AESGCM_SHA256",
    initiator_known: false,
    responder_known: false,
    psk: true,
    messages: &[&[E], &[E, Ee, S, Es], &[S, Se, Psk]],
};

/// One message to a known peer, who learns from whom it is (SPEC §18.2).
pub(in crate::crypto) const X: Pattern = Pattern {
    name: "Noise_X_25519_AESGCM_SHA256",
    initiator_known: false,
    responder_known: true,
    psk: false,
    messages: &[&[E, Es, S, Ss]],
};
