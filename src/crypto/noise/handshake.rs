//! HandshakeState (Noise §5.3): runs a pattern, token by token.
//!
//! Each message is tried on a copy, which replaces the state only if the whole message was good. So a forged message
//! changes nothing, and a later good one still completes the handshake (SPEC §5.1).

use zeroize::Zeroizing;

use super::NoiseError;
use super::dh::{self, DH_LEN, KeyPair};
use super::kem::{self, DecapsulationKey, EncapsulationKey};
use super::pattern::{Pattern, Token};
use super::symmetric::SymmetricState;
use crate::base::Entropy;
use crate::crypto::aead::TAG_LEN;

/// The long-term keys that a side starts with.
#[derive(Default)]
pub(in crate::crypto) struct Keys {
    pub(in crate::crypto) local: Option<KeyPair>,
    /// The other side's public key, where the pattern takes it as known.
    pub(in crate::crypto) remote: Option<[u8; DH_LEN]>,
}

/// What Split() gives (Noise §5.2).
pub(in crate::crypto) struct Split {
    /// The initiator's sending key.
    pub(in crate::crypto) k1: Zeroizing<[u8; 32]>,
    /// The responder's.
    pub(in crate::crypto) k2: Zeroizing<[u8; 32]>,
    /// The handshake hash.
    pub(in crate::crypto) hash: [u8; 32],
}

#[derive(Clone)]
pub(in crate::crypto) struct HandshakeState {
    pattern: &'static Pattern,
    initiator: bool,
    /// Index of the next message.
    next: usize,
    symmetric: SymmetricState,
    local_static: Option<KeyPair>,
    local_ephemeral: Option<KeyPair>,
    remote_static: Option<[u8; DH_LEN]>,
    remote_ephemeral: Option<[u8; DH_LEN]>,
    psk: Option<Zeroizing<[u8; 32]>>,
    decapsulation: Option<DecapsulationKey>,
    encapsulation: Option<EncapsulationKey>,
}

impl HandshakeState {
    pub(in crate::crypto) fn initialize(
        pattern: &'static Pattern,
        initiator: bool,
        prologue: &[u8],
        keys: Keys,
    ) -> Result<Self, NoiseError> {
        let mut state = Self {
            pattern,
            initiator,
            next: 0,
            symmetric: SymmetricState::initialize(pattern.name),
            local_static: keys.local,
            local_ephemeral: None,
            remote_static: None,
            remote_ephemeral: None,
            psk: None,
            decapsulation: None,
            encapsulation: None,
        };
        state.symmetric.mix_hash(prologue);
        for (known, of_initiator) in
            [(pattern.initiator_known, true), (pattern.responder_known, false)]
        {
            if known {
                state.mix_known(of_initiator == initiator, keys.remote)?;
            }
        }
        Ok(state)
    }

    /// A static key of the pre-messages (Noise §7.1).
    fn mix_known(&mut self, own: bool, remote: Option<[u8; DH_LEN]>) -> Result<(), NoiseError> {
        if own {
            let local = self.local_static.as_ref().ok_or(NoiseError::MissingKey)?;
            self.symmetric.mix_hash(local.public());
        } else {
            let remote = remote.ok_or(NoiseError::MissingKey)?;
            self.set_remote_static(remote)?;
            self.symmetric.mix_hash(&remote);
        }
        Ok(())
    }

    /// The pre-shared key; to be given before the message with the `psk` token.
    pub(in crate::crypto) fn set_psk(&mut self, psk: Zeroizing<[u8; 32]>) {
        self.psk = Some(psk);
    }

    pub(in crate::crypto) fn remote_static(&self) -> Option<&[u8; DH_LEN]> {
        self.remote_static.as_ref()
    }

    pub(in crate::crypto) fn local_ephemeral(&self) -> Option<&[u8; DH_LEN]> {
        self.local_ephemeral.as_ref().map(KeyPair::public)
    }

    pub(in crate::crypto) fn remote_ephemeral(&self) -> Option<&[u8; DH_LEN]> {
        self.remote_ephemeral.as_ref()
    }

    /// The next message, which is this side's to send. An error leaves the state as it was.
    pub(in crate::crypto) fn write_message(
        &mut self,
        payload: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, NoiseError> {
        let tokens = self.turn(self.initiator)?;
        let mut tried = self.clone();
        let mut out = Vec::with_capacity(size_max(tokens) + payload.len());
        for token in tokens {
            tried.write_token(*token, entropy, &mut out)?;
        }
        tried.symmetric.encrypt_and_hash(payload, &mut out)?;
        tried.next += 1;
        *self = tried;
        Ok(out)
    }

    /// Reads the other side's next message and returns its payload. An error leaves the state as it was.
    pub(in crate::crypto) fn read_message(
        &mut self,
        message: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, NoiseError> {
        let tokens = self.turn(!self.initiator)?;
        let mut tried = self.clone();
        let mut rest = message;
        for token in tokens {
            tried.read_token(*token, &mut rest)?;
        }
        let payload = tried.symmetric.decrypt_and_hash(rest)?;
        tried.next += 1;
        *self = tried;
        Ok(payload)
    }

    /// The transport keys, when all messages have passed.
    pub(in crate::crypto) fn split(&self) -> Result<Split, NoiseError> {
        if self.next != self.pattern.messages.len() {
            return Err(NoiseError::OutOfTurn);
        }
        let (k1, k2, hash) = self.symmetric.split();
        Ok(Split { k1, k2, hash })
    }

    /// The tokens of the next message, if it is sent by this side of the pattern.
    fn turn(&self, by_initiator: bool) -> Result<&'static [Token], NoiseError> {
        let tokens = self.pattern.messages.get(self.next).ok_or(NoiseError::OutOfTurn)?;
        let initiator_speaks = self.next.is_multiple_of(2);
        if initiator_speaks == by_initiator { Ok(tokens) } else { Err(NoiseError::OutOfTurn) }
    }

    fn write_token(
        &mut self,
        token: Token,
        entropy: &mut dyn Entropy,
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        match token {
            Token::E => {
                let pair = KeyPair::generate(entropy);
                out.extend_from_slice(pair.public());
                self.mix_ephemeral(pair.public());
                self.local_ephemeral = Some(pair);
                Ok(())
            }
            Token::S => {
                let local = self.local_static.as_ref().ok_or(NoiseError::MissingKey)?;
                self.symmetric.encrypt_and_hash(local.public(), out)
            }
            Token::E1 => {
                let (secret, public) = DecapsulationKey::generate(entropy)?;
                self.decapsulation = Some(secret);
                self.symmetric.encrypt_and_hash(&public, out)
            }
            Token::Ekem1 => {
                let key = self.encapsulation.take().ok_or(NoiseError::MissingKey)?;
                let (ciphertext, secret) = key.encapsulate(entropy)?;
                self.symmetric.encrypt_and_hash(&ciphertext, out)?;
                self.symmetric.mix_key(&*secret);
                Ok(())
            }
            Token::Ee | Token::Es | Token::Se | Token::Ss | Token::Psk => self.mix_secret(token),
        }
    }

    fn read_token(&mut self, token: Token, rest: &mut &[u8]) -> Result<(), NoiseError> {
        match token {
            Token::E => {
                let public = take_key(rest)?;
                self.mix_ephemeral(&public);
                self.remote_ephemeral = Some(public);
                Ok(())
            }
            Token::S => {
                let sealed = take(rest, DH_LEN + self.symmetric.overhead())?;
                let opened = self.symmetric.decrypt_and_hash(sealed)?;
                let public = take_key(&mut opened.as_slice())?;
                self.set_remote_static(public)
            }
            Token::E1 => {
                let sealed = take(rest, kem::ENCAPSULATION_KEY_LEN + self.symmetric.overhead())?;
                let opened = self.symmetric.decrypt_and_hash(sealed)?;
                self.encapsulation = Some(EncapsulationKey::from_bytes(&opened)?);
                Ok(())
            }
            Token::Ekem1 => {
                let sealed = take(rest, kem::CIPHERTEXT_LEN + self.symmetric.overhead())?;
                let ciphertext = self.symmetric.decrypt_and_hash(sealed)?;
                let key = self.decapsulation.take().ok_or(NoiseError::MissingKey)?;
                let secret = key.decapsulate(&ciphertext)?;
                self.symmetric.mix_key(&*secret);
                Ok(())
            }
            Token::Ee | Token::Es | Token::Se | Token::Ss | Token::Psk => self.mix_secret(token),
        }
    }

    fn mix_ephemeral(&mut self, public: &[u8; DH_LEN]) {
        self.symmetric.mix_hash(public);
        if self.pattern.psk {
            self.symmetric.mix_key(public);
        }
    }

    /// The tokens that put nothing on the wire: both sides mix the same secret.
    fn mix_secret(&mut self, token: Token) -> Result<(), NoiseError> {
        if token == Token::Psk {
            let psk = self.psk.take().ok_or(NoiseError::MissingKey)?;
            self.symmetric.mix_key_and_hash(&*psk);
            return Ok(());
        }
        // The first letter names the initiator's key, the second the responder's.
        let (own_static, its_static) = match token {
            Token::Es => (!self.initiator, self.initiator),
            Token::Se => (self.initiator, !self.initiator),
            Token::Ss => (true, true),
            _ => (false, false),
        };
        let local = if own_static { &self.local_static } else { &self.local_ephemeral };
        let remote = if its_static { &self.remote_static } else { &self.remote_ephemeral };
        let (Some(local), Some(remote)) = (local, remote) else {
            return Err(NoiseError::MissingKey);
        };
        let shared = local.dh(remote)?;
        self.symmetric.mix_key(&*shared);
        Ok(())
    }

    /// A peer with our own key is our reflection (SPEC §5.1).
    fn set_remote_static(&mut self, public: [u8; DH_LEN]) -> Result<(), NoiseError> {
        dh::check_canonical(&public)?;
        if self.local_static.as_ref().is_some_and(|local| *local.public() == public) {
            return Err(NoiseError::OwnKey);
        }
        self.remote_static = Some(public);
        Ok(())
    }
}

/// The most bytes of a message with these tokens, without its payload.
fn size_max(tokens: &[Token]) -> usize {
    let of_token = |token: &Token| match token {
        Token::E => DH_LEN,
        Token::S => DH_LEN + TAG_LEN,
        Token::E1 => kem::ENCAPSULATION_KEY_LEN + TAG_LEN,
        Token::Ekem1 => kem::CIPHERTEXT_LEN + TAG_LEN,
        Token::Ee | Token::Es | Token::Se | Token::Ss | Token::Psk => 0,
    };
    tokens.iter().map(of_token).sum::<usize>() + TAG_LEN
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], NoiseError> {
    let (taken, left) = rest.split_at_checked(length).ok_or(NoiseError::Short)?;
    *rest = left;
    Ok(taken)
}

fn take_key(rest: &mut &[u8]) -> Result<[u8; DH_LEN], NoiseError> {
    let public = take(rest, DH_LEN)?.try_into().map_err(|_| NoiseError::Short)?;
    dh::check_canonical(&public)?;
    Ok(public)
}
